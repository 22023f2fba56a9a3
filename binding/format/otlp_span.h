// The spans of an OTLP request being written: one line each, built key by key.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../core/columns.h"
#include "../core/row_ids.h"
#include "byte_sink.h"

namespace opscope {

// One thread at a time.
class OtlpSpan {
 public:
  OtlpSpan(const Recording& recording, ByteSink* sink)
      : sink_(*sink), origin_ns_(recording.origin_epoch_ns) {}

  // `name_json`: with its quotes. Attributes are added until EndAttributes.
  void Start(const TraceId& trace, uint64_t span_id, uint64_t parent_id, std::string_view name_json,
             int64_t start_ns, int64_t end_ns);
  // Where attributes go, made by otlp_values.h or before.
  std::string* attributes() noexcept { return &line_; }
  void AddMade(std::string_view made) {
    if (made.empty()) return;
    if (line_.back() != '[') line_ += ',';
    line_ += made;
  }
  void EndAttributes() { line_ += ']'; }
  // Events, then links, each in a row.
  void AddEvent(int64_t at_ns, std::string_view name_json, std::string_view made_attributes);
  void AddLink(const TraceId& trace, uint64_t span_id);
  void End(bool is_error);

 private:
  void EndList();
  void InList(std::string_view list);
  void AddHex(uint64_t value);
  void AddTrace(const TraceId& trace);
  void AddTime(int64_t ns);

  ByteSink& sink_;
  const int64_t origin_ns_;
  std::string line_;
  std::string_view list_;  // the one that is open
  bool is_first_ = true;
};

}  // namespace opscope
