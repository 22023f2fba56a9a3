#include "fake_clock.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace fakegpu {
namespace {

int64_t Read(clockid_t clock) {
  timespec ts;
  clock_gettime(clock, &ts);
  return static_cast<int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec;
}

}  // namespace

void FakeClock::Reset() {
  scripted_ = false;
  epoch_ns_ = kDefaultEpochNs;
  step_ns_ = skew_ns_ = 0;
}

void FakeClock::Set(int64_t host_ns) {
  host_ns_ = host_ns;
  scripted_.store(true, std::memory_order_release);
}
void FakeClock::GoLive() { scripted_ = false; }

void FakeClock::AdvanceTo(int64_t host_ns) {
  if (IsScripted()) {
    int64_t now = host_ns_.load();
    while (now < host_ns && !host_ns_.compare_exchange_weak(now, host_ns)) {
    }
    return;
  }
  const int64_t wait_ns = std::min<int64_t>(host_ns - Read(CLOCK_MONOTONIC), 2'000'000'000);
  if (wait_ns > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(wait_ns));
}

int64_t FakeClock::HostNs() const { return IsScripted() ? host_ns_.load() : Read(CLOCK_MONOTONIC); }

int64_t FakeClock::DeviceNs() const {
  return IsScripted() ? host_ns_ + epoch_ns_ + step_ns_ : Read(CLOCK_REALTIME) + step_ns_;
}

int64_t FakeClock::WallOffset() const {
  if (IsScripted()) return epoch_ns_ + step_ns_;
  // The middle of a bracket, so that the offset does not lean to one side.
  const int64_t before = Read(CLOCK_MONOTONIC);
  const int64_t wall = Read(CLOCK_REALTIME);
  const int64_t after = Read(CLOCK_MONOTONIC);
  return wall - (before + (after - before) / 2) + step_ns_;
}

}  // namespace fakegpu
