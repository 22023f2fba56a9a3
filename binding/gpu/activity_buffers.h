// The memory that CUPTI writes activity records into. CUPTI asks for a buffer
// on the thread that launches a kernel, so giving one must cost nothing there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "cupti_abi.h"

namespace opscope::gpu {

// Stands in front of the memory it describes.
struct alignas(64) ActivityBuffer {
  enum State : uint32_t { kFree, kLent, kCompleted };

  ActivityBuffer* next = nullptr;  // in the queue of completed ones
  size_t capacity = 0;
  size_t valid_bytes = 0;
  cupti::Context context = nullptr;
  uint32_t stream = 0;
  std::atomic<uint32_t> state{kFree};
  // Handed out because the pool was at its limit: its records are counted, not kept.
  bool is_discard = false;

  uint8_t* memory() noexcept { return reinterpret_cast<uint8_t*>(this) + sizeof(ActivityBuffer); }
};

// One writer pushes, any number of readers take. The writer is the control
// thread; indices only grow, so a reader that lost a race cannot mistake an old
// entry for a new one. Holds at most `capacity` (a power of two) entries: the
// owner makes no more buffers than that.
class FreeBuffers {
 public:
  explicit FreeBuffers(size_t capacity);
  void Push(ActivityBuffer* buffer) noexcept;  // control thread
  ActivityBuffer* Take() noexcept;             // any thread, lock-free; null when empty
  size_t size() const noexcept;

 private:
  const size_t mask_;
  std::unique_ptr<std::atomic<ActivityBuffer*>[]> entries_;
  alignas(64) std::atomic<uint64_t> taken_{0};
  alignas(64) std::atomic<uint64_t> pushed_{0};
};

// Request and Complete: any thread, no lock, no exception, no call into CUPTI.
// The rest: control thread. Never destroyed while CUPTI is loaded: CUPTI may
// own buffers after its last flush and give them back at any time.
class ActivityBufferPool {
 public:
  // 2 MiB: the vendor advises 1 to 10 MB; 10,000 kernel records, so that even
  // 350,000 launches a second ask only some 50 times a second.
  static constexpr size_t kBufferBytes = 2u << 20;
  static constexpr size_t kDiscardBytes = 64u << 10;
  static constexpr size_t kMaxDiscards = 1024;
  // 256 MiB, as much as the recorder's own pool.
  static constexpr size_t kDefaultMaxBuffers = 128;

  // `wake_fd` is an eventfd that is written when something was completed; -1: none.
  ActivityBufferPool(size_t max_buffers, int wake_fd);
  ActivityBufferPool(const ActivityBufferPool&) = delete;
  ActivityBufferPool& operator=(const ActivityBufferPool&) = delete;

  // At the limit: null where CUPTI can take that (from 12.8 on), else a small
  // buffer whose records are thrown away and counted.
  uint8_t* Request(size_t* bytes) noexcept;
  void Complete(cupti::Context context, uint32_t stream, uint8_t* memory, size_t valid_bytes) noexcept;

  void set_null_crashes(bool crashes) noexcept { null_crashes_.store(crashes, std::memory_order_relaxed); }
  // Makes free, touched buffers until `count` are at hand, within the limit.
  void Prepare(size_t count) noexcept;
  // Completed since the last call, oldest first, linked by `next`; null: none.
  ActivityBuffer* TakeCompleted() noexcept;
  // Gives the memory of free buffers beyond `keep` back to the system; they stay
  // usable and zero.
  void Trim(size_t keep) noexcept;
  // Zeroes the buffer, as CUPTI was promised, and makes it free.
  void Recycle(ActivityBuffer* buffer) noexcept;

  size_t free_count() const noexcept { return free_.size(); }
  size_t made_count() const noexcept { return made_.load(std::memory_order_relaxed); }
  uint64_t request_count() const noexcept { return requests_.load(std::memory_order_relaxed); }
  // Requests that found no free buffer and had to map one on a launching thread.
  uint64_t late_count() const noexcept { return late_.load(std::memory_order_relaxed); }
  // Requests that were answered with nothing.
  uint64_t refused_count() const noexcept { return refused_.load(std::memory_order_relaxed); }
  // Completions of a buffer that was not lent, or is not ours: ignored.
  uint64_t stray_count() const noexcept { return stray_.load(std::memory_order_relaxed); }

 private:
  ActivityBuffer* Make(size_t bytes, size_t limit, std::atomic<size_t>* made, bool is_discard) noexcept;
  // Another client's callbacks may have stood in between: what CUPTI gives back
  // need not be ours, and in front of a stranger's memory lies no header.
  bool IsOurs(const ActivityBuffer* buffer) const noexcept;

  const size_t max_buffers_;
  const int wake_fd_;
  FreeBuffers free_, free_discards_;
  // All that were made; a few hundred, looked through some 100 times a second.
  const std::unique_ptr<std::atomic<ActivityBuffer*>[]> known_;
  std::atomic<size_t> known_count_{0};
  std::atomic<ActivityBuffer*> completed_{nullptr};
  std::atomic<bool> null_crashes_{true};
  std::atomic<size_t> made_{0}, made_discards_{0};
  std::atomic<uint64_t> requests_{0}, late_{0}, refused_{0}, stray_{0};
};

}  // namespace opscope::gpu
