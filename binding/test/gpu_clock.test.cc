#include "gpu/gpu_clock.h"

#include "doctest.h"
#include "gpu/correlation_epoch.h"

using namespace opscope;
using gpu::ClockTuple;
using gpu::GpuClock;

namespace {

constexpr uint64_t kEpoch = 1'760'000'000'000'000'000;  // wall clock of some day, ns
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kTick = 200 * kMs;

// REALTIME, ahead of MONOTONIC by `offset`, read at monotonic `at`.
ClockTuple TupleAt(uint64_t at, int64_t offset) {
  return {kEpoch + at + static_cast<uint64_t>(offset), static_cast<int64_t>(at), 50};
}

}  // namespace

TEST_CASE("times map to the host clock, before the first tuple and behind the last as well") {
  GpuClock clock;
  for (uint64_t at = kTick; at <= 10 * kTick; at += kTick) clock.Add(TupleAt(at, 0));
  for (const uint64_t at : {uint64_t{0}, kTick - 1, kTick, kTick + 1, 3 * kTick + 77, 10 * kTick - 1,
                            10 * kTick, 11 * kTick, kTick + 5}) {
    CHECK(clock.Map(kEpoch + at) == static_cast<int64_t>(at));
  }
  CHECK(clock.step_count() == 0);
  CHECK(clock.suspect_count() == 0);
}

TEST_CASE("a single tuple maps with its offset") {
  GpuClock clock;
  clock.Add(TupleAt(kTick, 0));
  CHECK(clock.Map(kEpoch + kTick + 123) == static_cast<int64_t>(kTick + 123));
  CHECK(clock.Map(kEpoch + kTick - 123) == static_cast<int64_t>(kTick - 123));
}

TEST_CASE("a slew of 500 ppm cancels out between tuples") {
  GpuClock clock;
  const auto slewed = [](uint64_t at) { return static_cast<int64_t>(at / 2000); };
  for (uint64_t at = 0; at <= 100 * kTick; at += kTick) clock.Add(TupleAt(at, slewed(at)));
  CHECK(clock.step_count() == 0);
  for (uint64_t at = 1; at < 100 * kTick; at += 7'777'777) {
    CHECK(std::abs(clock.Map(kEpoch + at + static_cast<uint64_t>(slewed(at))) - static_cast<int64_t>(at)) <=
          1);
  }
}

TEST_CASE("a clock set forward begins a segment, and only times inside the step are suspect") {
  GpuClock clock;
  constexpr int64_t kStep = 5'000 * static_cast<int64_t>(kMs);
  for (uint64_t at = 0; at <= 4 * kTick; at += kTick) clock.Add(TupleAt(at, 0));
  for (uint64_t at = 5 * kTick; at <= 8 * kTick; at += kTick) clock.Add(TupleAt(at, kStep));
  CHECK(clock.step_count() == 1);
  CHECK(clock.Map(kEpoch + 2 * kTick) == static_cast<int64_t>(2 * kTick));
  CHECK(clock.Map(kEpoch + 6 * kTick + kStep) == static_cast<int64_t>(6 * kTick));
  CHECK(clock.suspect_count() == 0);
  // Between the last tuple before and the first behind: both sides are told apart.
  CHECK(clock.Map(kEpoch + 4 * kTick + 10 * kMs) == static_cast<int64_t>(4 * kTick + 10 * kMs));
  CHECK(clock.Map(kEpoch + 5 * kTick - 10 * kMs + kStep) == static_cast<int64_t>(5 * kTick - 10 * kMs));
  CHECK(clock.suspect_count() == 2);
}

TEST_CASE("a clock set back: new times win where they come twice, older ones keep their place") {
  GpuClock clock;
  constexpr int64_t kStep = -300 * static_cast<int64_t>(kMs);
  for (uint64_t at = 0; at <= 4 * kTick; at += kTick) clock.Add(TupleAt(at, 0));
  for (uint64_t at = 5 * kTick; at <= 10 * kTick; at += kTick) clock.Add(TupleAt(at, kStep));
  CHECK(clock.step_count() == 1);
  CHECK(clock.Map(kEpoch + kTick) == static_cast<int64_t>(kTick));
  CHECK(clock.suspect_count() == 0);
  CHECK(clock.Map(kEpoch + 9 * kTick + static_cast<uint64_t>(kStep)) == static_cast<int64_t>(9 * kTick));
  CHECK(clock.suspect_count() == 0);
  clock.Map(kEpoch + 4 * kTick - 50 * kMs);  // 750 ms: held by both
  CHECK(clock.suspect_count() == 1);
}

TEST_CASE("many ticks are bounded memory, and the newest still map exactly") {
  GpuClock clock;
  for (uint64_t i = 0; i < 50'000; ++i)
    clock.Add(TupleAt(i * kTick, i < 20'000 ? 0 : 10'000 * static_cast<int64_t>(kMs)));
  CHECK(clock.tuples().size() < 10'000);
  CHECK(clock.Map(kEpoch + 49'999 * kTick - 5 + 10'000 * kMs) == static_cast<int64_t>(49'999 * kTick - 5));
}

TEST_CASE("a tuple lies between the two readings of the host clock") {
  const auto now = [](uint64_t* ns) -> cupti::Result {
    *ns = RealtimeNs();
    return cupti::kSuccess;
  };
  const int64_t before = gpu::HostNs();
  const ClockTuple tuple = gpu::ReadClockTuple(now);
  CHECK(tuple.host_ns >= before);
  CHECK(tuple.host_ns <= gpu::HostNs());
  CHECK(tuple.cupti_ns != 0);
  const ClockTuple failed =
      gpu::ReadClockTuple([](uint64_t*) -> cupti::Result { return cupti::kUnknownError; });
  GpuClock clock;
  clock.Add(failed);
  CHECK(clock.empty());
}

TEST_CASE("correlation ids go on growing when CUPTI's 32 bits come round") {
  gpu::CorrelationEpoch epoch;
  CHECK(epoch.WidenCall(0xFFFFFFF0u) == 0xFFFFFFF0u);
  CHECK(epoch.WidenCall(0xFFFFFFFFu) == 0xFFFFFFFFu);
  CHECK(epoch.WidenCall(1) == 0x1'0000'0001u);
  CHECK(epoch.Widen(0xFFFFFFF8u) == 0xFFFFFFF8u);      // late GPU work of before
  CHECK(epoch.WidenCall(0xFFFFFFFEu) == 0xFFFFFFFEu);  // a late call, from another thread's buffer
  CHECK(epoch.Widen(2) == 0x1'0000'0002u);             // GPU work ahead of its call
  CHECK(epoch.Widen(0) == 0);
  for (uint64_t id = 2; id < 3u * 0x1'0000'0000u; id += 0x4000'0001u)
    CHECK(epoch.WidenCall(static_cast<uint32_t>(id)) == 0x1'0000'0000u + id);
}

// The buffer that was filled second is sometimes read first.
TEST_CASE("when the first id seen lay behind a wrap, those before it are put below it") {
  gpu::CorrelationEpoch epoch;
  CHECK(epoch.WidenCall(5) == 5);
  CHECK_FALSE(epoch.TakeShift());
  CHECK(epoch.WidenCall(0xFFFFFFF0u) == 0xFFFFFFF0u);
  CHECK(epoch.TakeShift());
  CHECK_FALSE(epoch.TakeShift());
  CHECK(gpu::CorrelationEpoch::NeedsShift(5));
  CHECK_FALSE(gpu::CorrelationEpoch::NeedsShift(0xFFFFFFF0u));
  CHECK_FALSE(gpu::CorrelationEpoch::NeedsShift(0));
  CHECK(epoch.WidenCall(6) == 0x1'0000'0006u);
}

// Kernels come in a buffer of their own, which may be read before that of any
// call: those from behind the wrap were left out then, as work of before the session.
TEST_CASE("GPU work that is seen before any call says on which side of a wrap it is") {
  gpu::CorrelationEpoch after;
  CHECK(after.Widen(3) == 3);
  CHECK(after.WidenCall(0xFFFFFFF5u) == 0xFFFFFFF5u);
  CHECK(after.TakeShift());
  CHECK(after.WidenCall(3) == 0x1'0000'0003u);
  gpu::CorrelationEpoch before;
  CHECK(before.Widen(0xFFFFFFF5u) == 0xFFFFFFF5u);
  CHECK(before.WidenCall(3) == 0x1'0000'0003u);
  CHECK(before.WidenCall(0xFFFFFFF5u) == 0xFFFFFFF5u);
  CHECK_FALSE(before.TakeShift());
}

TEST_CASE("the first ids seen are themselves, whatever they are") {
  for (const uint32_t first : {1u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu}) {
    gpu::CorrelationEpoch epoch;
    CHECK(epoch.Widen(first) == first);
    CHECK(epoch.WidenCall(first) == first);
  }
}
