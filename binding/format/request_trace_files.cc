#include "request_trace_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace opscope {

namespace {

constexpr char kEnd[] = "]";
// Names of our own are tried for as many writers of one process; somebody else's files may lie there too.
constexpr int kMaxOwnNames = 100;
// How often somebody else may be faster before we give up for this time.
constexpr int kMaxRaces = 10;

Status ErrnoError() { return Status::Error(Code::kFileWrite, std::strerror(errno)); }

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// As session files have it (session_binding.cc): held until the descriptor is closed. A file system without
// locks refuses nobody.
bool Lock(int fd) noexcept { return ::flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; }

bool IsAt(int fd, const std::string& path) noexcept {
  struct stat ours, there;
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

bool EndsAsArray(int fd, off_t size) noexcept {
  char last = 0;
  return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last == kEnd[0];
}

// Gives a new file its name, unless one has it.
bool Publish(const std::string& from, const std::string& to) noexcept {
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return true;
  }
  // A file system without links.
  return errno != EEXIST && ::access(to.c_str(), F_OK) != 0 && std::rename(from.c_str(), to.c_str()) == 0;
}

}  // namespace

Status RequestTraceFiles::Append(std::string* text) {
  if (text->empty()) return Status::Ok();
  FollowChanges();
  Status status = file_ == nullptr ? Begin(*text) : Write(file_.get(), *text);
  if (status.ok()) text->clear();
  return status;
}

// The comma before the first object of an array is where the array begins.
Status RequestTraceFiles::Write(StreamFile* file, const std::string& text) {
  const bool is_first = file->bytes() == 0;
  if (is_first) file->pending().Append("[");
  file->pending().Append(std::string_view(text).substr(is_first ? 1 : 0));
  Status status = file->Flush(kEnd);
  file->pending().Rewind();
  return status;
}

Status RequestTraceFiles::Begin(const std::string& text) {
  for (int number = 0; number < kMaxOwnNames; ++number) {
    stem_ = options_.path;
    if (number > 0) stem_.append(".p").append(std::to_string(::getpid()));
    if (number > 1) stem_.append("-").append(std::to_string(number));
    bool is_taken = false;
    Status status = BeginAt(Growing(), text, &is_taken);
    if (!is_taken) return status;
  }
  return Status::Error(Code::kFileWrite, "other writers have all names for it");
}

Status RequestTraceFiles::BeginAt(const std::string& path, const std::string& text, bool* is_taken) {
  static std::atomic<uint32_t> count{0};
  const std::string next = path + "." + std::to_string(::getpid()) + "-" + std::to_string(++count) + ".next";
  for (int race = 0; race < kMaxRaces; ++race) {
    // Who has the lock of what lies there may replace it.
    Descriptor old(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    struct stat old_stat {};
    if (old.get() >= 0) {
      *is_taken = !Lock(old.get());
      if (*is_taken) return Status::Ok();
      if (!IsAt(old.get(), path)) continue;
      if (options_.is_direct) return BeginDirect(old.release(), text);
      if (::fstat(old.get(), &old_stat) != 0) return ErrnoError();
      if (options_.is_numbered && old_stat.st_size > 0) {
        // Left by a process that was killed.
        std::string name = Numbered();
        if (!EndsAsArray(old.get(), old_stat.st_size)) name += ".torn";
        if (std::rename(path.c_str(), name.c_str()) != 0) return ErrnoError();
        continue;
      }
    } else if (errno != ENOENT) {
      return ErrnoError();
    }
    const int fd = ::open(next.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return ErrnoError();
    auto file = std::make_unique<StreamFile>(fd);
    Lock(fd);
    if (old.get() >= 0) static_cast<void>(::fchmod(fd, old_stat.st_mode & 0777));
    Status status = Write(file.get(), text);
    if (status.ok()) {
      const bool is_there =
          old.get() >= 0 ? std::rename(next.c_str(), path.c_str()) == 0 : Publish(next, path);
      if (is_there) {
        file_ = std::move(file);
        ++file_count_;
        return Status::Ok();
      }
      if (errno != EEXIST) status = ErrnoError();
    }
    ::unlink(next.c_str());
    if (!status.ok()) return status;
  }
  return Status::Error(Code::kFileWrite, "another process puts files there all the time");
}

Status RequestTraceFiles::BeginDirect(int fd, const std::string& text) {
  file_ = std::make_unique<StreamFile>(fd);
  Status status = Write(file_.get(), text);
  if (status.ok()) {
    ++file_count_;
  } else {
    file_ = nullptr;
  }
  return status;
}

// Whoever ships or rotates logs renames the file or takes it away, or empties it after a copy.
void RequestTraceFiles::FollowChanges() {
  if (file_ == nullptr) return;
  struct stat now {};
  if (!IsAt(file_->fd(), Growing())) {
    Leave();
  } else if (::fstat(file_->fd(), &now) == 0 && static_cast<uint64_t>(now.st_size) < size()) {
    // The descriptor's lock goes on with its double.
    const int fd = ::fcntl(file_->fd(), F_DUPFD_CLOEXEC, 0);
    Leave();
    if (fd < 0) return;
    file_ = std::make_unique<StreamFile>(fd);
    ++file_count_;
  }
}

void RequestTraceFiles::Leave() noexcept {
  bytes_ += size();
  file_ = nullptr;
}

std::string RequestTraceFiles::Numbered() {
  std::string name;
  do {
    name = stem_ + "." + std::to_string(next_number_++);
  } while (::access(name.c_str(), F_OK) == 0);
  return name;
}

Status RequestTraceFiles::Complete() {
  FollowChanges();
  if (file_ == nullptr) return Status::Ok();
  if (std::rename(Growing().c_str(), Numbered().c_str()) != 0) return ErrnoError();
  Leave();
  return Status::Ok();
}

Status RequestTraceFiles::Finish() {
  if (options_.is_numbered) return Complete();
  if (file_ != nullptr) Leave();
  return Status::Ok();
}

}  // namespace opscope
