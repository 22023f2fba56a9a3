#include "xplane_order.h"

namespace opscope::xplane {
namespace {

template <typename Row>
void RangeOf(const Column<Row>& table, uint32_t thread, size_t* begin, size_t* end) {
  const auto before = [](const Row& row, uint32_t wanted) { return row.thread < wanted; };
  const Row* first = std::lower_bound(table.begin(), table.end(), thread, before);
  *begin = static_cast<size_t>(first - table.begin());
  *end = static_cast<size_t>(std::lower_bound(first, table.end(), thread + 1, before) - table.begin());
}

}  // namespace

void ThreadOrder::Start(const ThreadEntry& thread, uint32_t thread_index) {
  rows_begin_ = next_row_ = thread.first_row;
  rows_end_ = rows_begin_ + thread.row_count;
  RangeOf(recording_.launches, thread_index, &next_launch_, &launches_end_);
  RangeOf(recording_.marks, thread_index, &next_mark_, &marks_end_);
  order_ = Column<uint32_t>();
  // A parent is told before its child even where the times say otherwise.
  if (IsInBeginOrder(recording_.spans, rows_begin_, thread.row_count)) return;
  order_.Reset(thread.row_count);
  OrderByKey(recording_.spans.start_ns.data() + rows_begin_, thread.row_count, order_.data());
  for (uint32_t& row : order_) row += thread.first_row;
}

void ThreadOrder::TakeRun(int64_t start_ns) {
  run_.clear();
  for (; next_row_ < rows_end_ && StartOf(next_row_) == start_ns; ++next_row_) {
    const uint32_t row = RowAt(next_row_);
    if (!launch_rows_.Has(row)) run_.push_back(ItemOf(row));
  }
  for (; LaunchNs() == start_ns && next_launch_ < launches_end_; ++next_launch_) {
    const LaunchRow& launch = recording_.launches[next_launch_];
    run_.push_back({start_ns, launch.end_ns, static_cast<uint32_t>(next_launch_), Item::kLaunch});
  }
  for (; MarkNs() == start_ns && next_mark_ < marks_end_; ++next_mark_)
    run_.push_back({start_ns, start_ns, static_cast<uint32_t>(next_mark_), Item::kMark});
  std::stable_sort(run_.begin(), run_.end(),
                   [](const Item& a, const Item& b) { return a.end_ns > b.end_ns; });
}

}  // namespace opscope::xplane
