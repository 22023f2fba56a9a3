// From CUPTI's clock to the host's. cuptiGetTimestamp is CLOCK_REALTIME, which
// may be set by hand or by NTP; captures run on CLOCK_MONOTONIC.
#pragma once

#include <cstdint>
#include <vector>

#include "core/clock.h"
#include "cupti_abi.h"

namespace opscope::gpu {

// CLOCK_MONOTONIC ns, or the script's time while a test scripts the clock.
inline int64_t HostNs() noexcept {
  return static_cast<int64_t>(CurrentClockSource() == ClockSource::kScripted ? ReadTicks() : MonotonicNs());
}

// Both clocks at the same moment; true within +-error_ns.
struct ClockTuple {
  uint64_t cupti_ns = 0;
  int64_t host_ns = 0;
  uint32_t error_ns = 0;
};
// Best of 32 host-CUPTI-host triples, 25 to 100 ns of error on an idle host.
ClockTuple ReadClockTuple(cupti::GetTimestamp get_timestamp) noexcept;

// Piecewise linear between tuples taken every 200 ms: a constant slew between
// the clocks cancels out. Where the clock stepped, a new segment begins.
// Control thread; Map keeps its place, so neighbouring times cost a multiply.
class GpuClock {
 public:
  void Add(const ClockTuple& tuple);

  int64_t Map(uint64_t cupti_ns) noexcept {
    if (cupti_ns - low_ >= width_) Seek(cupti_ns);
    const auto delta = static_cast<int64_t>(cupti_ns - base_cupti_);
    const auto gained = static_cast<int64_t>((static_cast<Int128>(delta) * deviation_) >> kShift);
    // Unsigned: times out of a damaged record may be anything.
    return static_cast<int64_t>(static_cast<uint64_t>(base_host_) + static_cast<uint64_t>(delta) +
                                static_cast<uint64_t>(gained));
  }

  bool empty() const noexcept { return tuples_.empty(); }
  const std::vector<ClockTuple>& tuples() const noexcept { return tuples_; }
  // The widest of the tuples so far.
  int64_t error_ns() const noexcept { return error_ns_; }
  uint64_t step_count() const noexcept { return step_count_; }
  // Times that fell where the clock was stepping: placed, but maybe wrongly.
  uint64_t suspect_count() const noexcept { return suspect_count_; }

 private:
  static constexpr int kShift = 40;
  struct Segment {
    size_t first, last;  // indices into tuples_
  };
  void Seek(uint64_t cupti_ns) noexcept;
  bool Holds(const Segment& segment, uint64_t cupti_ns) const noexcept;
  void UsePiece(const Segment& segment, uint64_t cupti_ns) noexcept;
  void UsePoint(size_t tuple) noexcept;
  void UseGap(uint64_t cupti_ns) noexcept;
  void Trim();

  std::vector<ClockTuple> tuples_;
  std::vector<Segment> segments_;
  // The piece in use: times in [low_, low_ + width_), with their own rate.
  uint64_t low_ = 0, width_ = 0;
  uint64_t base_cupti_ = 0;
  int64_t base_host_ = 0;
  int64_t deviation_ = 0;  // host ns gained per CUPTI ns, fixed point
  int64_t error_ns_ = 0;
  uint64_t step_count_ = 0, suspect_count_ = 0;
};

}  // namespace opscope::gpu
