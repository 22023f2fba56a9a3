// What refers to a span by id and may be read before it: spans of other threads
// are known only when all logs have been read.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "columns.h"

namespace opscope {

// Filled while logs are read, resolved once at the end. What refers to a span
// without a row is left out. Not thread-safe.
class SpanReferences {
 public:
  void AddRow(uint64_t span_id, uint32_t row) { rows_[span_id] = static_cast<int32_t>(row); }
  void AddParent(uint32_t row, uint64_t span_id) { parents_.push_back({row, span_id}); }
  // The span that the thread worked for when the row began.
  void AddContextParent(uint32_t row, uint64_t span_id) { context_parents_.push_back({row, span_id}); }
  void AddContext(const ContextRow& row, uint64_t span_id) { contexts_.push_back({row, span_id}); }
  void AddAttribute(const AttributeRow& row, uint64_t span_id) { attributes_.push_back({row, span_id}); }
  void AddLink(const LinkRow& row, uint64_t span_id) { links_.push_back({row, span_id}); }
  // Left out when its span is.
  void AddMark(const MarkRow& mark, uint64_t span_id) { marks_.push_back({mark, span_id}); }
  void AddTraceId(uint64_t span_id, uint64_t trace_high, uint64_t trace_low, uint64_t remote_parent) {
    trace_ids_.push_back({span_id, trace_high, trace_low, remote_parent});
  }

  // Into the tables of `recording`, whose ids are ascending by row.
  void Resolve(Recording* recording) const;

 private:
  struct Parent {
    uint32_t row;
    uint64_t span_id;
  };
  struct TraceId {
    uint64_t span_id, trace_high, trace_low, remote_parent;
  };
  template <typename Row>
  struct Pending {
    Row row;
    uint64_t span_id;
  };

  int32_t RowOf(uint64_t span_id) const {
    const auto found = rows_.find(span_id);
    return found == rows_.end() ? kNoParent : found->second;
  }
  template <typename Row>
  void AddTo(Column<Row>* table, const std::vector<Pending<Row>>& pending) const;
  void AddTraceIds(Column<IdRow>* ids) const;

  std::unordered_map<uint64_t, int32_t> rows_;
  std::vector<Parent> parents_, context_parents_;
  std::vector<Pending<ContextRow>> contexts_;
  std::vector<Pending<AttributeRow>> attributes_;
  std::vector<Pending<LinkRow>> links_;
  std::vector<Pending<MarkRow>> marks_;
  std::vector<TraceId> trace_ids_;
};

}  // namespace opscope
