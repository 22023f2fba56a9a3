// The span rows of a Chrome trace: X events that nest, and b and e for the rest.
#pragma once

#include <cstdint>
#include <string>

#include "../core/columns.h"
#include "chrome_lines.h"
#include "lanes.h"
#include "span_rows.h"

namespace opscope {

// One thread at a time.
class SpanLines {
 public:
  explicit SpanLines(JsonLines* out);

  void Write(const ThreadEntry& thread, int64_t tid);

 private:
  void WriteRow(uint32_t row);
  void AddArgs(uint32_t row, const AsyncRow* async, uint64_t span_id);
  void AddAttributes(uint32_t row);
  void AddLinks(uint32_t row);
  uint64_t SpanIdOf(int32_t row) const;

  JsonLines& out_;
  std::string& line_;
  const Recording& recording_;

  // Of the thread being written.
  int64_t pid_ = 0, tid_ = 0;
  NestStack stack_;
  RowCursor<AsyncRow> asyncs_;
  RowCursor<IdRow> ids_;
  RowCursor<AttributeRow> attributes_;
  RowCursor<LinkRow> links_;
};

}  // namespace opscope
