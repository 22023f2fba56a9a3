#include "request_trace_pipe.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

namespace opscope {

namespace {

using std::chrono_literals::operator""ms;

constexpr std::chrono::milliseconds kPatience{2000};

// The descriptor that a path of /dev stands for, or -1. Opening it again is no way to one that is a socket,
// as the stdout of a child of Node is.
int DescriptorOf(std::string_view path) noexcept {
  if (path == "/dev/stdout") return 1;
  if (path == "/dev/stderr") return 2;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int fd = -1;
    const std::string_view digits = path.substr(folder.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), fd);
    if (error == std::errc() && end == digits.data() + digits.size()) return fd;
  }
  return -1;
}

Status ErrnoError() { return Status::Error(Code::kFileWrite, std::strerror(errno)); }

}  // namespace

RequestTracePipe::~RequestTracePipe() {
  if (fd_ >= 0) ::close(fd_);
}

Status RequestTracePipe::Open() {
  if (fd_ >= 0) return Status::Ok();
  const int known = DescriptorOf(path_);
  // A pipe without a reader refuses to be opened, rather than to wait for one.
  fd_ = known >= 0 ? ::fcntl(known, F_DUPFD_CLOEXEC, 0)
                   : ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd_ >= 0) return Status::Ok();
  return errno == ENXIO ? Status::Error(Code::kFileWrite, "nobody reads it") : ErrnoError();
}

Status RequestTracePipe::Append(std::string* text) {
  if (text->empty()) return Status::Ok();
  if (Status opened = Open(); !opened.ok()) return opened;
  // The comma before the first object of an array is where the array begins.
  if (bytes_ == 0) text->front() = '[';
  return Write(text);
}

Status RequestTracePipe::Write(std::string* text) {
  // A reader that kept us waiting once has no more patience of ours until it reads.
  const auto deadline = std::chrono::steady_clock::now() + (is_stalled_ ? 0ms : kPatience);
  size_t done = 0;
  Status status;
  while (done < text->size()) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, std::max<int>(static_cast<int>(left.count()), 0)) == 0) {
      is_stalled_ = true;
      status = Status::Error(Code::kFileWrite, "its reader does not read");
      break;
    }
    // So much has room where there is room at all: a descriptor that others use too may not be set to never
    // wait.
    const ssize_t wrote = ::write(fd_, text->data() + done, std::min<size_t>(text->size() - done, PIPE_BUF));
    if (wrote < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (wrote < 0) {
      status = ErrnoError();
      break;
    }
    is_stalled_ = false;
    done += static_cast<size_t>(wrote);
  }
  bytes_ += done;
  text->erase(0, done);
  return status;
}

Status RequestTracePipe::Finish() {
  std::string end = bytes_ == 0 ? "" : "]";
  Status status = Write(&end);
  // Its reader waits for that.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  return status;
}

}  // namespace opscope
