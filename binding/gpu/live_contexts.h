// Contexts that a program made while it was recorded. CUPTI's records tell
// their numbers only; to wait for the work of one takes its handle.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "cupti_abi.h"

namespace opscope::gpu {

// Add and Remove: any thread, inside the driver's own call, lock-free. The
// rest: control thread.
class LiveContexts {
 public:
  void Add(cupti::Context context) noexcept {
    for (std::atomic<cupti::Context>& slot : slots_) {
      cupti::Context free = nullptr;
      if (slot.compare_exchange_strong(free, context, std::memory_order_acq_rel)) return;
    }
  }
  void Remove(cupti::Context context) noexcept {
    destroyed_.fetch_add(1, std::memory_order_relaxed);
    for (std::atomic<cupti::Context>& slot : slots_) {
      cupti::Context mine = context;
      if (slot.compare_exchange_strong(mine, nullptr, std::memory_order_acq_rel)) return;
    }
  }
  // Nothing tells of the ends of contexts from here on.
  void Clear() noexcept {
    for (std::atomic<cupti::Context>& slot : slots_) slot.store(nullptr, std::memory_order_relaxed);
    destroyed_.store(0, std::memory_order_relaxed);
  }

  bool Has(cupti::Context context) const noexcept {
    for (const std::atomic<cupti::Context>& slot : slots_) {
      if (slot.load(std::memory_order_acquire) == context) return true;
    }
    return false;
  }
  std::vector<cupti::Context> List() const {
    std::vector<cupti::Context> contexts;
    for (const std::atomic<cupti::Context>& slot : slots_) {
      const cupti::Context context = slot.load(std::memory_order_acquire);
      if (context != nullptr) contexts.push_back(context);
    }
    return contexts;
  }
  // Ends of contexts since the last Clear, also of those made before.
  uint64_t destroyed_count() const noexcept { return destroyed_.load(std::memory_order_relaxed); }

 private:
  // A program has a context or two on a GPU, and a machine 16 GPUs at most.
  // What does not fit is not waited for, and may be counted as unfinished.
  std::array<std::atomic<cupti::Context>, 64> slots_{};
  std::atomic<uint64_t> destroyed_{0};
};

}  // namespace opscope::gpu
