#include "otlp_resource.h"

#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "json_scanner.h"
#include "otlp_values.h"

namespace opscope {
namespace {

// The name of a service that was not given one: resource conventions of OpenTelemetry.
constexpr const char* kUnknownService = "unknown_service:node";

// Keys to what is appended for them; of a key that comes twice the last value.
class Attributes {
 public:
  std::string* Value(const std::string& key) {
    const auto [found, is_new] = at_.try_emplace(key, values_.size());
    if (is_new) values_.emplace_back();
    std::string* value = &values_[found->second];
    value->clear();
    return value;
  }
  bool Has(const std::string& key) const { return at_.contains(key); }
  std::string Joined() const {
    std::string all;
    for (const std::string& value : values_) {
      if (!all.empty() && !value.empty()) all += ',';
      all += value;
    }
    return all;
  }

 private:
  std::map<std::string, size_t> at_;
  std::vector<std::string> values_;
};

void AddNumber(const std::string& key, const std::string& word, std::string* out) {
  char* end = nullptr;
  const double number = std::strtod(word.c_str(), &end);
  if (*end == '\0') AppendOtlpNumber(key, number, out);
}

void ReadAttributes(JsonScanner* json, Attributes* attributes) {
  std::string key, text;
  if (!json->Enter()) return;
  while (json->NextKey(&key)) {
    switch (json->Peek()) {
      case JsonScanner::Kind::kString:
        if (json->ReadString(&text)) AppendOtlpText(key, text, attributes->Value(key));
        break;
      case JsonScanner::Kind::kNumber:
        AddNumber(key, std::string(json->ReadWord()), attributes->Value(key));
        break;
      case JsonScanner::Kind::kTrue:
      case JsonScanner::Kind::kFalse:
        AppendOtlpBool(key, json->ReadWord() == "true", attributes->Value(key));
        break;
      default:
        if (!json->Skip()) return;
    }
  }
}

}  // namespace

OtlpResource ResourceOf(const Recording& recording) {
  Attributes attributes;
  std::string version, node, host, key;
  const std::pair<std::string_view, std::string*> texts[] = {
      {"opscope", &version}, {"node", &node}, {"host", &host}};
  JsonScanner json(recording.meta_json);
  if (json.Enter()) {
    while (json.NextKey(&key)) {
      if (key == "attributes" && json.Peek() == JsonScanner::Kind::kObject) {
        ReadAttributes(&json, &attributes);
        continue;
      }
      std::string* text = nullptr;
      for (const auto& [name, value] : texts) {
        if (key == name && json.Peek() == JsonScanner::Kind::kString) text = value;
      }
      if (text != nullptr ? !json.ReadString(text) : !json.Skip()) break;
    }
  }
  const auto add = [&attributes](const char* name, const std::string& text) {
    if (!text.empty() && !attributes.Has(name)) AppendOtlpText(name, text, attributes.Value(name));
  };
  add("service.name", kUnknownService);
  if (recording.process_id > 0 && !attributes.Has("process.pid"))
    AppendOtlpInteger("process.pid", recording.process_id, attributes.Value("process.pid"));
  add("host.name", host);
  if (!node.empty()) {
    add("process.runtime.name", "nodejs");
    add("process.runtime.version", node);
  }
  return {attributes.Joined(), version};
}

}  // namespace opscope
