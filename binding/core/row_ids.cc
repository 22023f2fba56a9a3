#include "row_ids.h"

#include <algorithm>
#include <vector>

namespace opscope {
namespace {

uint64_t FreePrefix(const Column<IdRow>& ids) {
  std::vector<uint32_t> taken;
  taken.reserve(ids.size());
  for (const IdRow& id : ids) taken.push_back(static_cast<uint32_t>(id.span_id >> 32));
  std::sort(taken.begin(), taken.end());
  uint32_t prefix = 1;
  for (const uint32_t each : taken) prefix += each == prefix;
  return uint64_t{prefix} << 32;
}

bool HasTraceId(const IdRow* id) noexcept {
  return id != nullptr && (id->trace_id_high | id->trace_id_low) != 0;
}

}  // namespace

RowIds::RowIds(const Recording& recording, const SessionParent& session_parent)
    : recording_(recording),
      session_parent_(session_parent),
      made_prefix_(FreePrefix(recording.ids)),
      trace_row_(recording.spans.size()) {
  FindTraces();
}

// Upwards to a row that is known, since parents on other threads may come later;
// not recursive, trees are deep.
void RowIds::FindTraces() {
  constexpr int32_t kUnknown = -1;
  trace_row_.Fill(kUnknown);
  for (const IdRow& id : recording_.ids) {
    if (HasTraceId(&id)) trace_row_[id.row] = static_cast<int32_t>(id.row);
  }
  std::vector<uint32_t> below;
  for (uint32_t row = 0; row < trace_row_.size(); ++row) {
    uint32_t at = row;
    while (trace_row_[at] == kUnknown) {
      below.push_back(at);
      if (recording_.spans.parent[at] == kNoParent) {
        trace_row_[at] = static_cast<int32_t>(at);
      } else {
        at = static_cast<uint32_t>(recording_.spans.parent[at]);
      }
    }
    for (const uint32_t each : below) trace_row_[each] = trace_row_[at];
    below.clear();
  }
}

const IdRow* RowIds::Find(uint32_t row) const noexcept {
  const Column<IdRow>& ids = recording_.ids;
  const IdRow* found = std::lower_bound(ids.begin(), ids.end(), row,
                                        [](const IdRow& id, uint32_t value) { return id.row < value; });
  return found != ids.end() && found->row == row ? found : nullptr;
}

uint64_t RowIds::SpanId(uint32_t row) const noexcept {
  const IdRow* id = row < trace_row_.size() ? Find(row) : nullptr;
  return id != nullptr && id->span_id != 0 ? id->span_id : made_prefix_ | row;
}

int32_t RowIds::ParentRow(uint32_t row) const noexcept {
  const size_t spans = trace_row_.size();
  return row < spans ? recording_.spans.parent[row] : recording_.gpu[row - spans].span;
}

uint64_t RowIds::ParentId(uint32_t row) const noexcept {
  const int32_t parent = ParentRow(row);
  if (parent != kNoParent) return SpanId(static_cast<uint32_t>(parent));
  const IdRow* id = row < trace_row_.size() ? Find(row) : nullptr;
  if (id != nullptr && (id->remote_parent_id != 0 || HasTraceId(id))) return id->remote_parent_id;
  return row < trace_row_.size() ? session_parent_.span_id : 0;
}

bool RowIds::HasTrace(uint32_t span) const noexcept { return HasTraceId(Find(span)); }

TraceId RowIds::TraceOf(uint32_t row) const noexcept {
  const int32_t span = row < trace_row_.size() ? static_cast<int32_t>(row) : ParentRow(row);
  if (span == kNoParent) return {};
  const auto from = static_cast<uint32_t>(trace_row_[static_cast<size_t>(span)]);
  const IdRow* id = Find(from);
  return HasTraceId(id) ? TraceId{id->trace_id_high, id->trace_id_low} : MadeTrace(from);
}

TraceId RowIds::MadeTrace(uint32_t root) const noexcept {
  if (has_session_parent()) return session_parent_.trace;
  return {static_cast<uint64_t>(recording_.origin_epoch_ns), SpanId(root)};
}

}  // namespace opscope
