#include "clock.h"

#include <algorithm>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace opscope {

namespace clock_detail {
std::atomic<ReadFunction> g_read{nullptr};
}

namespace {

ClockSource g_source = ClockSource::kMonotonic;

#if defined(__x86_64__)
// CPUID 8000_0007h, EDX bit 8: the counter runs at one rate in every power state.
bool HasInvariantTsc() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007u, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}
#endif

uint64_t PointNs() noexcept { return g_source == ClockSource::kScripted ? ReadTicks() : MonotonicNs(); }

}  // namespace

uint64_t RealtimeNs() noexcept {
  timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  return static_cast<uint64_t>(ts.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(ts.tv_nsec);
}

ClockSource InitClock() noexcept {
#if defined(__x86_64__)
  if (HasInvariantTsc()) return g_source = ClockSource::kTsc;
#elif defined(__aarch64__)
  return g_source = ClockSource::kCntvct;
#endif
  clock_detail::g_read.store(&MonotonicNs, std::memory_order_relaxed);
  return g_source = ClockSource::kMonotonic;
}

ClockSource CurrentClockSource() noexcept { return g_source; }

const char* ClockSourceName(ClockSource source) noexcept {
  switch (source) {
    case ClockSource::kTsc:
      return "tsc";
    case ClockSource::kCntvct:
      return "cntvct";
    case ClockSource::kMonotonic:
      return "clock_monotonic";
    case ClockSource::kScripted:
      return "scripted";
  }
  return "unknown";
}

void ScriptClock(uint64_t (*read)()) noexcept {
  clock_detail::g_read.store(read, std::memory_order_relaxed);
  g_source = ClockSource::kScripted;
}

ClockPoint ReadClockPoint() noexcept {
  if (g_source == ClockSource::kScripted) {
    const uint64_t now = ReadTicks();
    return {now, now};
  }
  ClockPoint best;
  uint64_t best_width = UINT64_MAX;
  for (int i = 0; i < 32; ++i) {
    const uint64_t before = ReadTicks();
    const uint64_t ns = PointNs();
    const uint64_t after = ReadTicks();
    if (after - before < best_width) {
      best_width = after - before;
      best = {before + best_width / 2, ns};
    }
  }
  return best;
}

ClockMap::ClockMap(std::vector<ClockPoint> points) : points_(std::move(points)) {
  // Two points closer than this give a rate that is mostly noise.
  constexpr uint64_t kMinimumNs = 1000;
  std::vector<ClockPoint> kept;
  for (const ClockPoint& point : points_) {
    if (kept.empty() || (point.ticks > kept.back().ticks && point.ns >= kept.back().ns + kMinimumNs))
      kept.push_back(point);
  }
  points_ = std::move(kept);
}

void ClockMap::Seek(uint64_t ticks) noexcept {
  const ClockPoint& first = points_.front();
  if (points_.size() == 1) {
    low_ = 0;
    high_ = UINT64_MAX;
    base_ticks_ = first.ticks;
    base_ns_ = 0;
    scale_ = int64_t{1} << kShift;
    return;
  }
  // The segment that starts at or before `ticks`; the outer ones extrapolate.
  auto next = std::upper_bound(points_.begin() + 1, points_.end() - 1, ticks,
                               [](uint64_t value, const ClockPoint& point) { return value < point.ticks; });
  const ClockPoint& to = *next;
  const ClockPoint& from = *(next - 1);
  low_ = next - 1 == points_.begin() ? 0 : from.ticks;
  high_ = next == points_.end() - 1 ? UINT64_MAX : to.ticks;
  base_ticks_ = from.ticks;
  base_ns_ = static_cast<int64_t>(from.ns - first.ns);
  scale_ = static_cast<int64_t>((static_cast<Uint128>(to.ns - from.ns) << kShift) / (to.ticks - from.ticks));
}

}  // namespace opscope
