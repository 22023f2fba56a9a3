#include "format/otlp_writer.h"

#include <set>
#include <string>

#include "doctest.h"
#include "format/byte_sink.h"
#include "format/json_scanner.h"
#include "format/otlp_resource.h"
#include "json_reader.h"
#include "recording_samples.h"

namespace opscope::test {
namespace {

Json Written(const Recording& recording) {
  ByteSink sink = ByteSink::ToMemory();
  REQUIRE(WriteOtlp(recording, &sink, nullptr).ok());
  Json json;
  REQUIRE(JsonReader(sink.view()).Read(&json));
  return json;
}
const std::vector<Json>& SpansOf(const Json& request) {
  return request["resourceSpans"].items[0]["scopeSpans"].items[0]["spans"].items;
}
// "key=value" of each attribute of the resource.
std::set<std::string> ResourceAttributes(const std::string& meta) {
  Recording recording;
  recording.meta_json = meta;
  const std::string text = "[" + ResourceOf(recording).attributes + "]";
  Json list;
  REQUIRE_MESSAGE(JsonReader(text).Read(&list), text);
  std::set<std::string> found;
  for (const Json& item : list.items) {
    const auto& [type, value] = item["value"].members.at(0);
    found.insert(item["key"].text + "=" +
                 (type == "doubleValue" ? std::to_string(value.number) : value.text));
  }
  return found;
}

}  // namespace

TEST_CASE(
    "an OTLP request of odd and of random rows is JSON, with one span a row and ids of the right length") {
  for (uint32_t seed = 0; seed < 6; ++seed) {
    const auto recording = seed == 0 ? OddRecording() : RandomRecording(seed, 3, 2000);
    const Json request = Written(*recording);
    const std::vector<Json>& spans = SpansOf(request);
    REQUIRE(spans.size() == recording->spans.size() + recording->gpu.size());
    std::set<std::string> ids;
    for (const Json& span : spans) {
      ids.insert(span["spanId"].text);
      CHECK(span["spanId"].text.size() == 16);
      CHECK(span["traceId"].text.size() == 32);
      CHECK(span["traceId"].text != std::string(32, '0'));
      if (span.Has("parentSpanId")) CHECK(span["parentSpanId"].text.size() == 16);
      CHECK(!span["name"].text.empty());
    }
    CHECK(ids.size() == spans.size());
  }
}

TEST_CASE("a resource takes strings, numbers and booleans from the recording's text") {
  CHECK(ResourceAttributes(
            R"( {"state":{"attributes":{"no":1}},"list":[1,[2,{"a":"}"}]], "attributes" : {"s":"a\"b","n":4,
      "f":0.5,"e":1e3,"t":true,"null":null,"list":[1,{"x":2}],"s2":"","n":5}, "node":"20.1","host":"h\u00e9\ud83d\ude00"})") ==
        std::set<std::string>{"s=a\"b", "n=5", "f=0.500000", "e=1000", "t=", "s2=", "host.name=hé😀",
                              "service.name=unknown_service:node", "process.runtime.name=nodejs",
                              "process.runtime.version=20.1"});
  CHECK(ResourceAttributes(R"({"attributes":{"service.name":"mine","host.name":"here"},"host":"other"})") ==
        std::set<std::string>{"service.name=mine", "host.name=here"});
}

TEST_CASE("a resource survives text that is no JSON, or is cut anywhere") {
  const std::string whole =
      R"({"a":[{"b":"\u12ab\\"},-1.5e3],"attributes":{"k":"v\ud800","n":12,"t":false},"node":"20","host":"h"})";
  for (size_t size = 0; size <= whole.size(); ++size) ResourceAttributes(whole.substr(0, size));
  for (const char* text :
       {"", "[]", "7", "{]", "{\"a\" 1}", "{\"attributes\":7}", "{\"attributes\":{\"n\":1x}}",
        "{\"attributes\":{\"n\":-}}", "{\"a\":}", "{\"a\":]]]", "}}}}", "{\"a\":\"\\u12\"}"})
    CHECK(ResourceAttributes(text).contains("service.name=unknown_service:node"));
  CHECK(ResourceAttributes(whole.substr(0, whole.size() - 1)).contains("k=v\xEF\xBF\xBD"));
}

TEST_CASE("a scanner passes over any value") {
  std::string key, text;
  JsonScanner json(R"({"a":{"x":[1,{"y":"]}"}],"z":null},"b":[[],[[]]],"c":-1e5,"d":"\n\t\/\"","e":true})");
  REQUIRE(json.Enter());
  for (const char* expected : {"a", "b", "c"}) {
    REQUIRE(json.NextKey(&key));
    CHECK(key == expected);
    REQUIRE(json.Skip());
  }
  REQUIRE(json.NextKey(&key));
  REQUIRE(json.ReadString(&text));
  CHECK(text == "\n\t/\"");
  REQUIRE(json.NextKey(&key));
  CHECK(json.ReadWord() == "true");
  CHECK(!json.NextKey(&key));
  CHECK(json.Peek() == JsonScanner::Kind::kNone);
}

}  // namespace opscope::test
