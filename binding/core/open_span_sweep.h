// Which span was open on a thread at ascending moments.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "columns.h"

namespace opscope {

// Rows of one thread in begin order, read once: linear, where a search for each
// moment costs ten times as much. A span is open from its start to just before
// its end, an unfinished one for ever, an async one during its synchronous part
// only. One use; not thread-safe.
class OpenSpanSweep {
 public:
  OpenSpanSweep(const Recording& recording, const ThreadEntry& thread)
      : spans_(recording.spans),
        asyncs_(recording.asyncs),
        next_(thread.first_row),
        end_(size_t{thread.first_row} + thread.row_count) {}

  // The innermost span open then, or kNoParent. Moments must not descend.
  int32_t InnermostAt(int64_t at_ns) {
    for (; next_ < end_ && spans_.start_ns[next_] <= at_ns; ++next_) {
      const int64_t start = spans_.start_ns[next_];
      int64_t end = start + spans_.duration_ns[next_];
      if ((spans_.flags[next_] & kAsync) != 0) {
        end = ReturnOf(next_);
        if (end <= start) continue;
      } else if ((spans_.flags[next_] & kUnfinished) != 0) {
        end = INT64_MAX;
      }
      Close(start);
      open_.push_back({end, static_cast<int32_t>(next_)});
    }
    Close(at_ns);
    return open_.empty() ? kNoParent : open_.back().row;
  }
  // The first row that began after the last moment asked for.
  size_t next_row() const noexcept { return next_; }

 private:
  struct OpenSpan {
    int64_t end_ns;
    int32_t row;
  };
  void Close(int64_t at_ns) {
    while (!open_.empty() && open_.back().end_ns <= at_ns) open_.pop_back();
  }
  int64_t ReturnOf(size_t row) noexcept {
    if (next_async_ >= asyncs_.size() || asyncs_[next_async_].row != row) {
      const AsyncRow* found =
          std::lower_bound(asyncs_.begin(), asyncs_.end(), row,
                           [](const AsyncRow& async, size_t value) { return async.row < value; });
      next_async_ = static_cast<size_t>(found - asyncs_.begin());
      if (found == asyncs_.end() || found->row != row) return INT64_MIN;
    }
    return asyncs_[next_async_++].return_ns;
  }

  const SpanColumns& spans_;
  const Column<AsyncRow>& asyncs_;
  size_t next_, end_;
  size_t next_async_ = 0;
  std::vector<OpenSpan> open_;
};

}  // namespace opscope
