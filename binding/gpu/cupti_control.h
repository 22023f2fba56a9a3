// The one thread that talks to CUPTI, and how others leave it commands.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "cupti_session.h"

namespace opscope::gpu {

// Thread-safe. One control thread makes all calls of CUPTI; callers leave a
// command and wait. The mutex guards the queue and the commands; CUPTI is never
// called under it.
class CuptiControl final : public GpuSource {
 public:
  // Never destroyed: CUPTI and the thread use it until the process ends.
  static CuptiControl& Get();

  GpuState Start(const GpuOptions& options) override;
  GpuRecords Stop(int64_t window_start_ns, bool synchronize, uint64_t deadline_ms,
                  const GpuPlace* since) override;
  GpuRecords TakeNew(GpuPlace* place, size_t kept_rows) override;
  GpuRecords Peek(int64_t window_start_ns) override;
  void ForgetBefore(int64_t ns) override;
  // From exit(): CUDA is about to be torn down, so the thread must be outside
  // CUPTI, and stay there.
  void Park();

 private:
  CuptiControl();
  enum class Phase { kQueued, kWorking, kSynchronizing, kFlushing, kTaking, kDone };
  struct Command {
    bool is_start = false;
    GpuOptions options;
    int64_t window_start_ns = 0;
    GpuPlace since;
    bool synchronize = false;

    Phase phase = Phase::kQueued;
    bool is_abandoned = false;  // nobody waits any more
    bool caller_takes = false;  // the records, since the flush takes too long
    bool is_last = false;
    GpuState state;
    GpuRecords records;
  };

  bool Submit(const std::shared_ptr<Command>& command);
  bool Await(Command* command, uint64_t deadline_ms, std::unique_lock<std::mutex>* lock);
  void Advance(Command* command, Phase phase);
  void StartThread();  // under the mutex
  void Wake() const;

  // Control thread.
  void Run();
  void Execute(Command* command);
  void ExecuteStart(Command* command);
  void ExecuteStop(Command* command);
  void WaitForWork(std::chrono::steady_clock::time_point next_tick) const;

  const int wake_fd_;
  CuptiSession session_;       // control thread, but for Take
  uint32_t active_count_ = 0;  // control thread: Starts without their Stop

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Command>> queue_;
  // Not on the thread's stack, which a forked child lacks: leak checkers look there.
  std::shared_ptr<Command> running_;
  bool has_thread_ = false;
  bool wants_park_ = false, is_parked_ = false;
};

}  // namespace opscope::gpu
