#include "recorder.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "gpu_source.h"

namespace opscope {

namespace {

constexpr size_t kDefaultPoolBytes = 256u << 20;  // 1e7 op spans at 24 B
// Touched ahead of use: at 40 M spans/s a thread fills 15 chunks a millisecond.
constexpr size_t kReadyChunks = 32;
// A clock point a second keeps interpolation within 10 ns; beyond this many
// every second one is dropped, so a month-long session stays small.
constexpr size_t kMaxClockPoints = 4096;

long Membarrier(int command) noexcept { return syscall(__NR_membarrier, command, 0u, 0); }

uint64_t RandomBits() noexcept {
  uint64_t bits = 0;
  if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != static_cast<ssize_t>(sizeof(bits)))
    bits = MonotonicNs() * 0x9E3779B97F4A7C15u;
  return bits;
}

}  // namespace

RecorderCounts RecorderCounts::operator-(const RecorderCounts& other) const noexcept {
  return {dropped_spans - other.dropped_spans,   dropped_details - other.dropped_details,
          unmatched_ends - other.unmatched_ends, disordered_ends - other.disordered_ends,
          foreign_ends - other.foreign_ends,     unmatched_releases - other.unmatched_releases,
          names_changed - other.names_changed,   names_overflowed - other.names_overflowed};
}

thread_local ThreadLog* Recorder::t_log_ = nullptr;
std::atomic<uint32_t> Recorder::g_gate_{0};

// Lives as long as its thread; what the thread recorded outlives both.
struct LogOwner {
  ThreadLog* log = nullptr;
  ~LogOwner() {
    if (log == nullptr) return;
    Recorder::t_log_ = nullptr;
    log->ExitTo(0);
    log->is_dead.store(true, std::memory_order_release);
  }
};

Recorder& Recorder::Get() {
  static Recorder* const recorder = new Recorder;
  return *recorder;
}

Recorder::Recorder() : pool_(std::make_unique<ChunkPool>(kDefaultPoolBytes)), span_id_seed_(RandomBits()) {
  InitClock();
  can_membarrier_ = Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
  pthread_atfork(nullptr, nullptr, &DisableInForkedChild);
}

// The child has one thread, a copy of the gates and maybe a locked mutex: it
// must not record. exec gives it a fresh start.
void Recorder::DisableInForkedChild() {
  g_gate_.store(0, std::memory_order_relaxed);
  for (const auto& log : Get().logs_) log->control().gate.store(0, std::memory_order_relaxed);
}

ThreadLog& Recorder::CreateCurrentLog() noexcept {
  thread_local LogOwner owner;
  owner.log = Get().AddLog();
  t_log_ = owner.log;
  return *owner.log;
}

ThreadLog* Recorder::AddLog() {
  std::lock_guard lock(mutex_);
  // The upper bits are the process's, the middle ones the thread's, and the
  // lower 33 count its spans.
  constexpr uint64_t kCountBits = 33;
  const uint64_t process_bits = span_id_seed_ & ~((uint64_t{1} << ThreadLog::kSpanNumberBits) - 1);
  const uint64_t thread_bits = ((span_id_seed_ + next_log_id_ * 0x9E3779B97F4A7C15u) >> 20 << kCountBits) &
                               ((uint64_t{1} << ThreadLog::kSpanNumberBits) - 1);
  auto log = std::make_unique<ThreadLog>(next_log_id_++, pool_.get(), process_bits | thread_bits);
  log->os_thread_id = static_cast<int64_t>(syscall(SYS_gettid));
  char name[16] = "";
  if (pthread_getname_np(pthread_self(), name, sizeof(name)) == 0) log->thread_name = name;
  logs_.push_back(std::move(log));
  ApplyGate();
  return logs_.back().get();
}

bool Recorder::SetPoolBytes(size_t bytes) {
  std::lock_guard lock(mutex_);
  if (bytes / Chunk::kBytes == pool_->total_bytes() / Chunk::kBytes) return true;
  if (!sessions_.empty()) return false;
  // Logs keep their current chunk for the life of their thread.
  for (const auto& log : logs_) {
    if (log->first.load(std::memory_order_acquire) != nullptr) return false;
  }
  auto pool = std::make_unique<ChunkPool>(bytes);
  if (pool->total_bytes() == 0) return false;
  pool_ = std::move(pool);
  for (const auto& log : logs_) log->UsePool(pool_.get());
  return true;
}

void Recorder::ApplyGate() {
  uint32_t gate = 0;
  uint32_t detail = 0, exact = 0;
  for (const auto& session : sessions_) {
    if (session->stop_ticks != UINT64_MAX) continue;
    // Also in a pause: what ran before it may go on after it.
    exact |= session->options.is_exact ? 1u : 0u;
    if (session->is_paused) continue;
    gate |= session->options.category_mask;
    detail |= session->options.is_detailed ? 1u : 0u;
  }
  gate &= (1u << kCategoryCount) - 1;
  g_gate_.store(gate, std::memory_order_relaxed);
  for (const auto& log : logs_) {
    log->control().detail.store(detail, std::memory_order_relaxed);
    log->control().exact.store(exact, std::memory_order_relaxed);
    log->control().gate.store(gate, std::memory_order_relaxed);
  }
}

// After a gate was narrowed: waits until no thread is still writing a record
// for which it saw the gate open. A thread marks itself busy, then reads the
// gate; here the gate is written, then busy is read. Such a pair needs a full
// fence on both sides; membarrier puts both on this, the rare, side.
void Recorder::Quiesce() {
  if (!can_membarrier_ || Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) {
    // Without it a store may linger in a store buffer; those drain within
    // microseconds, so a late record is possible in theory only.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  for (const auto& log : logs_) {
    while (log->IsBusy()) std::this_thread::yield();
  }
}

void Recorder::AddCounts(const LogCounts& counts, RecorderCounts* sum) noexcept {
  sum->dropped_spans += counts.dropped_spans.load(std::memory_order_relaxed);
  sum->dropped_details += counts.dropped_details.load(std::memory_order_relaxed);
  sum->unmatched_ends += counts.unmatched_ends.load(std::memory_order_relaxed);
  sum->disordered_ends += counts.disordered_ends.load(std::memory_order_relaxed);
  sum->foreign_ends += counts.foreign_ends.load(std::memory_order_relaxed);
  sum->unmatched_releases += counts.unmatched_releases.load(std::memory_order_relaxed);
}

RecorderCounts Recorder::CountsLocked() const {
  RecorderCounts sum = gone_;
  for (const auto& log : logs_) {
    AddCounts(log->counts(), &sum);
  }
  sum.names_changed = names_.changed_count();
  sum.names_overflowed = names_.overflow_count();
  return sum;
}

RecorderCounts Recorder::Counts() const {
  std::lock_guard lock(mutex_);
  return CountsLocked();
}

Session* Recorder::Find(int id) {
  for (const auto& session : sessions_) {
    if (session->id == id && session->stop_ticks == UINT64_MAX) return session.get();
  }
  return nullptr;
}

Session* Recorder::FindAny(int id) {
  for (const auto& session : sessions_) {
    if (session->id == id) return session.get();
  }
  return nullptr;
}

void Recorder::AddClockPoint() {
  if (clock_points_.size() >= kMaxClockPoints) {
    size_t kept = 1;
    for (size_t i = 2; i < clock_points_.size(); i += 2) clock_points_[kept++] = clock_points_[i];
    clock_points_.resize(kept);
  }
  clock_points_.push_back(ReadClockPoint());
}

int Recorder::StartSession(const SessionOptions& options) {
  std::lock_guard lock(mutex_);
  pool_->TouchAhead(kReadyChunks);
  if (sessions_.empty()) clock_points_.clear();
  auto session = std::make_unique<Session>();
  session->id = next_session_id_++;
  session->options = options;
  session->is_paused = options.is_paused;
  if (options.is_streamed) session->stream = std::make_shared<StreamPlace>();
  session->counts_at_start = CountsLocked();
  AddClockPoint();
  session->start_epoch_ns =
      static_cast<int64_t>(RealtimeNs()) - static_cast<int64_t>(MonotonicNs() - clock_points_.back().ns);
  session->start_ticks = clock_points_.back().ticks;
  if (session->is_paused) session->pauses.emplace_back(session->start_ticks, UINT64_MAX);
  const int id = session->id;
  sessions_.push_back(std::move(session));
  // The counter may be read a few ns before the gate it follows: stay clear of the start.
  const uint64_t open_ns = MonotonicNs() + 1000;
  while (MonotonicNs() < open_ns) {
  }
  ApplyGate();
  if (!is_control_running_) {
    is_control_running_ = true;
    std::thread([this] { RunControlThread(); }).detach();
  }
  return id;
}

Status Recorder::PauseSession(int id) {
  std::lock_guard lock(mutex_);
  Session* session = Find(id);
  if (session == nullptr) return Status::Error(Code::kNoSession, "no such session");
  if (session->is_paused) return Status::Ok();
  session->is_paused = true;
  ApplyGate();
  Quiesce();
  session->pauses.emplace_back(ReadTicks(), UINT64_MAX);
  // Its end may come in the pause, which records nothing.
  for (const auto& log : logs_) {
    if (log->control().unseen_brackets.load(std::memory_order_relaxed) == 0) continue;
    session->unseen_until.push_back(session->pauses.back().first);
    break;
  }
  return Status::Ok();
}

Status Recorder::ResumeSession(int id) {
  std::lock_guard lock(mutex_);
  Session* session = Find(id);
  if (session == nullptr) return Status::Error(Code::kNoSession, "no such session");
  if (!session->is_paused) return Status::Ok();
  session->is_paused = false;
  session->pauses.back().second = ReadTicks();
  const uint64_t open_ns = MonotonicNs() + 1000;
  while (MonotonicNs() < open_ns) {
  }
  ApplyGate();
  return Status::Ok();
}

Status Recorder::ResetSession(int id) {
  std::lock_guard lock(mutex_);
  Session* session = Find(id);
  if (session == nullptr) return Status::Error(Code::kNoSession, "no such session");
  AddClockPoint();
  Restart(session, clock_points_.back());
  Reclaim();
  return Status::Ok();
}

void Recorder::Restart(Session* session, const ClockPoint& now) {
  session->start_ticks = now.ticks;
  session->start_epoch_ns = static_cast<int64_t>(RealtimeNs()) - static_cast<int64_t>(MonotonicNs() - now.ns);
  session->counts_at_start = CountsLocked();
  ++session->reset_count;
  session->is_partial = false;
  session->forgotten_ticks = 0;
  if (session->is_paused) {
    session->pauses.assign(1, {now.ticks, UINT64_MAX});
  } else {
    session->pauses.clear();
  }
}

Status Recorder::StopSession(int id, MergeInput* input) {
  std::lock_guard lock(mutex_);
  Session* session = Find(id);
  if (session == nullptr) return Status::Error(Code::kNoSession, "no such session");
  session->stop_ticks = 0;  // out of the gate
  ApplyGate();
  Quiesce();
  AddClockPoint();
  session->stop_ticks = clock_points_.back().ticks;
  if (session->is_paused) session->pauses.back().second = session->stop_ticks;
  FillInput(*session, input);
  return Status::Ok();
}

// The window begins where WindowStart says; it ends where the session does.
void Recorder::FillInput(const Session& session, MergeInput* input) const {
  input->session = session;
  input->clock_points = clock_points_;
  if (const uint64_t start = WindowStart(session); start != session.start_ticks) {
    ClockMap clock(clock_points_);
    input->session.start_epoch_ns += clock.Map(start) - clock.Map(session.start_ticks);
    input->session.start_ticks = start;
  }
  input->counts = CountsLocked() - session.counts_at_start;
  input->names = names_.Entries();
  input->process_id = getpid();
  input->logs.clear();
  for (const auto& log : logs_) {
    LogSnapshot snapshot;
    for (const Chunk* chunk = log->first.load(std::memory_order_acquire); chunk != nullptr;) {
      const Chunk* next = chunk->next.load(std::memory_order_acquire);
      snapshot.pieces.push_back(PieceOf(*chunk, 0));
      chunk = next;
    }
    const uint32_t unseen = log->control().unseen_brackets.load(std::memory_order_relaxed);
    if (snapshot.pieces.empty() && unseen == 0) continue;
    snapshot.os_thread_id = log->os_thread_id;
    snapshot.js_thread_id = log->js_thread_id;
    snapshot.thread_name = log->thread_name;
    snapshot.unseen_brackets = unseen;
    input->logs.push_back(std::move(snapshot));
  }
}

void Recorder::ReleaseSession(int id) {
  std::lock_guard lock(mutex_);
  Session* session = FindAny(id);
  if (session == nullptr) return;
  session->is_released = true;
  if (session->snapshots.empty()) ReleaseLocked(id);
}

void Recorder::ReleaseLocked(int id) {
  std::erase_if(sessions_, [id](const auto& session) { return session->id == id; });
  Reclaim();
  if (sessions_.empty()) control_wakeup_.notify_all();
}

size_t Recorder::session_count() const {
  std::lock_guard lock(mutex_);
  return sessions_.size();
}

void Recorder::NameThread(ThreadLog* log, const std::string& name, int32_t js_thread_id) {
  std::lock_guard lock(mutex_);
  log->thread_name = name;
  log->js_thread_id = js_thread_id;
}

// Touches memory ahead of the producers and keeps the clock calibrated. Ends
// with the last session, so that an idle process has no thread of ours.
void Recorder::RunControlThread() {
  pthread_setname_np(pthread_self(), "opscope");
  std::unique_lock lock(mutex_);
  auto next_point = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  auto wait = std::chrono::milliseconds(20);
  while (!sessions_.empty()) {
    control_wakeup_.wait_for(lock, wait);
    lock.unlock();
    // Many were used since: look again soon.
    wait = pool_->TouchAhead(kReadyChunks) > kReadyChunks / 4 ? std::chrono::milliseconds(1)
                                                              : std::chrono::milliseconds(20);
    lock.lock();
    const bool has_moving = std::any_of(sessions_.begin(), sessions_.end(),
                                        [](const auto& session) { return session->options.is_moving; });
    while (has_moving && pool_->used_bytes() >= pool_->total_bytes() / 4 * 3 && ForgetOldest()) {
    }
    if (std::chrono::steady_clock::now() < next_point) continue;
    AddClockPoint();
    next_point += std::chrono::seconds(1);
    if (!has_moving) continue;
    Reclaim();
    TrimGpu(&lock);
  }
  pool_->TrimReady(kReadyChunks);
  is_control_running_ = false;
}

}  // namespace opscope
