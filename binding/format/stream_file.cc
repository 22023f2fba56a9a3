#include "stream_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

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
    position_ = end_ = 0;
    is_restarted_ = false;
  }
  const std::string_view bytes = pending_.view();
  if (bytes.empty() && end_ == position_ + footer.size()) return Status::Ok();
  // In one call: between two there would be a file without its footer.
  std::string joined;
  if (!footer.empty()) {
    joined.reserve(bytes.size() + footer.size());
    joined.append(bytes).append(footer);
  }
  if (!WriteAt(position_, footer.empty() ? bytes : std::string_view(joined))) {
    const int error = errno;
    // Back to what the last flush left; if that fails too, readers skip what is torn.
    if (!footer.empty() && end_ > position_) WriteAt(position_, footer);
    if (::ftruncate(fd_, static_cast<off_t>(end_)) != 0) errno = error;
    return Status::Error(Code::kFileWrite, std::strerror(error));
  }
  position_ += bytes.size();
  end_ = position_ + footer.size();
  pending_.Rewind();
  return Status::Ok();
}

}  // namespace opscope
