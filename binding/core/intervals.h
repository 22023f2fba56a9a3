// Stretches of time that were covered by something.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace opscope {

// The union of intervals that come by ascending start. Not thread-safe.
class Intervals {
 public:
  void Add(int64_t start_ns, int64_t end_ns) {
    if (end_ns <= start_ns) return;
    if (!merged_.empty() && start_ns <= merged_.back().end_ns) {
      merged_.back().end_ns = std::max(merged_.back().end_ns, end_ns);
    } else {
      merged_.push_back({start_ns, end_ns});
    }
  }
  int64_t Length() const noexcept {
    int64_t length = 0;
    for (const Interval& interval : merged_) length += interval.end_ns - interval.start_ns;
    return length;
  }
  // How much of both is covered.
  int64_t Overlap(const Intervals& other) const noexcept {
    int64_t length = 0;
    for (size_t a = 0, b = 0; a < merged_.size() && b < other.merged_.size();) {
      const Interval &x = merged_[a], &y = other.merged_[b];
      length += std::max<int64_t>(0, std::min(x.end_ns, y.end_ns) - std::max(x.start_ns, y.start_ns));
      if (x.end_ns < y.end_ns) {
        ++a;
      } else {
        ++b;
      }
    }
    return length;
  }

 private:
  struct Interval {
    int64_t start_ns, end_ns;
  };
  std::vector<Interval> merged_;
};

}  // namespace opscope
