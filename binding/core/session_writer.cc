#include "session_writer.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "recorder.h"

namespace opscope {

namespace {

// A GPU session keeps some 200 bytes a row: from here on, 200 MB, what is in the file is forgotten.
constexpr size_t kKeptGpuRows = 1u << 20;

// exit() must come to its end: a disk that hangs may keep it no longer than this.
constexpr std::chrono::seconds kExitPatience{2};

// All writers of the process, for exit(). Never destroyed, as exit() may come late.
// A flag, not a mutex: exit() may be called from anywhere, and must not wait for itself.
struct Writers {
  const pid_t process = getpid();
  std::atomic_flag is_busy;
  std::vector<SessionWriter*> all;

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
      for (SessionWriter* writer : own.all) static_cast<void>(writer->Flush());
      own.is_busy.clear(std::memory_order_release);
    });
    return new Writers;
  }();
  return *writers;
}

}  // namespace

SessionWriter::SessionWriter(int session, std::unique_ptr<StreamSink> sink,
                             const SessionWriterOptions& options)
    : session_(session), options_(options), sink_(std::move(sink)) {
  AllWriters().Do([this](std::vector<SessionWriter*>* all) { all->push_back(this); });
  // The program's signals are for its own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

SessionWriter::~SessionWriter() {
  Halt();
  AllWriters().Do([this](std::vector<SessionWriter*>* all) { std::erase(*all, this); });
}

void SessionWriter::Halt() {
  {
    std::lock_guard lock(halt_mutex_);
    is_halted_ = true;
  }
  halt_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SessionWriter::Run() {
  pthread_setname_np(pthread_self(), "opscope-writer");
  std::unique_lock lock(halt_mutex_);
  auto next = std::chrono::steady_clock::now();
  do {
    lock.unlock();
    static_cast<void>(Flush());
    lock.lock();
    // No burst of flushes after one that took long.
    next = std::max(next + options_.interval, std::chrono::steady_clock::now());
  } while (!halt_.wait_until(lock, next, [this] { return is_halted_; }));
}

bool SessionWriter::BeginFlush(std::chrono::milliseconds patience) {
  std::unique_lock lock(flush_mutex_);
  if (!flushed_.wait_for(lock, patience, [this] { return !is_flushing_; })) return false;
  is_flushing_ = true;
  return true;
}

void SessionWriter::EndFlush() {
  {
    std::lock_guard lock(flush_mutex_);
    is_flushing_ = false;
  }
  flushed_.notify_all();
}

Status SessionWriter::Flush() {
  if (!BeginFlush(kExitPatience)) return Status::Error(Code::kFileWrite, "another flush takes too long");
  Status status = DoFlush(nullptr);
  EndFlush();
  return status;
}

Status SessionWriter::Finish(const GpuRecords& gpu) {
  Halt();
  // The last of the others ends by itself.
  while (!BeginFlush(kExitPatience)) {
  }
  Status status = DoFlush(&gpu);
  EndFlush();
  return status;
}

Status SessionWriter::DoFlush(const GpuRecords* last) try {
  Recorder& recorder = Recorder::Get();
  StreamBatch batch;
  do {
    // What was not written is not given up, and not added to without end.
    if (last == nullptr && !status_.ok()) {
      status_ = sink_->Flush();
      if (!status_.ok()) return status_;
    }
    if (Status taken = recorder.TakeStream(session_, &batch); !taken.ok()) return taken;
    GpuRecords gpu;
    const bool is_final = last != nullptr && !batch.has_more;
    if (last == nullptr && options_.gpu != nullptr) {
      const bool may_forget = options_.may_forget && recorder.session_count() == 1;
      gpu = options_.gpu->TakeNew(&place_, may_forget ? kKeptGpuRows : SIZE_MAX);
      if (place_.has_forgotten) recorder.MarkPartial(session_);
    }
    sink_->Add(batch, is_final ? *last : gpu);
    recorder.ReleaseStream(session_, batch);
    status_ = sink_->Flush();
  } while (batch.has_more && (last != nullptr || status_.ok()));
  const bool is_full = last == nullptr && status_.ok() && options_.rotation != nullptr &&
                       options_.rotation->IsFull(sink_->bytes());
  return is_full ? Rotate() : status_;
} catch (const std::bad_alloc&) {
  status_ = Status::Error(Code::kOutOfMemory, "not enough memory to write the records");
  return status_;
}

// The session starts anew at a moment of its own choice, in the next file. Spans
// that are open then stay unfinished in the older one.
Status SessionWriter::Rotate() {
  std::unique_ptr<StreamSink> next = options_.rotation->Open();
  if (next == nullptr) return status_;
  StreamBatch batch;
  if (Status cut = Recorder::Get().CutStream(session_, &batch); !cut.ok()) return cut;
  GpuRecords gpu;
  if (options_.gpu != nullptr) gpu = options_.gpu->TakeNew(&place_, SIZE_MAX);
  sink_->Add(batch, gpu);
  Recorder::Get().ReleaseSnapshot(session_, batch.session.start_ticks);
  status_ = sink_->Flush();
  options_.rotation->Swap();
  sink_ = std::move(next);
  ++rotated_count_;
  return status_;
}

}  // namespace opscope
