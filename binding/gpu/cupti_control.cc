#include "cupti_control.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>
#include <utility>

namespace opscope::gpu {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Memory and delay are bounded by this: five flushes a second are too few to
// be seen, and a buffer of 2 MiB holds 200 ms of 50,000 launches a second.
constexpr milliseconds kTick{200};
constexpr milliseconds kExitWait{2000};

// A child process inherits dead CUDA and no control thread.
std::atomic<bool> g_is_forked_child{false};

GpuState Forked() {
  return {false, "refused",
          "this process was forked from one that traces a GPU; CUDA does not survive a fork"};
}

}  // namespace

CuptiControl& CuptiControl::Get() {
  static auto* const control = new CuptiControl();
  return *control;
}

CuptiControl::CuptiControl() : wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), session_(wake_fd_) {}

GpuState CuptiControl::Start(const GpuOptions& options) {
  if (g_is_forked_child.load(std::memory_order_relaxed)) return Forked();
  auto command = std::make_shared<Command>();
  command->is_start = true;
  command->options = options;
  if (!Submit(command)) return {false, "off", "the process is ending"};
  std::unique_lock lock(mutex_);
  if (Await(command.get(), options.start_deadline_ms, &lock)) return command->state;
  // What it has turned on by the time it comes through is turned off again.
  command->is_abandoned = true;
  return {false, "late",
          "CUPTI was not ready after " + std::to_string(options.start_deadline_ms) +
              " ms; the first start may take seconds"};
}

GpuRecords CuptiControl::TakeNew(GpuPlace* place, size_t kept_rows) {
  if (g_is_forked_child.load(std::memory_order_relaxed)) return {};
  return session_.TakeNew(place, kept_rows);
}

GpuRecords CuptiControl::Peek(int64_t window_start_ns) {
  if (g_is_forked_child.load(std::memory_order_relaxed)) return {};
  return session_.Take(window_start_ns, {}, false);
}

void CuptiControl::ForgetBefore(int64_t ns) {
  if (!g_is_forked_child.load(std::memory_order_relaxed)) session_.ForgetBefore(ns);
}

GpuRecords CuptiControl::Stop(int64_t window_start_ns, bool synchronize, uint64_t deadline_ms,
                              const GpuPlace* since) {
  if (g_is_forked_child.load(std::memory_order_relaxed)) return {};
  auto command = std::make_shared<Command>();
  command->window_start_ns = window_start_ns;
  if (since != nullptr) command->since = *since;
  command->synchronize = synchronize;
  GpuRecords records;
  if (!Submit(command)) return records;
  bool takes = false, is_last = false;
  {
    std::unique_lock lock(mutex_);
    if (Await(command.get(), deadline_ms, &lock)) return std::move(command->records);
    command->is_abandoned = true;
    takes = command->caller_takes = command->phase == Phase::kFlushing;
    is_last = command->is_last;
  }
  // The flush goes on without us; what was decoded so far is ours.
  if (takes) records = session_.Take(window_start_ns, command->since, is_last);
  records.warnings.push_back({"gpu-stop-late",
                              "CUPTI did not finish in " + std::to_string(deadline_ms) +
                                  " ms; GPU work that it had not told of is missing",
                              1});
  return records;
}

bool CuptiControl::Submit(const std::shared_ptr<Command>& command) {
  std::lock_guard lock(mutex_);
  if (wants_park_) return false;
  if (!has_thread_) StartThread();
  queue_.push_back(command);
  Wake();
  return true;
}

void CuptiControl::StartThread() {
  pthread_atfork(nullptr, nullptr, [] { g_is_forked_child.store(true, std::memory_order_relaxed); });
  std::atexit([] { Get().Park(); });
  // Signals are for the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([this] { Run(); });
  pthread_setname_np(thread.native_handle(), "opscope-gpu");
  thread.detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  has_thread_ = true;
}

// The deadline (0: none) is of a start as a whole, but of each phase of a stop.
// Waiting for the GPU has none: kernels run as long as they run. Nor has taking
// the rows, which is our own work.
bool CuptiControl::Await(Command* command, uint64_t deadline_ms, std::unique_lock<std::mutex>* lock) {
  while (command->phase != Phase::kDone) {
    const Phase phase = command->phase;
    const auto has_moved = [command, phase] {
      return command->is_start ? command->phase == Phase::kDone : command->phase != phase;
    };
    if (deadline_ms == 0 || phase == Phase::kSynchronizing || phase == Phase::kTaking) {
      changed_.wait(*lock, has_moved);
    } else if (!changed_.wait_for(*lock, milliseconds(deadline_ms), has_moved)) {
      return false;
    }
  }
  return true;
}

void CuptiControl::Advance(Command* command, Phase phase) {
  std::lock_guard lock(mutex_);
  command->phase = phase;
  changed_.notify_all();
}

void CuptiControl::Wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof(one));
}

void CuptiControl::Park() {
  if (g_is_forked_child.load(std::memory_order_relaxed)) return;
  std::unique_lock lock(mutex_);
  wants_park_ = true;
  Wake();
  changed_.wait_for(lock, kExitWait, [this] { return is_parked_; });
}

void CuptiControl::WaitForWork(steady_clock::time_point next_tick) const {
  int timeout_ms = -1;
  if (session_.is_on()) {
    const auto left = std::chrono::ceil<milliseconds>(next_tick - steady_clock::now()).count();
    timeout_ms = left > 0 ? static_cast<int>(left) : 0;
  }
  pollfd wake{wake_fd_, POLLIN, 0};
  if (poll(&wake, 1, timeout_ms) > 0) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake_fd_, &count, sizeof(count));
  }
}

void CuptiControl::Run() {
  auto next_tick = steady_clock::now();
  for (;;) {
    WaitForWork(next_tick);
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        running_.reset();
        if (wants_park_) {
          is_parked_ = true;
          changed_.notify_all();
          changed_.wait(lock, [] { return false; });  // until the process is gone
        }
        if (queue_.empty()) break;
        running_ = std::move(queue_.front());
        queue_.pop_front();
      }
      Execute(running_.get());
    }
    if (session_.is_on() && steady_clock::now() >= next_tick) {
      session_.Tick();
      next_tick = steady_clock::now() + kTick;
    } else {
      session_.Drain();
    }
  }
}

void CuptiControl::Execute(Command* command) {
  {
    std::lock_guard lock(mutex_);
    // A start that nobody waits for need not begin; a stop must be done all the same.
    if (command->is_start && command->is_abandoned) return;
    command->phase = Phase::kWorking;
    changed_.notify_all();
  }
  if (command->is_start) {
    ExecuteStart(command);
  } else {
    ExecuteStop(command);
  }
}

void CuptiControl::ExecuteStart(Command* command) {
  GpuState state = session_.Start(command->options);
  const bool is_available = state.available;
  bool is_abandoned = false;
  {
    std::lock_guard lock(mutex_);
    is_abandoned = command->is_abandoned;
    command->state = std::move(state);
    command->phase = Phase::kDone;
    changed_.notify_all();
  }
  if (!is_available) return;
  if (!is_abandoned) {
    ++active_count_;
  } else if (active_count_ == 0) {
    session_.Stop(true, false);
    session_.Take(0, {}, true);
  }
}

void CuptiControl::ExecuteStop(Command* command) {
  if (active_count_ == 0) return Advance(command, Phase::kDone);  // never started
  const bool is_last = --active_count_ == 0;
  if (command->synchronize) {
    Advance(command, Phase::kSynchronizing);
    session_.Synchronize();
  }
  {
    std::lock_guard lock(mutex_);
    command->is_last = is_last;
    command->phase = Phase::kFlushing;
    changed_.notify_all();
  }
  session_.Stop(is_last, command->synchronize);
  {
    std::lock_guard lock(mutex_);
    if (command->caller_takes) return;
    command->phase = Phase::kTaking;
    changed_.notify_all();
  }
  GpuRecords records = session_.Take(command->window_start_ns, command->since, is_last);
  std::lock_guard lock(mutex_);
  command->records = std::move(records);
  command->phase = Phase::kDone;
  changed_.notify_all();
}

}  // namespace opscope::gpu
