#include "slow_spans.h"

#include <utility>

namespace opscope {

// What hangs has no end to be seen.
void SlowSpans::Looked(uint64_t now_ticks) {
  for (auto& [id, open] : live()) {
    if (open.is_told) continue;
    const int64_t duration_ns = DurationNs(open, now_ticks);
    open.is_told = now_ticks > open.start_ticks && duration_ns >= threshold_ns_;
    if (open.is_told && IsFollowed(open)) Ended(open, duration_ns);
  }
}

void SlowSpans::Ended(const Open& open, int64_t duration_ns) {
  if (duration_ns < threshold_ns_) return;
  std::lock_guard lock(mutex_);
  if (slowest_ && slowest_->duration_ns >= duration_ns) return;
  slowest_ = {NameOf(open.name), duration_ns};
}

std::optional<SlowSpan> SlowSpans::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(slowest_, std::nullopt);
}

}  // namespace opscope
