#include "chunk_pool.h"

#include <sys/mman.h>

#include <algorithm>

namespace opscope {

void ChunkPool::IndexStack::Push(std::atomic<uint32_t>* links, uint32_t index) noexcept {
  uint64_t head = head_.load(std::memory_order_relaxed);
  uint64_t wanted;
  do {
    links[index].store(static_cast<uint32_t>(head), std::memory_order_relaxed);
    wanted = ((head >> 32) + 1) << 32 | (index + 1);
  } while (!head_.compare_exchange_weak(head, wanted, std::memory_order_acq_rel, std::memory_order_relaxed));
}

bool ChunkPool::IndexStack::Pop(std::atomic<uint32_t>* links, uint32_t* index) noexcept {
  uint64_t head = head_.load(std::memory_order_acquire);
  for (;;) {
    const auto top = static_cast<uint32_t>(head);
    if (top == 0) return false;
    // A stale link is harmless: the tag has moved on and the exchange fails.
    const uint64_t wanted = ((head >> 32) + 1) << 32 | links[top - 1].load(std::memory_order_relaxed);
    if (head_.compare_exchange_weak(head, wanted, std::memory_order_acq_rel, std::memory_order_acquire)) {
      *index = top - 1;
      return true;
    }
  }
}

ChunkPool::ChunkPool(size_t bytes) {
  chunk_count_ = static_cast<uint32_t>(std::max<size_t>(bytes / Chunk::kBytes, 1));
  void* range = mmap(nullptr, total_bytes(), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) {
    chunk_count_ = 0;
    return;
  }
  base_ = static_cast<Chunk*>(range);
#ifdef MADV_HUGEPAGE
  // One page fault for 32 chunks instead of 16 for each.
  madvise(range, total_bytes(), MADV_HUGEPAGE);
#endif
  links_ = std::make_unique<std::atomic<uint32_t>[]>(chunk_count_);
}

ChunkPool::~ChunkPool() {
  if (base_ != nullptr) munmap(static_cast<void*>(base_), total_bytes());
}

Chunk* ChunkPool::Take() noexcept {
  uint32_t index;
  if (ready_.Pop(links_.get(), &index)) {
    ready_count_.fetch_sub(1, std::memory_order_relaxed);
  } else if (!cold_.Pop(links_.get(), &index)) {
    index = fresh_.load(std::memory_order_relaxed);
    do {
      if (index >= chunk_count_) return nullptr;
    } while (!fresh_.compare_exchange_weak(index, index + 1, std::memory_order_relaxed));
  }
  taken_.fetch_add(1, std::memory_order_relaxed);
  return At(index);
}

void ChunkPool::Give(Chunk* chunk) noexcept {
  taken_.fetch_sub(1, std::memory_order_relaxed);
  ready_count_.fetch_add(1, std::memory_order_relaxed);
  ready_.Push(links_.get(), static_cast<uint32_t>(chunk - base_));
}

size_t ChunkPool::TouchAhead(size_t count) noexcept {
  size_t missing = 0;
  while (ready_count_.load(std::memory_order_relaxed) < count) {
    uint32_t index;
    if (!cold_.Pop(links_.get(), &index)) {
      index = fresh_.load(std::memory_order_relaxed);
      do {
        if (index >= chunk_count_) return missing;
      } while (!fresh_.compare_exchange_weak(index, index + 1, std::memory_order_relaxed));
    }
    volatile char* bytes = reinterpret_cast<volatile char*>(At(index));
    for (size_t i = 0; i < Chunk::kBytes; i += 4096) bytes[i] = 0;
    ready_count_.fetch_add(1, std::memory_order_relaxed);
    ready_.Push(links_.get(), index);
    ++missing;
  }
  return missing;
}

void ChunkPool::TrimReady(size_t count) noexcept {
  uint32_t index;
  while (ready_count_.load(std::memory_order_relaxed) > count && ready_.Pop(links_.get(), &index)) {
    ready_count_.fetch_sub(1, std::memory_order_relaxed);
    madvise(static_cast<void*>(At(index)), Chunk::kBytes, MADV_DONTNEED);
    cold_.Push(links_.get(), index);
  }
}

}  // namespace opscope
