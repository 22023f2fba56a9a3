// What happened on a thread in the order that a line wants: by start, of equal starts the longest first.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../core/columns.h"
#include "../core/row_order.h"
#include "span_rows.h"

namespace opscope::xplane {

struct Item {
  enum Kind : uint8_t {
    kSpan,      // the whole of a row
    kSyncPart,  // of an async row: up to its return, which may be at once
    kLaunch,
    kMark,
  };
  int64_t start_ns, end_ns;
  uint32_t index;  // of the row, launch or mark
  Kind kind;
};

// One thread at a time. The rows that were made of launches are left out: the launches are there.
class ThreadOrder {
 public:
  ThreadOrder(const Recording& recording, const LaunchRows& launch_rows)
      : recording_(recording), launch_rows_(launch_rows) {}

  // Calls visit(const Item&) for each.
  template <typename Visit>
  void Walk(const ThreadEntry& thread, uint32_t thread_index, Visit visit) {
    Start(thread, thread_index);
    for (;;) {
      const int64_t row_ns = next_row_ < rows_end_ ? StartOf(next_row_) : INT64_MAX;
      const int64_t point_ns = std::min(LaunchNs(), MarkNs());
      if (row_ns < point_ns && (next_row_ + 1 == rows_end_ || StartOf(next_row_ + 1) > row_ns)) {
        const uint32_t row = RowAt(next_row_++);
        if (!launch_rows_.Has(row)) visit(ItemOf(row));
        continue;
      }
      const int64_t start_ns = std::min(row_ns, point_ns);
      if (next_row_ == rows_end_ && next_launch_ == launches_end_ && next_mark_ == marks_end_) return;
      TakeRun(start_ns);
      for (const Item& item : run_) visit(item);
    }
  }

  // While a launch is visited: whether a span begins in it that ends after it. Looks at the next few rows
  // only; what it misses, the visitor finds later.
  bool IsCrossed(const Item& launch) const noexcept {
    constexpr size_t kFew = 64;
    const size_t end = std::min(rows_end_, next_row_ + kFew);
    for (size_t at = next_row_; at < end && StartOf(at) < launch.end_ns; ++at) {
      if (ItemOf(RowAt(at)).end_ns > launch.end_ns && !launch_rows_.Has(RowAt(at))) return true;
    }
    return false;
  }

 private:
  void Start(const ThreadEntry& thread, uint32_t thread_index);
  void TakeRun(int64_t start_ns);

  uint32_t RowAt(size_t at) const noexcept {
    return order_.empty() ? static_cast<uint32_t>(at) : order_[at - rows_begin_];
  }
  int64_t StartOf(size_t at) const noexcept { return recording_.spans.start_ns[RowAt(at)]; }
  int64_t LaunchNs() const noexcept {
    return next_launch_ < launches_end_ ? recording_.launches[next_launch_].start_ns : INT64_MAX;
  }
  int64_t MarkNs() const noexcept {
    return next_mark_ < marks_end_ ? recording_.marks[next_mark_].at_ns : INT64_MAX;
  }
  Item ItemOf(uint32_t row) const noexcept {
    const SpanColumns& spans = recording_.spans;
    const int64_t start_ns = spans.start_ns[row];
    if ((spans.flags[row] & kAsync) == 0)
      return {start_ns, start_ns + spans.duration_ns[row], row, Item::kSpan};
    RowCursor<AsyncRow> found(recording_.asyncs, row);
    const AsyncRow* async = found.Take(row);
    const int64_t end_ns = start_ns + spans.duration_ns[row];
    return {start_ns, async == nullptr ? start_ns : std::clamp(async->return_ns, start_ns, end_ns), row,
            Item::kSyncPart};
  }

  const Recording& recording_;
  const LaunchRows& launch_rows_;
  size_t rows_begin_ = 0, rows_end_ = 0, next_row_ = 0;
  size_t launches_end_ = 0, next_launch_ = 0;
  size_t marks_end_ = 0, next_mark_ = 0;
  Column<uint32_t> order_;  // empty: rows are by start as they lie
  std::vector<Item> run_;
};

}  // namespace opscope::xplane
