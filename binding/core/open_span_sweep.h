// Which span was open on a thread at ascending moments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "columns.h"

namespace opscope {

// Rows of one thread in begin order, read once: linear, where a search for each
// moment costs ten times as much. Async spans are passed over. A span is open
// from its start to just before its end, an unfinished one for ever. One use;
// not thread-safe.
class OpenSpanSweep {
 public:
  OpenSpanSweep(const SpanColumns& spans, size_t first, size_t count)
      : spans_(spans), next_(first), end_(first + count) {}

  // The innermost span open then, or kNoParent. Moments must not descend.
  int32_t InnermostAt(int64_t at_ns) {
    for (; next_ < end_ && spans_.start_ns[next_] <= at_ns; ++next_) {
      if ((spans_.flags[next_] & kAsync) != 0) continue;
      const int64_t start = spans_.start_ns[next_];
      const bool is_unfinished = (spans_.flags[next_] & kUnfinished) != 0;
      Close(start);
      open_.push_back(
          {is_unfinished ? INT64_MAX : start + spans_.duration_ns[next_], static_cast<int32_t>(next_)});
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

  const SpanColumns& spans_;
  size_t next_, end_;
  std::vector<OpenSpan> open_;
};

}  // namespace opscope
