// CUPTI numbers API calls with 32 bits: at 500,000 calls a second they come
// round again after 2.4 hours. This makes them 64 bits wide.
#pragma once

#include <cstdint>

namespace opscope::gpu {

// Control thread. Ids of calls arrive in nearly ascending order (each thread
// fills a buffer of its own), ids of GPU work earlier or later and in any order,
// all of them within 2^31 of the newest call.
class CorrelationEpoch {
 public:
  static constexpr uint64_t kRound = uint64_t{1} << 32;

  // Of an API call: moves on.
  uint64_t WidenCall(uint32_t id) noexcept {
    const uint64_t wide = Widen(id);
    if (wide > newest_) newest_ = wide;
    return wide;
  }
  // Of anything else: the number nearest to the newest call, or to the first
  // id of all while there was no call. 0 stays "none".
  uint64_t Widen(uint32_t id) noexcept {
    if (id == 0) return 0;
    if (newest_ == 0) newest_ = id;
    const int64_t delta = static_cast<int32_t>(id - static_cast<uint32_t>(newest_));
    if (delta < 0 && newest_ < static_cast<uint64_t>(-delta)) return WidenBelowZero(delta);
    return newest_ + static_cast<uint64_t>(delta);
  }

  // What was seen first came behind a wrap, and this is from before it. Then
  // every id given so far that NeedsShift belongs one round up. True once.
  bool TakeShift() noexcept {
    const bool had_shift = has_shift_;
    has_shift_ = false;
    return had_shift;
  }
  // Ids given before the shift lie below 2^31, those given since lie above.
  static bool NeedsShift(uint64_t wide_id) noexcept { return wide_id != 0 && wide_id < kRound / 2; }

 private:
  uint64_t WidenBelowZero(int64_t delta) noexcept {
    newest_ += kRound;
    has_shift_ = true;
    return newest_ + static_cast<uint64_t>(delta);
  }

  uint64_t newest_ = 0;
  bool has_shift_ = false;
};

}  // namespace opscope::gpu
