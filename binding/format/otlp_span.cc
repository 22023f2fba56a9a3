#include "otlp_span.h"

#include <algorithm>
#include <charconv>

#include "hex.h"

namespace opscope {

void OtlpSpan::AddHex(uint64_t value) {
  char digits[16];
  PutHex(digits, value);
  line_.append(digits, sizeof digits);
}
void OtlpSpan::AddTrace(const TraceId& trace) {
  AddHex(trace.high);
  AddHex(trace.low);
}

// A time before 1970 has no place in a fixed64.
void OtlpSpan::AddTime(int64_t ns) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, std::max<int64_t>(origin_ns_ + ns, 0));
  line_.append(digits, static_cast<size_t>(end.ptr - digits));
}

void OtlpSpan::Start(const TraceId& trace, uint64_t span_id, uint64_t parent_id, std::string_view name_json,
                     int64_t start_ns, int64_t end_ns) {
  line_ = is_first_ ? "\n" : ",\n";
  is_first_ = false;
  line_ += R"({"traceId":")";
  AddTrace(trace);
  line_ += R"(","spanId":")";
  AddHex(span_id);
  if (parent_id != 0) {
    line_ += R"(","parentSpanId":")";
    AddHex(parent_id);
  }
  line_ += R"(","name":)";
  line_ += name_json;
  line_ += R"(,"kind":1,"startTimeUnixNano":")";
  AddTime(start_ns);
  line_ += R"(","endTimeUnixNano":")";
  AddTime(std::max(start_ns, end_ns));
  line_ += R"(","attributes":[)";
}

void OtlpSpan::EndList() {
  if (!list_.empty()) line_ += ']';
  list_ = {};
}
void OtlpSpan::InList(std::string_view list) {
  if (list == list_) {
    line_ += ',';
    return;
  }
  EndList();
  line_ += ",\"";
  line_ += list;
  line_ += "\":[";
  list_ = list;
}

void OtlpSpan::AddEvent(int64_t at_ns, std::string_view name_json, std::string_view made_attributes) {
  InList("events");
  line_ += R"({"timeUnixNano":")";
  AddTime(at_ns);
  line_ += R"(","name":)";
  line_ += name_json;
  line_ += R"(,"attributes":[)";
  line_ += made_attributes;
  line_ += "]}";
}

void OtlpSpan::AddLink(const TraceId& trace, uint64_t span_id) {
  InList("links");
  line_ += R"({"traceId":")";
  AddTrace(trace);
  line_ += R"(","spanId":")";
  AddHex(span_id);
  line_ += "\"}";
}

void OtlpSpan::End(bool is_error) {
  EndList();
  if (is_error) line_ += R"(,"status":{"code":2})";
  line_ += '}';
  sink_.Append(line_);
}

}  // namespace opscope
