#include "gpu_clock.h"

#include <algorithm>

namespace opscope::gpu {

namespace {

// NTP slews by 500 ppm at most, and both clocks alike; what differs more than
// this has been set. Tuples less than 10 ms apart: their own error is larger.
bool IsStep(const ClockTuple& from, const ClockTuple& to) noexcept {
  constexpr int64_t kStepNs = 1'000'000, kNoiseNs = 10'000, kPartsLimit = 1000;
  const Int128 host = static_cast<Int128>(to.host_ns) - from.host_ns;
  const Int128 cupti = static_cast<Int128>(to.cupti_ns) - static_cast<Int128>(from.cupti_ns);
  const Int128 difference = cupti > host ? cupti - host : host - cupti;
  return cupti <= 0 || difference > kStepNs || (difference > kNoiseNs && difference > host / kPartsLimit);
}

}  // namespace

ClockTuple ReadClockTuple(cupti::GetTimestamp get_timestamp) noexcept {
  ClockTuple best;
  int64_t best_width = INT64_MAX;
  for (int i = 0; i < 32 && best_width > 1; ++i) {
    uint64_t now = 0;
    const int64_t before = HostNs();
    if (get_timestamp(&now) != cupti::kSuccess) continue;
    const int64_t width = HostNs() - before;
    if (width >= best_width) continue;
    best_width = width;
    best = {now, before + width / 2, static_cast<uint32_t>(std::min<int64_t>((width + 1) / 2, UINT32_MAX))};
  }
  return best;
}

void GpuClock::Add(const ClockTuple& tuple) {
  if (tuple.cupti_ns == 0) return;
  if (!tuples_.empty() && tuple.host_ns <= tuples_.back().host_ns) return;
  const bool is_step = !tuples_.empty() && IsStep(tuples_.back(), tuple);
  if (is_step) ++step_count_;
  tuples_.push_back(tuple);
  error_ns_ = std::max<int64_t>(error_ns_, tuple.error_ns);
  const size_t index = tuples_.size() - 1;
  if (is_step || segments_.empty()) {
    segments_.push_back({index, index});
  } else {
    segments_.back().last = index;
  }
  width_ = 0;
  Trim();
}

// Rows are mapped within a tick of their arrival, so that only the last
// minutes are ever asked for; before them the oldest tuple goes on.
void GpuClock::Trim() {
  constexpr size_t kMaxTuples = 8192, kDropped = kMaxTuples / 2;
  if (tuples_.size() < kMaxTuples) return;
  tuples_.erase(tuples_.begin(), tuples_.begin() + kDropped);
  std::vector<Segment> kept;
  for (const Segment& segment : segments_) {
    if (segment.last < kDropped) continue;
    kept.push_back({segment.first < kDropped ? 0 : segment.first - kDropped, segment.last - kDropped});
  }
  segments_ = std::move(kept);
}

bool GpuClock::Holds(const Segment& segment, uint64_t cupti_ns) const noexcept {
  return cupti_ns >= tuples_[segment.first].cupti_ns && cupti_ns <= tuples_[segment.last].cupti_ns;
}

// The newest segment that holds the time wins: after a step backwards the same
// times come twice, and what arrives is mostly new.
void GpuClock::Seek(uint64_t cupti_ns) noexcept {
  if (tuples_.empty()) {
    low_ = 0;
    width_ = UINT64_MAX;
    return;
  }
  for (size_t i = segments_.size(); i-- > 0;) {
    if (!Holds(segments_[i], cupti_ns)) continue;
    UsePiece(segments_[i], cupti_ns);
    if (i > 0 && Holds(segments_[i - 1], cupti_ns)) {
      ++suspect_count_;
      width_ = 0;  // count each of them
    }
    return;
  }
  UseGap(cupti_ns);
}

void GpuClock::UsePiece(const Segment& segment, uint64_t cupti_ns) noexcept {
  if (segment.first == segment.last) return UsePoint(segment.first);
  const auto first = tuples_.begin() + static_cast<std::ptrdiff_t>(segment.first);
  const auto last = tuples_.begin() + static_cast<std::ptrdiff_t>(segment.last);
  const auto next = std::upper_bound(first + 1, last, cupti_ns, [](uint64_t value, const ClockTuple& tuple) {
    return value < tuple.cupti_ns;
  });
  const ClockTuple& from = *(next - 1);
  const ClockTuple& to = *next;
  const auto cupti = static_cast<int64_t>(to.cupti_ns - from.cupti_ns);
  low_ = base_cupti_ = from.cupti_ns;
  base_host_ = from.host_ns;
  width_ = static_cast<uint64_t>(cupti) + (next == last ? 1 : 0);
  const Int128 gained = static_cast<Int128>(to.host_ns) - from.host_ns - cupti;
  deviation_ = static_cast<int64_t>(gained * (Int128{1} << kShift) / cupti);
}

void GpuClock::UsePoint(size_t tuple) noexcept {
  low_ = base_cupti_ = tuples_[tuple].cupti_ns;
  base_host_ = tuples_[tuple].host_ns;
  deviation_ = 0;
  width_ = 0;
}

// Outside every segment: before the first tuple, behind the last one, or where
// the clock stepped between two. Both clocks run at the same rate there.
void GpuClock::UseGap(uint64_t cupti_ns) noexcept {
  for (size_t i = segments_.size(); i-- > 1;) {
    const ClockTuple& left = tuples_[segments_[i - 1].last];
    const ClockTuple& right = tuples_[segments_[i].first];
    // Time that went by between the two tuples bounds what can lie in the gap.
    const uint64_t room = static_cast<uint64_t>(right.host_ns) - static_cast<uint64_t>(left.host_ns);
    const bool is_after_left = cupti_ns >= left.cupti_ns && cupti_ns - left.cupti_ns <= room;
    const bool is_before_right = cupti_ns <= right.cupti_ns && right.cupti_ns - cupti_ns <= room;
    if (!is_after_left && !is_before_right) continue;
    // Running past the newest tuple is the common case, not a doubt.
    if (cupti_ns > tuples_.back().cupti_ns && !is_after_left) continue;
    ++suspect_count_;
    return UsePoint(is_after_left ? segments_[i - 1].last : segments_[i].first);
  }
  if (cupti_ns >= tuples_[segments_.back().first].cupti_ns) {
    UsePoint(tuples_.size() - 1);
    width_ = UINT64_MAX - low_;
    return;
  }
  const size_t nearest = segments_.size() > 1 && cupti_ns > tuples_[segments_.front().last].cupti_ns
                             ? segments_[segments_.size() - 1].first
                             : 0;
  UsePoint(nearest);
}

}  // namespace opscope::gpu
