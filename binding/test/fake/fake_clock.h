// One time for host and device: live (the machine's clocks) or scripted.
//
//   device stamp = host ns + wall offset (+ skew, for stamps taken by the GPU)
//
// Host ns are CLOCK_MONOTONIC while live. The wall offset is what a REALTIME
// clock step changes. Any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace fakegpu {

class FakeClock {
 public:
  void Reset();
  bool IsScripted() const { return scripted_.load(std::memory_order_acquire); }
  // Scripted from now on; may go back.
  void Set(int64_t host_ns);
  void GoLive();
  // Scripted: not backwards. Live: waits until that moment, 2 s at most.
  void AdvanceTo(int64_t host_ns);
  // What device stamps are ahead of the host clock while scripted.
  void SetEpoch(int64_t ns) { epoch_ns_ = ns; }
  void Step(int64_t ns) { step_ns_ += ns; }
  void SetSkew(int64_t ns) { skew_ns_ = ns; }

  int64_t HostNs() const;
  int64_t DeviceNs() const;
  // Device minus host, now. A script reads it once and stamps with it, so that
  // the jitter of reading two live clocks does not get into durations.
  int64_t WallOffset() const;
  int64_t skew_ns() const { return skew_ns_; }

 private:
  // 2023, and not round: an offset that a double cannot hold to the ns.
  static constexpr int64_t kDefaultEpochNs = 1'700'000'000'123'456'789;
  std::atomic<bool> scripted_{false};
  std::atomic<int64_t> host_ns_{0};
  std::atomic<int64_t> epoch_ns_{kDefaultEpochNs};
  std::atomic<int64_t> step_ns_{0};
  std::atomic<int64_t> skew_ns_{0};
};

}  // namespace fakegpu
