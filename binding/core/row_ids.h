// Ids of all rows of a recording, given or made: the spans in their order, then
// what the GPU did.
#pragma once

#include <cstdint>

#include "column.h"
#include "columns.h"

namespace opscope {

struct TraceId {
  uint64_t high = 0, low = 0;
  bool operator==(const TraceId&) const = default;
  bool is_none() const noexcept { return (high | low) == 0; }
};

// What spans without a parent belong to in another process, as the session was told.
struct SessionParent {
  TraceId trace;
  uint64_t span_id = 0;
};

// The same after saving and loading, since rows keep their numbers. Immutable,
// 4 bytes a span; the recording must outlive it.
class RowIds {
 public:
  explicit RowIds(const Recording& recording, const SessionParent& session_parent = {});

  // The span's own; rows without one have one made of their number behind digits
  // that no id of the recording begins with.
  uint64_t SpanId(uint32_t row) const noexcept;
  // Of the span around it, or in which it was launched, else of its parent in
  // another process; 0: none.
  uint64_t ParentId(uint32_t row) const noexcept;
  // Of the nearest span that was given one, of itself and those around it, else
  // made for the outermost. None for GPU work whose span is not known.
  TraceId TraceOf(uint32_t row) const noexcept;
  // For a root without one: that of the session's parent, else of the start of the
  // recording and the id of the root, so that captures do not share it.
  TraceId MadeTrace(uint32_t root) const noexcept;

  // Whether the span itself was given a trace id.
  bool HasTrace(uint32_t span) const noexcept;
  bool has_session_parent() const noexcept { return !session_parent_.trace.is_none(); }
  // Row of the span around it, or in which it was launched; kNoParent.
  int32_t ParentRow(uint32_t row) const noexcept;

 private:
  const IdRow* Find(uint32_t row) const noexcept;
  void FindTraces();

  const Recording& recording_;
  const SessionParent session_parent_;
  uint64_t made_prefix_;
  Column<int32_t> trace_row_;  // of a span: where its trace id comes from
};

}  // namespace opscope
