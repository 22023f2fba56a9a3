#include "activity_buffers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace opscope::gpu {

namespace {

size_t PowerOfTwoFrom(size_t count) noexcept {
  size_t power = 1;
  while (power < count) power *= 2;
  return power;
}

// One page more than the memory: the header stands in front of it. Machines of
// 64 KiB pages exist, and a multiple serves the smaller ones as well.
constexpr size_t kPageBytes = 64u << 10;
size_t MappedBytes(size_t bytes) noexcept { return bytes + kPageBytes; }

}  // namespace

FreeBuffers::FreeBuffers(size_t capacity)
    : mask_(PowerOfTwoFrom(capacity) - 1), entries_(new std::atomic<ActivityBuffer*>[mask_ + 1]()) {}

void FreeBuffers::Push(ActivityBuffer* buffer) noexcept {
  const uint64_t at = pushed_.load(std::memory_order_relaxed);
  entries_[at & mask_].store(buffer, std::memory_order_relaxed);
  pushed_.store(at + 1, std::memory_order_release);
}

ActivityBuffer* FreeBuffers::Take() noexcept {
  uint64_t at = taken_.load(std::memory_order_relaxed);
  while (at < pushed_.load(std::memory_order_acquire)) {
    ActivityBuffer* buffer = entries_[at & mask_].load(std::memory_order_relaxed);
    if (taken_.compare_exchange_weak(at, at + 1, std::memory_order_acq_rel, std::memory_order_relaxed))
      return buffer;
  }
  return nullptr;
}

size_t FreeBuffers::size() const noexcept {
  const uint64_t taken = taken_.load(std::memory_order_relaxed);
  const uint64_t pushed = pushed_.load(std::memory_order_relaxed);
  return pushed > taken ? static_cast<size_t>(pushed - taken) : 0;
}

ActivityBufferPool::ActivityBufferPool(size_t max_buffers, int wake_fd)
    : max_buffers_(max_buffers),
      wake_fd_(wake_fd),
      free_(max_buffers),
      free_discards_(kMaxDiscards),
      known_(new std::atomic<ActivityBuffer*>[max_buffers + kMaxDiscards]()) {}

// Anonymous memory: the kernel hands it out zeroed.
ActivityBuffer* ActivityBufferPool::Make(size_t bytes, size_t limit, std::atomic<size_t>* made,
                                         bool is_discard) noexcept {
  if (made->fetch_add(1, std::memory_order_relaxed) >= limit) {
    made->fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  void* mapped =
      mmap(nullptr, MappedBytes(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    made->fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  auto* buffer = new (mapped) ActivityBuffer();
  buffer->capacity = bytes;
  buffer->is_discard = is_discard;
  known_[known_count_.fetch_add(1, std::memory_order_relaxed)].store(buffer, std::memory_order_release);
  return buffer;
}

// An entry whose number is taken may not be written yet; but then its buffer has not been lent either.
bool ActivityBufferPool::IsOurs(const ActivityBuffer* buffer) const noexcept {
  const size_t count = known_count_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < count; ++i) {
    if (known_[i].load(std::memory_order_acquire) == buffer) return true;
  }
  return false;
}

uint8_t* ActivityBufferPool::Request(size_t* bytes) noexcept {
  requests_.fetch_add(1, std::memory_order_relaxed);
  ActivityBuffer* buffer = free_.Take();
  if (buffer == nullptr) {
    late_.fetch_add(1, std::memory_order_relaxed);
    buffer = Make(kBufferBytes, max_buffers_, &made_, false);
  }
  if (buffer == nullptr && null_crashes_.load(std::memory_order_relaxed)) {
    buffer = free_discards_.Take();
    if (buffer == nullptr) buffer = Make(kDiscardBytes, kMaxDiscards, &made_discards_, true);
  }
  if (buffer == nullptr) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    *bytes = 0;
    return nullptr;
  }
  buffer->state.store(ActivityBuffer::kLent, std::memory_order_relaxed);
  *bytes = buffer->capacity;
  return buffer->memory();
}

void ActivityBufferPool::Complete(cupti::Context context, uint32_t stream, uint8_t* memory,
                                  size_t valid_bytes) noexcept {
  if (memory == nullptr) return;
  auto* buffer = reinterpret_cast<ActivityBuffer*>(memory - sizeof(ActivityBuffer));
  uint32_t lent = ActivityBuffer::kLent;
  if (!IsOurs(buffer) ||
      !buffer->state.compare_exchange_strong(lent, ActivityBuffer::kCompleted, std::memory_order_acq_rel)) {
    stray_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  buffer->valid_bytes = std::min(valid_bytes, buffer->capacity);
  buffer->context = context;
  buffer->stream = stream;
  ActivityBuffer* head = completed_.load(std::memory_order_relaxed);
  do {
    buffer->next = head;
  } while (
      !completed_.compare_exchange_weak(head, buffer, std::memory_order_release, std::memory_order_relaxed));
  // Whoever found the queue empty wakes the control thread; later ones ride along.
  if (head == nullptr && wake_fd_ >= 0) {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
  }
}

void ActivityBufferPool::Prepare(size_t count) noexcept {
  while (free_.size() < count) {
    ActivityBuffer* buffer = Make(kBufferBytes, max_buffers_, &made_, false);
    if (buffer == nullptr) return;
    Recycle(buffer);
  }
}

void ActivityBufferPool::Trim(size_t keep) noexcept {
  for (size_t i = 0, count = free_.size(); i < count; ++i) {
    ActivityBuffer* buffer = free_.Take();
    if (buffer == nullptr) return;
    // All but the page that the header is on.
    if (i >= keep) madvise(reinterpret_cast<uint8_t*>(buffer) + kPageBytes, buffer->capacity, MADV_DONTNEED);
    free_.Push(buffer);
  }
}

ActivityBuffer* ActivityBufferPool::TakeCompleted() noexcept {
  ActivityBuffer* newest = completed_.exchange(nullptr, std::memory_order_acquire);
  ActivityBuffer* oldest = nullptr;
  while (newest != nullptr) {
    ActivityBuffer* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  return oldest;
}

void ActivityBufferPool::Recycle(ActivityBuffer* buffer) noexcept {
  // All of it: what CUPTI writes behind the valid bytes is not told.
  std::memset(buffer->memory(), 0, buffer->capacity);
  buffer->next = nullptr;
  buffer->valid_bytes = 0;
  buffer->state.store(ActivityBuffer::kFree, std::memory_order_relaxed);
  (buffer->is_discard ? free_discards_ : free_).Push(buffer);
}

}  // namespace opscope::gpu
