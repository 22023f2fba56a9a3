// Attributes as OTLP/JSON has them: {"key":…,"value":{"stringValue":…}}. Every
// call appends one, behind a comma where another is before it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace opscope {

void AppendOtlpText(std::string_view key, std::string_view value, std::string* out);
// Any int64 as the decimal text that the mapping asks for.
void AppendOtlpInteger(std::string_view key, int64_t value, std::string* out);
// Whole numbers as integers: JavaScript has one kind of number, and OpenTelemetry's
// own exporter for it tells them apart so too.
void AppendOtlpNumber(std::string_view key, double value, std::string* out);
void AppendOtlpBool(std::string_view key, bool value, std::string* out);

}  // namespace opscope
