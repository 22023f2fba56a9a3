// The packets of a Perfetto trace file, one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../core/status.h"

namespace opscope {

// Memory: one window of 1 MiB, or the largest packet; never more than the file
// has bytes, whatever its length fields say. One thread at a time.
class PacketFile {
 public:
  enum class Step : uint8_t {
    kPacket,
    kEnd,      // the file ends behind a packet
    kCut,      // the file ends inside a packet
    kDamaged,  // what follows is no packet
    kFailed,   // reading failed, see status()
  };

  PacketFile() = default;
  PacketFile(const PacketFile&) = delete;
  PacketFile& operator=(const PacketFile&) = delete;
  ~PacketFile();

  Status Open(const std::string& path);
  // The view is good until the next call.
  Step Next(std::string_view* packet);

  // Bytes from the first one not told as part of a packet to the end of the file.
  uint64_t unread_bytes() const noexcept { return size_ - offset_; }
  uint64_t size() const noexcept { return size_; }
  // The first bytes of the file, at most 16.
  std::string_view first_bytes() const noexcept { return first_bytes_; }
  const Status& status() const noexcept { return status_; }

 private:
  static constexpr size_t kWindowBytes = 1u << 20;

  // Makes `needed` bytes lie in the window, or all there are.
  void Fill(size_t needed);
  size_t held() const noexcept { return end_ - begin_; }

  std::vector<uint8_t> window_;
  size_t begin_ = 0, end_ = 0;  // of the bytes held, in the window
  uint64_t offset_ = 0;         // in the file, of begin_
  uint64_t size_ = 0;
  std::string first_bytes_;
  Status status_;
  int fd_ = -1;
};

}  // namespace opscope
