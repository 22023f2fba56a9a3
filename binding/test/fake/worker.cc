#include "worker.h"

#include <pthread.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace fakegpu {

void Worker::Post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (!is_started_) {
    is_started_ = true;
    std::thread([this] { Loop(); }).detach();
  }
  tasks_.push_back(std::move(task));
  ++posted_;
  changed_.notify_all();
}

void Worker::Drain() {
  std::unique_lock lock(mutex_);
  if (thread_id_ == gettid()) return;
  const uint64_t target = posted_;
  changed_.wait(lock, [&] { return done_ >= target; });
}

void Worker::Loop() {
  pthread_setname_np(pthread_self(), name_);
  std::unique_lock lock(mutex_);
  thread_id_ = gettid();
  while (true) {
    changed_.wait(lock, [&] { return !tasks_.empty(); });
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
    ++done_;
    changed_.notify_all();
  }
}

}  // namespace fakegpu
