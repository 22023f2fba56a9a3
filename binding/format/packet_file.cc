#include "packet_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "wire.h"

namespace opscope {

PacketFile::~PacketFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status PacketFile::Open(const std::string& path) {
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) return Status::Error(Code::kFileRead, path + ": " + std::strerror(errno));
  struct stat info;
  if (::fstat(fd_, &info) != 0) {
    return Status::Error(Code::kFileRead, path + ": " + std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return Status::Error(Code::kFileRead, path + ": not a regular file");
  size_ = static_cast<uint64_t>(info.st_size);
  window_.resize(std::min<uint64_t>(kWindowBytes, std::max<uint64_t>(size_, 16)));
  Fill(16);
  first_bytes_.assign(reinterpret_cast<const char*>(window_.data()), std::min<size_t>(held(), 16));
  return status_;
}

void PacketFile::Fill(size_t needed) {
  if (held() >= needed) return;
  if (window_.size() < needed) window_.resize(needed);
  std::memmove(window_.data(), window_.data() + begin_, held());
  end_ = held();
  begin_ = 0;
  while (end_ < window_.size() && offset_ + end_ < size_) {
    const ssize_t got =
        ::pread(fd_, window_.data() + end_, window_.size() - end_, static_cast<off_t>(offset_ + end_));
    if (got < 0) {
      if (errno == EINTR) continue;
      status_ = Status::Error(Code::kFileRead, std::strerror(errno));
      return;
    }
    if (got == 0) size_ = offset_ + end_;  // shorter than it was when opened
    end_ += static_cast<size_t>(got);
  }
}

PacketFile::Step PacketFile::Next(std::string_view* packet) {
  constexpr size_t kHead = 1 + wire::kMaxVarint;
  Fill(kHead);
  if (!status_.ok()) return Step::kFailed;
  if (held() == 0) return Step::kEnd;
  const uint8_t* head = window_.data() + begin_;
  const uint8_t* end = window_.data() + end_;
  if (*head != 0x0A) return Step::kDamaged;
  uint64_t length;
  const uint8_t* body = wire::GetVarint(head + 1, end, &length);
  if (body == nullptr) return held() < kHead ? Step::kCut : Step::kDamaged;
  const auto head_bytes = static_cast<size_t>(body - head);
  if (length > size_ - offset_ - head_bytes) return Step::kCut;
  const size_t whole = head_bytes + static_cast<size_t>(length);
  Fill(whole);
  if (!status_.ok()) return Step::kFailed;
  if (held() < whole) return Step::kCut;
  *packet = {reinterpret_cast<const char*>(window_.data() + begin_ + head_bytes),
             static_cast<size_t>(length)};
  begin_ += whole;
  offset_ += whole;
  return Step::kPacket;
}

}  // namespace opscope
