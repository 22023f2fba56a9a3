// A thread that runs what it is given, in order: the fake library's own worker,
// and the application threads of scripts.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>

namespace fakegpu {

// The thread starts with the first task and is never joined: it may outlive
// main, as CUPTI's worker does. Objects of this class are never destroyed.
class Worker {
 public:
  explicit Worker(const char* name) : name_(name) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Post(std::function<void()> task);
  // Returns when everything posted so far has run. On the worker itself: at once.
  void Drain();
  void Run(std::function<void()> task) {
    Post(std::move(task));
    Drain();
  }

 private:
  void Loop();

  const char* name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  uint64_t posted_ = 0, done_ = 0;
  bool is_started_ = false;
  int64_t thread_id_ = 0;
};

}  // namespace fakegpu
