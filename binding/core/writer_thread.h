// The thread that brings something to a file while the program goes on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "status.h"

namespace opscope {

// What is to be done with the file: one at a time. They throw nothing.
struct WriterWork {
  std::function<Status()> flush;    // on the thread, each interval, and for Flush
  std::function<Status()> at_exit;  // in exit(), on whatever thread that is; never in a forked child
};

// Thread-safe, but for Halt and the end of its life.
class WriterThread {
 public:
  WriterThread(std::chrono::milliseconds interval, WriterWork work);
  // As Halt.
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  // Flushes now, on the caller's thread. An error where another flush takes too long.
  Status Flush();
  // The thread flushes soon, whatever is left of its interval.
  void Wake();
  // Ends the thread, after the flush under way.
  void Halt();
  // In place of a flush, after Halt, however long another one takes.
  Status Last(const std::function<Status()>& work);

 private:
  void Run();
  // One flush at a time; false when another takes longer than `patience`.
  bool Begin(std::chrono::milliseconds patience);
  void End();
  Status Do(const std::function<Status()>& work);

  const std::chrono::milliseconds interval_;
  const WriterWork work_;
  // Not a timed mutex: those need a younger C library than the binary may.
  std::mutex flush_mutex_;
  std::condition_variable flushed_;
  bool is_flushing_ = false;

  std::mutex halt_mutex_;
  std::condition_variable changed_;
  bool is_woken_ = false;
  bool is_halted_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace opscope
