#include "otlp_values.h"

#include <cmath>

#include "json_text.h"

namespace opscope {
namespace {

void StartAttribute(std::string_view key, std::string_view type, std::string* out) {
  if (!out->empty() && out->back() != '[') *out += ',';
  *out += R"({"key":)";
  AppendJsonString(key, out);
  *out += R"(,"value":{")";
  *out += type;
  *out += "\":";
}

}  // namespace

void AppendOtlpText(std::string_view key, std::string_view value, std::string* out) {
  StartAttribute(key, "stringValue", out);
  AppendJsonString(value, out);
  *out += "}}";
}

void AppendOtlpInteger(std::string_view key, int64_t value, std::string* out) {
  StartAttribute(key, "intValue", out);
  *out += '"';
  AppendInteger(value, out);
  *out += "\"}}";
}

void AppendOtlpNumber(std::string_view key, double value, std::string* out) {
  constexpr double kMaxSafe = 9007199254740992;
  if (std::abs(value) <= kMaxSafe && value == std::trunc(value))
    return AppendOtlpInteger(key, static_cast<int64_t>(value), out);
  StartAttribute(key, "doubleValue", out);
  AppendDouble(value, out);
  *out += "}}";
}

void AppendOtlpBool(std::string_view key, bool value, std::string* out) {
  StartAttribute(key, "boolValue", out);
  *out += value ? "true}}" : "false}}";
}

}  // namespace opscope
