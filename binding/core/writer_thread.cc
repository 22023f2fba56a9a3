#include "writer_thread.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <vector>

namespace opscope {

namespace {

// exit() must come to its end: a disk that hangs may keep it no longer than this.
constexpr std::chrono::seconds kExitPatience{2};

// All writers of the process, for exit(). Never destroyed, as exit() may come late.
// A flag, not a mutex: exit() may be called from anywhere, and must not wait for itself.
struct Writers {
  const pid_t process = getpid();
  std::atomic_flag is_busy;
  std::vector<std::pair<WriterThread*, std::function<void()>>> all;

  template <typename Change>
  void Do(Change change) {
    while (is_busy.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    change(&all);
    is_busy.clear(std::memory_order_release);
  }
};
Writers& AllWriters() {
  static auto* writers = [] {
    // Where JavaScript does not run any more: process.reallyExit, exit() of an addon.
    std::atexit([] {
      Writers& own = AllWriters();
      // A forked child has the files of its parent, and neither its threads nor its locks.
      if (own.process != getpid()) return;
      if (own.is_busy.test_and_set(std::memory_order_acquire)) return;
      for (const auto& [writer, end] : own.all) end();
      own.is_busy.clear(std::memory_order_release);
    });
    return new Writers;
  }();
  return *writers;
}

}  // namespace

WriterThread::WriterThread(std::chrono::milliseconds interval, WriterWork work)
    : interval_(interval), work_(std::move(work)) {
  AllWriters().Do(
      [this](auto* all) { all->emplace_back(this, [this] { static_cast<void>(Do(work_.at_exit)); }); });
  // The program's signals are for its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WriterThread::~WriterThread() {
  Halt();
  AllWriters().Do(
      [this](auto* all) { std::erase_if(*all, [this](const auto& it) { return it.first == this; }); });
}

void WriterThread::Halt() {
  {
    std::lock_guard lock(halt_mutex_);
    is_halted_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void WriterThread::Wake() {
  {
    std::lock_guard lock(halt_mutex_);
    is_woken_ = true;
  }
  changed_.notify_all();
}

void WriterThread::Run() {
  pthread_setname_np(pthread_self(), "opscope-writer");
  std::unique_lock lock(halt_mutex_);
  auto next = std::chrono::steady_clock::now();
  do {
    is_woken_ = false;
    lock.unlock();
    static_cast<void>(Flush());
    lock.lock();
    // No burst of flushes after one that took long.
    next = std::max(next + interval_, std::chrono::steady_clock::now());
    changed_.wait_until(lock, next, [this] { return is_halted_ || is_woken_; });
  } while (!is_halted_);
}

bool WriterThread::Begin(std::chrono::milliseconds patience) {
  std::unique_lock lock(flush_mutex_);
  if (!flushed_.wait_for(lock, patience, [this] { return !is_flushing_; })) return false;
  is_flushing_ = true;
  return true;
}

void WriterThread::End() {
  {
    std::lock_guard lock(flush_mutex_);
    is_flushing_ = false;
  }
  flushed_.notify_all();
}

Status WriterThread::Do(const std::function<Status()>& work) {
  if (!Begin(kExitPatience)) return Status::Error(Code::kFileWrite, "another flush takes too long");
  Status status = work();
  End();
  return status;
}

Status WriterThread::Flush() { return Do(work_.flush); }

Status WriterThread::Last(const std::function<Status()>& work) {
  // The last of the others ends by itself.
  while (!Begin(kExitPatience)) {
  }
  Status status = work();
  End();
  return status;
}

}  // namespace opscope
