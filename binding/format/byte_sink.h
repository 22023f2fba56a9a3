// Where format writers put their bytes: a file descriptor, memory, or nowhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "../core/status.h"

namespace opscope {

// Bounded memory (two buffers) unless the target is memory. The first failure is
// kept, everything after it is dropped: writers need not look at each step, but
// should ask failed() now and then to stop early. One thread at a time; large
// files are handed to write(2) by a thread of the sink's own.
class ByteSink {
 public:
  // Larger buffers fall out of the cache between formatting and write(2), smaller
  // ones add system calls.
  static constexpr size_t kBufferBytes = 1u << 20;
  // The most that Room may be asked for.
  static constexpr size_t kMaxRoom = 64u << 10;

  // Writes to a descriptor that stays the caller's.
  explicit ByteSink(int fd);
  // Keeps everything; `reserve` saves growing.
  static ByteSink ToMemory(size_t reserve = kBufferBytes) { return ByteSink(kMemory, -1, reserve); }
  // Counts bytes and forgets them.
  static ByteSink ToNowhere() { return ByteSink(kNowhere, -1, kBufferBytes); }

  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  ~ByteSink();

  // At least `size` free bytes; what was written there counts after Advance.
  uint8_t* Room(size_t size) {
    if (static_cast<size_t>(limit_ - end_) < size) Drain(size);
    return end_;
  }
  void Advance(uint8_t* end) noexcept { end_ = end; }
  // The end of the room that Room returned.
  const uint8_t* limit() const noexcept { return limit_; }

  void Append(const void* bytes, size_t size);
  void Append(std::string_view text) { Append(text.data(), text.size()); }

  // Hands the rest over; the outcome of the whole writing.
  Status Finish();
  bool failed() const noexcept { return !status_.ok(); }
  // Everything appended so far, whether handed over or not.
  uint64_t bytes() const noexcept { return drained_ + static_cast<uint64_t>(end_ - data_); }

  // Of a memory sink: all bytes so far.
  std::string_view view() const noexcept {
    return {reinterpret_cast<const char*>(data_), static_cast<size_t>(end_ - data_)};
  }
  // Of a memory sink: forgets the bytes, keeps the memory.
  void Rewind() noexcept { end_ = data_; }

 private:
  enum Target : uint8_t { kDescriptor, kMemory, kNowhere };
  ByteSink(Target target, int fd, size_t size);
  void Drain(size_t needed);
  void WriteOut();
  bool StartBackgroundWriter();

  class BackgroundWriter;

  uint8_t* data_ = nullptr;
  uint8_t* end_ = nullptr;
  uint8_t* limit_ = nullptr;
  uint64_t drained_ = 0;
  Status status_;
  std::unique_ptr<BackgroundWriter> background_;
  int fd_;
  Target target_;
};

}  // namespace opscope
