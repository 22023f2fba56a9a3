// The memory of all thread logs: one reserved range, handed out in chunks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace opscope {

// A stretch of one thread's log. Written by its thread alone; readers see the
// words below `used`, and `next` once the chunk is full.
struct Chunk {
  // 64 KiB: 2,700 spans, so that the refill (about 0.3 us) costs nothing per
  // span, and a process with a hundred threads still holds under 7 MiB.
  static constexpr size_t kBytes = 64u << 10;
  static constexpr uint32_t kWords = (kBytes - 64) / 8;

  std::atomic<uint32_t> used;  // words; released after each record
  uint32_t open_at_start;      // recorded spans open on the stack when the chunk was begun
  uint64_t first_ticks;        // no record here is older
  std::atomic<Chunk*> next;
  alignas(64) uint64_t words[kWords];
};
static_assert(sizeof(Chunk) == Chunk::kBytes);

// Thread-safe and lock-free. A chunk has one owner at a time.
class ChunkPool {
 public:
  explicit ChunkPool(size_t bytes);
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  // Null when all chunks are out. Never blocks, never calls the system
  // (touching a fresh chunk may fault its pages in).
  Chunk* Take() noexcept;
  void Give(Chunk* chunk) noexcept;

  // Control thread: faults chunks in ahead of their use, up to `count` ready
  // ones. Returns how many were not ready before.
  size_t TouchAhead(size_t count) noexcept;
  // Control thread: gives the pages of ready chunks beyond `count` back to the system.
  void TrimReady(size_t count) noexcept;

  size_t total_bytes() const noexcept { return chunk_count_ * Chunk::kBytes; }
  size_t used_bytes() const noexcept { return taken_.load(std::memory_order_relaxed) * Chunk::kBytes; }

 private:
  // A stack of chunk numbers; the tag in the upper half defeats ABA.
  class IndexStack {
   public:
    void Push(std::atomic<uint32_t>* links, uint32_t index) noexcept;
    bool Pop(std::atomic<uint32_t>* links, uint32_t* index) noexcept;

   private:
    std::atomic<uint64_t> head_{0};  // tag << 32 | index + 1, 0 in the lower half: empty
  };
  Chunk* At(uint32_t index) noexcept { return base_ + index; }

  Chunk* base_ = nullptr;
  uint32_t chunk_count_ = 0;
  std::unique_ptr<std::atomic<uint32_t>[]> links_;
  IndexStack ready_;                // resident
  IndexStack cold_;                 // given back to the system
  std::atomic<uint32_t> fresh_{0};  // chunks from here on were never used
  std::atomic<size_t> taken_{0};
  std::atomic<size_t> ready_count_{0};
};

}  // namespace opscope
