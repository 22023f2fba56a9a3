// The one recorder of the process: all thread logs, the gate, the sessions.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chunk_pool.h"
#include "log_stream.h"
#include "names.h"
#include "session.h"
#include "status.h"
#include "thread_log.h"

namespace opscope {

// Thread-safe. Created at first use and never destroyed: threads may record
// until the process ends. A mutex guards the lists; recording takes it only
// for a thread's first span.
//
// Membership is exact. Shutting the gate is followed by Quiesce(), which waits
// until every thread that saw it open has published its record; only then is
// the stop time read. Opening reads the start time first. So every begin that
// saw an open gate lies inside the window, finished, unfinished or counted as
// dropped.
class Recorder {
 public:
  static Recorder& Get();

  // This thread's log, created on first call. Never null.
  static ThreadLog& CurrentLog() noexcept {
    ThreadLog* log = t_log_;
    return log != nullptr ? *log : CreateCurrentLog();
  }
  static ThreadLog* CurrentLogOrNull() noexcept { return t_log_; }
  // The OR of all gates: a thread without a log tests this first.
  static uint32_t gate() noexcept { return g_gate_.load(std::memory_order_relaxed); }

  // For addons of other makers, which see a plain word.
  static const uint32_t* gate_address() noexcept {
    static_assert(sizeof(g_gate_) == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free);
    return reinterpret_cast<const uint32_t*>(&g_gate_);
  }

  NameTable& names() noexcept { return names_; }
  ChunkPool& pool() noexcept { return *pool_; }
  // Before the first record only: false when memory is already in use.
  bool SetPoolBytes(size_t bytes);

  int StartSession(const SessionOptions& options);
  Status PauseSession(int id);
  Status ResumeSession(int id);
  // Forgets what the session recorded so far; it goes on recording.
  Status ResetSession(int id);
  // Ends the window. The chunks stay pinned until ReleaseSession(id).
  Status StopSession(int id, MergeInput* input);
  void ReleaseSession(int id);

  // The window up to now, while the session goes on. What it needs stays pinned
  // until ReleaseSnapshot with the start of the input's session.
  Status TakeSnapshot(int id, MergeInput* input);
  void ReleaseSnapshot(int id, uint64_t start_ticks);

  // What a streamed session (SessionOptions::is_streamed) recorded since its last
  // batch, up to now or to its stop. One thread at a time for a session.
  Status TakeStream(int id, StreamBatch* batch);
  // The batch was taken over. When memory runs low, chunks that no session needs
  // any more are given back, and the session becomes partial.
  void ReleaseStream(int id, const StreamBatch& batch);
  // The last batch of a stream, up to a moment at which the session starts anew:
  // each begin lies on one side of it. The batch's session has stopped there; it is
  // pinned as a snapshot is.
  Status CutStream(int id, StreamBatch* batch);
  // What was taken is not to be had again.
  void MarkPartial(int id);
  bool IsPartial(int id) const;
  size_t session_count() const;

  RecorderCounts Counts() const;
  void NameThread(ThreadLog* log, const std::string& name, int32_t js_thread_id);

 private:
  Recorder();
  // Initial-exec where the loader allows it: 2 ns less per call than the general model.
#if defined(__GLIBC__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  __attribute__((tls_model("initial-exec")))
#endif
  static thread_local ThreadLog* t_log_;
  static std::atomic<uint32_t> g_gate_;

  static ThreadLog& CreateCurrentLog() noexcept;
  ThreadLog* AddLog();
  friend struct LogOwner;  // marks a log dead when its thread ends

  // The mutex is held by the caller of all below.
  void ApplyGate();
  void Quiesce();
  static void AddCounts(const LogCounts& counts, RecorderCounts* sum) noexcept;
  RecorderCounts CountsLocked() const;
  Session* Find(int id);
  void Reclaim();
  bool CanGive(const ThreadLog& log, const Chunk* chunk, const Chunk* next);
  void AddClockPoint();
  void FillInput(const Session& session, MergeInput* input) const;
  Status TakeStreamLocked(Session* session, size_t room_words, StreamBatch* batch);
  void Restart(Session* session, const ClockPoint& now);
  Session* FindAny(int id);
  void ReleaseLocked(int id);
  uint64_t WindowStart(const Session& session) const;
  uint64_t NeededFrom(const Session& session) const;
  bool ForgetOldest();
  void RunControlThread();
  void TrimGpu(std::unique_lock<std::mutex>* lock);
  static void DisableInForkedChild();

  mutable std::mutex mutex_;
  std::unique_ptr<ChunkPool> pool_;
  NameTable names_;
  std::vector<std::unique_ptr<ThreadLog>> logs_;
  std::vector<std::unique_ptr<Session>> sessions_;  // recording, then merging
  RecorderCounts gone_;                             // of logs that were deleted
  std::vector<ClockPoint> clock_points_;
  uint64_t span_id_seed_;
  uint32_t next_log_id_ = 1;
  int next_session_id_ = 1;
  bool can_membarrier_ = false;

  std::condition_variable control_wakeup_;
  bool is_control_running_ = false;
};

}  // namespace opscope
