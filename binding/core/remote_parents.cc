#include "remote_parents.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace opscope {
namespace {

using TraceId = std::pair<uint64_t, uint64_t>;

// Its own, else that of the nearest span around it; zeros: unknown.
TraceId TraceOf(const Recording& recording, int32_t row) {
  for (; row != kNoParent; row = recording.spans.parent[static_cast<size_t>(row)]) {
    const auto wanted = static_cast<uint32_t>(row);
    const IdRow* ids = std::lower_bound(recording.ids.begin(), recording.ids.end(), wanted,
                                        [](const IdRow& entry, uint32_t value) { return entry.row < value; });
    if (ids != recording.ids.end() && ids->row == wanted && (ids->trace_id_high | ids->trace_id_low) != 0)
      return {ids->trace_id_high, ids->trace_id_low};
  }
  return {0, 0};
}

uint32_t ProcessOfRow(const Recording& recording, uint32_t row) {
  const auto after =
      std::upper_bound(recording.threads.begin(), recording.threads.end(), row,
                       [](uint32_t wanted, const ThreadEntry& thread) { return wanted < thread.first_row; });
  return (after - 1)->process;
}

}  // namespace

std::vector<RemoteParent> FindRemoteParents(const Recording& recording) {
  std::vector<RemoteParent> found;
  if (recording.processes.size() < 2) return found;
  std::unordered_multimap<uint64_t, uint32_t> rows_by_id;  // of those that are looked for
  for (const IdRow& ids : recording.ids) {
    if (ids.remote_parent_id != 0) rows_by_id.emplace(ids.remote_parent_id, UINT32_MAX);
  }
  if (rows_by_id.empty()) return found;
  for (const IdRow& ids : recording.ids) {
    if (ids.span_id != 0 && rows_by_id.contains(ids.span_id)) rows_by_id.emplace(ids.span_id, ids.row);
  }
  for (const IdRow& child : recording.ids) {
    if (child.remote_parent_id == 0) continue;
    const TraceId trace = TraceOf(recording, static_cast<int32_t>(child.row));
    const uint32_t process = ProcessOfRow(recording, child.row);
    const auto [first, last] = rows_by_id.equal_range(child.remote_parent_id);
    uint32_t parent = UINT32_MAX;
    for (auto at = first; at != last; ++at) {
      if (at->second == UINT32_MAX || ProcessOfRow(recording, at->second) == process) continue;
      const TraceId other = TraceOf(recording, static_cast<int32_t>(at->second));
      const TraceId none{0, 0};
      if (trace == other || trace == none || other == none) parent = std::min(parent, at->second);
    }
    if (parent != UINT32_MAX) found.push_back({parent, child.row});
  }
  return found;
}

}  // namespace opscope
