#include "wall_self.h"

#include <algorithm>

#include "column.h"
#include "row_order.h"

namespace opscope {

// Children arrive in the order of their starts, so what those of a span cover is
// known up to one point. Accepted, as in OpWalk: a child that began before its
// parent covers nothing of it.
std::vector<int64_t> WallSelfByPath(const Recording& recording, const OpWalk& walk) {
  const SpanColumns& spans = recording.spans;
  std::vector<int64_t> self(walk.paths().size());
  Column<int64_t> covered_to(spans.size());
  for (const ThreadEntry& thread : recording.threads) {
    const uint32_t first = thread.first_row, count = thread.row_count;
    Column<uint32_t> order;
    if (!IsInBeginOrder(spans, first, count)) {
      order.Reset(count);
      OrderByKey(spans.start_ns.data() + first, count, order.data());
    }
    for (uint32_t row = first; row < first + count; ++row) covered_to[row] = spans.start_ns[row];
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t row = first + (order.empty() ? i : order[i]);
      const int64_t start = spans.start_ns[row], end = start + spans.duration_ns[row];
      if ((spans.flags[row] & kUnfinished) == 0) self[walk.PathOf(row)] += end - start;
      const auto parent = static_cast<uint32_t>(spans.parent[row]);
      if (parent - first >= count || (spans.flags[parent] & kUnfinished) != 0) continue;
      const int64_t to = std::min(end, spans.start_ns[parent] + spans.duration_ns[parent]);
      const int64_t from = std::max(start, covered_to[parent]);
      if (to <= from) continue;
      self[walk.PathOf(parent)] -= to - from;
      covered_to[parent] = to;
    }
  }
  return self;
}

}  // namespace opscope
