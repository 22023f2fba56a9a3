#include "byte_sink.h"

#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>

namespace opscope {
namespace {

// A file of this size is worth a thread: write(2) into the page cache takes two
// to ten times as long as formatting, and the two go side by side.
constexpr uint64_t kBackgroundFrom = 4u << 20;

Status WriteAll(int fd, const uint8_t* bytes, size_t size) {
  while (size != 0) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      return Status::Error(Code::kFileWrite, std::strerror(errno));
    }
    if (written == 0) return Status::Error(Code::kFileWrite, "the file takes no more bytes");
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return Status::Ok();
}

}  // namespace

// One buffer at a time is on its way to the descriptor while the sink fills the
// other. All calls from the sink's thread.
class ByteSink::BackgroundWriter {
 public:
  // Throws std::system_error where there is no thread to be had.
  BackgroundWriter(int fd, uint8_t* spare) : spare_(spare), fd_(fd), thread_([this] { Run(); }) {}
  ~BackgroundWriter() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_all();
    thread_.join();
    std::free(spare_);
  }

  // Waits for the buffer before, takes this one and returns a free one.
  uint8_t* Swap(uint8_t* full, size_t size, Status* status) {
    std::unique_lock lock(mutex_);
    WaitIdle(&lock);
    *status = status_;
    uint8_t* free = spare_;
    spare_ = full;
    if (status_.ok()) {
      size_ = size;
      changed_.notify_all();
    }
    return free;
  }
  void Wait(Status* status) {
    std::unique_lock lock(mutex_);
    WaitIdle(&lock);
    *status = status_;
  }

 private:
  void WaitIdle(std::unique_lock<std::mutex>* lock) {
    while (size_ != 0) changed_.wait(*lock);
  }
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      while (size_ == 0 && !is_over_) changed_.wait(lock);
      if (size_ == 0) return;
      lock.unlock();
      Status status = WriteAll(fd_, spare_, size_);
      lock.lock();
      if (status_.ok()) status_ = std::move(status);
      size_ = 0;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  uint8_t* spare_;
  size_t size_ = 0;  // bytes in spare_ still to write; the writer's while it is not 0
  Status status_;
  bool is_over_ = false;
  const int fd_;
  std::thread thread_;  // last: it uses all of the above
};

ByteSink::ByteSink(int fd) : ByteSink(kDescriptor, fd, kBufferBytes) {}

ByteSink::ByteSink(Target target, int fd, size_t size) : fd_(fd), target_(target) {
  if (size < kMaxRoom) size = kMaxRoom;
  data_ = static_cast<uint8_t*>(std::malloc(size));
  if (data_ == nullptr) throw std::bad_alloc();
  end_ = data_;
  limit_ = data_ + size;
}

ByteSink::~ByteSink() {
  background_.reset();
  std::free(data_);
}

bool ByteSink::StartBackgroundWriter() {
  if (background_ != nullptr) return true;
  auto* spare = static_cast<uint8_t*>(std::malloc(kBufferBytes));
  if (spare == nullptr) return false;
  try {
    background_ = std::make_unique<BackgroundWriter>(fd_, spare);
    return true;
  } catch (const std::system_error&) {
    std::free(spare);
    return false;
  }
}

void ByteSink::WriteOut() {
  const auto used = static_cast<size_t>(end_ - data_);
  if (!failed() && used != 0) {
    if (drained_ >= kBackgroundFrom && StartBackgroundWriter()) {
      data_ = background_->Swap(data_, used, &status_);
      limit_ = data_ + kBufferBytes;
    } else {
      status_ = WriteAll(fd_, data_, used);
    }
  }
  drained_ += used;
  end_ = data_;
}

void ByteSink::Drain(size_t needed) {
  const auto used = static_cast<size_t>(end_ - data_);
  if (target_ == kMemory && !failed()) {
    size_t size = static_cast<size_t>(limit_ - data_) * 2;
    if (size < used + needed) size = used + needed;
    if (void* grown = std::realloc(data_, size)) {
      data_ = static_cast<uint8_t*>(grown);
      end_ = data_ + used;
      limit_ = data_ + size;
      return;
    }
    status_ = Status::Error(Code::kOutOfMemory, "no memory for the bytes of the export");
  }
  if (target_ == kDescriptor) return WriteOut();
  drained_ += used;
  end_ = data_;
}

void ByteSink::Append(const void* bytes, size_t size) {
  const auto* from = static_cast<const uint8_t*>(bytes);
  while (size != 0) {
    const size_t step = size < kMaxRoom ? size : kMaxRoom;
    uint8_t* room = Room(step);
    std::memcpy(room, from, step);
    Advance(room + step);
    from += step;
    size -= step;
  }
}

Status ByteSink::Finish() {
  if (target_ == kDescriptor) {
    WriteOut();
    if (background_ != nullptr) background_->Wait(&status_);
  }
  return status_;
}

}  // namespace opscope
