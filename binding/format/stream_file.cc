#include "stream_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace opscope {

StreamFile::~StreamFile() { ::close(fd_); }

void StreamFile::Restart() noexcept {
  is_restarted_ = true;
  pending_.Rewind();
}

bool StreamFile::WriteAt(uint64_t position, std::string_view bytes) const noexcept {
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(position));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(wrote));
    position += static_cast<uint64_t>(wrote);
  }
  return true;
}

Status StreamFile::Flush(std::string_view footer) {
  if (pending_.failed()) return pending_.Finish();
  if (is_restarted_) {
    if (::ftruncate(fd_, 0) != 0) return Status::Error(Code::kFileWrite, std::strerror(errno));
    position_ = 0;
    footer_.clear();
    is_restarted_ = false;
  }
  const std::string_view bytes = pending_.view();
  if (bytes.empty() && footer_ == footer) return Status::Ok();
  // In one call: between two there would be a file without its footer.
  std::string joined;
  if (!footer.empty()) {
    joined.reserve(bytes.size() + footer.size());
    joined.append(bytes).append(footer);
  }
  const uint64_t end = position_ + footer_.size();
  if (!WriteAt(position_, footer.empty() ? bytes : std::string_view(joined))) {
    const int error = errno;
    // Back to what the last flush left; if that fails too, readers skip what is torn.
    WriteAt(position_, footer_);
    static_cast<void>(::ftruncate(fd_, static_cast<off_t>(end)));
    return Status::Error(Code::kFileWrite, std::strerror(error));
  }
  position_ += bytes.size();
  footer_ = footer;
  pending_.Rewind();
  const uint64_t new_end = position_ + footer_.size();
  if (new_end < end && ::ftruncate(fd_, static_cast<off_t>(new_end)) != 0)
    return Status::Error(Code::kFileWrite, std::strerror(errno));
  return Status::Ok();
}

}  // namespace opscope
