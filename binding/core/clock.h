// Time: a cheap counter read on the hot path, mapped to nanoseconds later.
#pragma once

#include <time.h>

#include <atomic>
#include <cstdint>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace opscope {

// Where ticks come from. kScripted belongs to tests.
enum class ClockSource : uint8_t { kTsc, kCntvct, kMonotonic, kScripted };

inline uint64_t MonotonicNs() noexcept {
  timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<uint64_t>(ts.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(ts.tv_nsec);
}
uint64_t RealtimeNs() noexcept;

namespace clock_detail {
using ReadFunction = uint64_t (*)();
// Null while the CPU counter is used: the hot path then pays one predictable branch.
extern std::atomic<ReadFunction> g_read;
inline uint64_t ReadCounter() noexcept {
#if defined(__x86_64__)
  return __rdtsc();  // rdtscp orders better and costs 1.8 times as much; spans do not need it
#elif defined(__aarch64__)
  uint64_t ticks;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return ticks;
#else
  return MonotonicNs();
#endif
}
}  // namespace clock_detail

// Any thread. Not serialising: neighbouring instructions may move a few ns across it.
inline uint64_t ReadTicks() noexcept {
  const auto read = clock_detail::g_read.load(std::memory_order_relaxed);
  return read == nullptr ? clock_detail::ReadCounter() : read();
}

// Chooses the source for this machine; called once, before the first span.
ClockSource InitClock() noexcept;
ClockSource CurrentClockSource() noexcept;
const char* ClockSourceName(ClockSource source) noexcept;
// Tests only: ticks and monotonic ns both come from `read`.
void ScriptClock(uint64_t (*read)()) noexcept;

// One reading of both clocks at the same moment.
struct ClockPoint {
  uint64_t ticks = 0;
  uint64_t ns = 0;  // CLOCK_MONOTONIC
};
// Best of 32 ticks-ns-ticks triples: within 0.1 us of each other unless the
// thread is descheduled 32 times in a row.
ClockPoint ReadClockPoint() noexcept;

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

// Piecewise linear from ticks to ns since the first point. Built once, then
// read by one thread: Map keeps its place, so ascending ticks cost a multiply.
class ClockMap {
 public:
  // `points` ascending, at least one; a single point maps 1 tick to 1 ns.
  explicit ClockMap(std::vector<ClockPoint> points);

  int64_t Map(uint64_t ticks) noexcept {
    if (ticks < low_ || ticks >= high_) Seek(ticks);
    const Int128 delta = static_cast<Int128>(static_cast<int64_t>(ticks - base_ticks_)) * scale_;
    return base_ns_ + static_cast<int64_t>(delta >> kShift);
  }

 private:
  static constexpr int kShift = 48;  // an hour of ticks times the rounding error stays below 1 ns
  void Seek(uint64_t ticks) noexcept;

  std::vector<ClockPoint> points_;
  uint64_t low_ = 1, high_ = 0;  // empty: the first Map seeks
  uint64_t base_ticks_ = 0;
  int64_t base_ns_ = 0;
  int64_t scale_ = 0;  // ns per tick, fixed point
};

}  // namespace opscope
