// Notices spans that take longer than they should, while a session goes on.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "span_follower.h"

namespace opscope {

struct SlowSpan {
  std::string name;
  int64_t duration_ns = 0;  // up to now, of one that is still open
};

// Take is for any thread.
class SlowSpans final : public SpanFollower {
 public:
  explicit SlowSpans(int64_t threshold_ns) noexcept : threshold_ns_(threshold_ns) {}

  // The slowest since it was last asked, each span once.
  std::optional<SlowSpan> Take();

 private:
  void Ended(const Open& open, int64_t duration_ns) override;
  void Looked(uint64_t now_ticks) override;

  const int64_t threshold_ns_;
  std::mutex mutex_;
  std::optional<SlowSpan> slowest_;
};

}  // namespace opscope
