#include "request_trace_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

namespace opscope {

namespace {

constexpr char kEnd[] = "]";
constexpr off_t kEmptyBytes = 2;  // of an empty array
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

// Where this process has written: what lies there is no earlier run's. Thread-safe.
class OwnPaths {
 public:
  void Add(const std::string& path) {
    std::lock_guard lock(mutex_);
    paths_.insert(path);
  }
  bool Has(const std::string& path) const {
    std::lock_guard lock(mutex_);
    return paths_.contains(path);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> paths_;
};
OwnPaths& AllOwnPaths() {
  static auto* paths = new OwnPaths;  // never destroyed, as exit() may come late
  return *paths;
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

uint64_t RequestTraceFiles::size() const noexcept {
  return file_ == nullptr || IsEmpty(*file_) ? 0 : file_->bytes() + file_->footer_bytes();
}

bool RequestTraceFiles::IsEmpty(const StreamFile& file) noexcept { return file.bytes() <= 1; }

Status RequestTraceFiles::Append(std::string* text) {
  if (text->empty()) return Status::Ok();
  FollowChanges();
  const bool is_new = file_ == nullptr || IsEmpty(*file_);
  Status status = file_ == nullptr ? Begin(*text) : Write(file_.get(), *text);
  if (!status.ok()) return status;
  file_count_ += is_new ? 1 : 0;
  text->clear();
  return status;
}

// Of the first object of an array, the comma before it is left out. Without objects the array is empty.
Status RequestTraceFiles::Write(StreamFile* file, const std::string& text) {
  if (file->bytes() == 0) file->pending().Append("[");
  if (!text.empty()) file->pending().Append(std::string_view(text).substr(IsEmpty(*file) ? 1 : 0));
  Status status = file->Flush(kEnd);
  file->pending().Rewind();
  return status;
}

Status RequestTraceFiles::Begin(const std::string& text) {
  for (const int most = own_name_ + kMaxOwnNames; own_name_ < most; ++own_name_) {
    stem_ = options_.path;
    if (own_name_ > 0) stem_.append(".p").append(std::to_string(::getpid()));
    if (own_name_ > 1) stem_.append("-").append(std::to_string(own_name_));
    bool is_taken = false;
    Status status = BeginAt(Growing(), text, &is_taken);
    if (!is_taken) return status;
  }
  return Status::Error(Code::kFileWrite, "other writers have all names for it");
}

Status RequestTraceFiles::BeginAt(const std::string& path, const std::string& text, bool* is_taken) {
  for (int race = 0; race < kMaxRaces; ++race) {
    // Who has the lock of what lies there may replace it.
    Descriptor old(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    const bool is_there = old.get() >= 0;
    struct stat old_stat {};
    if (is_there) {
      *is_taken = !Lock(old.get());
      if (*is_taken) return Status::Ok();
      if (!IsAt(old.get(), path)) continue;
      if (options_.is_direct) return Keep(std::make_unique<StreamFile>(old.release()), text);
      if (::fstat(old.get(), &old_stat) != 0) return ErrnoError();
      if ((options_.is_numbered || AllOwnPaths().Has(path)) && old_stat.st_size > kEmptyBytes) {
        // Left by a process that was killed, or by a writer of this one that is closed.
        const char* suffix = EndsAsArray(old.get(), old_stat.st_size) ? "" : ".torn";
        if (Status status = MoveToNumber(path, suffix); !status.ok()) return status;
        continue;
      }
    } else if (errno != ENOENT) {
      return ErrnoError();
    }
    std::string next;
    std::unique_ptr<StreamFile> file;
    if (Status status = Prepare(text, &next, &file); !status.ok()) return status;
    if (is_there) static_cast<void>(::fchmod(file->fd(), old_stat.st_mode & 0777));
    if (is_there ? std::rename(next.c_str(), path.c_str()) == 0 : Publish(next, path)) {
      file_ = std::move(file);
      AllOwnPaths().Add(path);
      return Status::Ok();
    }
    const bool is_late = errno == EEXIST;
    Status status = ErrnoError();
    ::unlink(next.c_str());
    if (!is_late) return status;
  }
  return Status::Error(Code::kFileWrite, "another process puts files there all the time");
}

Status RequestTraceFiles::Keep(std::unique_ptr<StreamFile> file, const std::string& text) {
  Status status = Write(file.get(), text);
  if (status.ok()) file_ = std::move(file);
  return status;
}

Status RequestTraceFiles::Prepare(const std::string& text, std::string* path,
                                  std::unique_ptr<StreamFile>* file) const {
  static std::atomic<uint32_t> count{0};
  *path = Growing() + "." + std::to_string(::getpid()) + "-" + std::to_string(++count) + ".next";
  const int fd = ::open(path->c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return ErrnoError();
  Lock(fd);
  *file = std::make_unique<StreamFile>(fd);
  Status status = Write(file->get(), text);
  if (!status.ok()) ::unlink(path->c_str());
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
    if (fd >= 0) file_ = std::make_unique<StreamFile>(fd);
  }
}

void RequestTraceFiles::Leave() noexcept {
  bytes_ += size();
  file_ = nullptr;
}

// One writer that is numbered and one that is not grow in different files, and may want a number at the same
// time.
Status RequestTraceFiles::MoveToNumber(const std::string& from, const char* suffix) {
  for (;;) {
    const std::string name = stem_ + "." + std::to_string(next_number_++);
    const std::string to = name + suffix;
    if (::access(name.c_str(), F_OK) == 0 || ::access(to.c_str(), F_OK) == 0) continue;
    if (Publish(from, to)) return Status::Ok();
    Status status = ErrnoError();
    if (::access(to.c_str(), F_OK) != 0) return status;
  }
}

Status RequestTraceFiles::Complete() {
  FollowChanges();
  if (file_ == nullptr || IsEmpty(*file_)) return Status::Ok();
  std::string next;
  std::unique_ptr<StreamFile> file;
  const bool has_next = Prepare({}, &next, &file).ok();
  if (Status status = MoveToNumber(Growing(), ""); !status.ok()) {
    if (has_next) ::unlink(next.c_str());
    return status;
  }
  Leave();
  // Where it does not come to be, the next trace begins one.
  if (!has_next) return Status::Ok();
  if (Publish(next, Growing())) {
    file_ = std::move(file);
  } else {
    ::unlink(next.c_str());
  }
  return Status::Ok();
}

Status RequestTraceFiles::Finish() {
  Status status = options_.is_numbered ? Complete() : Status::Ok();
  if (file_ == nullptr) return status;
  if (IsEmpty(*file_) && IsAt(file_->fd(), Growing())) ::unlink(Growing().c_str());
  Leave();
  return status;
}

}  // namespace opscope
