#include "brackets.h"

#include <algorithm>

namespace opscope {

namespace {

struct Edge {
  int64_t at_ns;
  int32_t row;
  bool is_end;
};

}  // namespace

Brackets::Brackets(const Recording& recording, uint32_t process) {
  std::vector<Edge> edges;
  const auto add = [&edges](int64_t start_ns, int64_t end_ns, int32_t row) {
    if (end_ns <= start_ns) return;
    edges.push_back({start_ns, row, false});
    edges.push_back({end_ns, row, true});
  };
  const SpanColumns& spans = recording.spans;
  for (const ThreadEntry& thread : recording.threads) {
    if (thread.process != process) continue;
    for (size_t row = thread.first_row; row < size_t{thread.first_row} + thread.row_count; ++row) {
      if ((spans.flags[row] & kBracket) == 0) continue;
      const bool is_unfinished = (spans.flags[row] & kUnfinished) != 0;
      add(spans.start_ns[row], is_unfinished ? INT64_MAX : spans.start_ns[row] + spans.duration_ns[row],
          static_cast<int32_t>(row));
    }
  }
  if (edges.empty()) return;
  for (const BracketRow& row : recording.unseen_brackets) {
    if (row.process == process) add(row.start_ns, row.end_ns, kNoParent);
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.at_ns < b.at_ns; });
  int64_t in_flight = 0, sum = 0;  // of one, the sum of rows is its row
  for (size_t i = 0; i < edges.size(); ++i) {
    in_flight += edges[i].is_end ? -1 : 1;
    sum += edges[i].is_end ? -edges[i].row : edges[i].row;
    const bool is_last_then = i + 1 == edges.size() || edges[i + 1].at_ns != edges[i].at_ns;
    if (is_last_then && in_flight == 1)
      alone_.push_back({edges[i].at_ns, edges[i + 1].at_ns, static_cast<int32_t>(sum)});
  }
}

int32_t Brackets::OnlyOneAcross(int64_t start_ns, int64_t end_ns) noexcept {
  const auto holds = [start_ns](const Stretch& stretch) {
    return stretch.start_ns <= start_ns && start_ns < stretch.end_ns;
  };
  if (last_ >= alone_.size() || !holds(alone_[last_])) {
    const auto after = std::partition_point(alone_.begin(), alone_.end(), [start_ns](const Stretch& stretch) {
      return stretch.start_ns <= start_ns;
    });
    if (after == alone_.begin() || !holds(*(after - 1))) return kNoParent;
    last_ = static_cast<size_t>(after - alone_.begin()) - 1;
  }
  return end_ns <= alone_[last_].end_ns ? alone_[last_].row : kNoParent;
}

}  // namespace opscope
