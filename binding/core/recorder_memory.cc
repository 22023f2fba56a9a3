// Which memory of the logs is still wanted, and what becomes of the rest.
#include <algorithm>

#include "gpu_source.h"
#include "record.h"
#include "recorder.h"

namespace opscope {

namespace {

// Of a chunk whose thread has ended; 0: it is empty.
uint64_t LastTicks(const Chunk& chunk) noexcept {
  const LogPiece piece = PieceOf(chunk, 0);
  uint64_t last = 0;
  for (uint32_t at = 0; at < piece.count; at += RecordWords(piece.words + at))
    last = TicksOf(piece.words[at]);
  return last;
}

}  // namespace

// Where the window of a session begins by now.
uint64_t Recorder::WindowStart(const Session& session) const {
  uint64_t start = std::max(session.start_ticks, session.forgotten_ticks);
  const ClockPoint &first = clock_points_.front(), &last = clock_points_.back();
  if (session.options.keep_ns == 0 || last.ns <= first.ns) return start;
  const double ticks_per_ns =
      static_cast<double>(last.ticks - first.ticks) / static_cast<double>(last.ns - first.ns);
  const uint64_t now = session.stop_ticks == UINT64_MAX ? ReadTicks() : session.stop_ticks;
  const auto kept = static_cast<uint64_t>(ticks_per_ns * static_cast<double>(session.options.keep_ns));
  return std::max(start, now > kept ? now - kept : 0);
}

// No record before this is wanted by the session or by a merge of it.
uint64_t Recorder::NeededFrom(const Session& session) const {
  uint64_t from = WindowStart(session);
  for (const uint64_t start : session.snapshots) from = std::min(from, start);
  return from;
}

// Forgets the oldest chunk that only moving windows want. False when there is none.
bool Recorder::ForgetOldest() {
  uint64_t oldest = UINT64_MAX;
  for (const auto& log : logs_) {
    const Chunk* chunk = log->first.load(std::memory_order_acquire);
    const Chunk* next = chunk == nullptr ? nullptr : chunk->next.load(std::memory_order_acquire);
    if (next != nullptr) oldest = std::min(oldest, next->first_ticks);
  }
  if (oldest == UINT64_MAX) return false;
  const auto may_move = [](const Session& session) {
    return session.options.is_moving && session.stop_ticks == UINT64_MAX && session.snapshots.empty();
  };
  for (const auto& session : sessions_) {
    if (oldest > NeededFrom(*session) && !may_move(*session)) return false;
  }
  for (const auto& session : sessions_) {
    if (oldest > NeededFrom(*session)) session->forgotten_ticks = oldest;
  }
  const size_t before = pool_->used_bytes();
  Reclaim();
  return pool_->used_bytes() < before;
}

// Whether no session can want the chunk, whose successor is `next`; null: its
// thread has ended.
bool Recorder::CanGive(const ThreadLog& log, const Chunk* chunk, const Chunk* next) {
  for (const auto& session : sessions_) {
    const bool is_in_window = next == nullptr ? LastTicks(*chunk) >= NeededFrom(*session)
                                              : next->first_ticks > NeededFrom(*session);
    const bool is_recycled =
        session->options.is_recycled && session->stop_ticks == UINT64_MAX && session->snapshots.empty();
    if (is_in_window && !is_recycled) return false;
    if (session->stream == nullptr || session->stop_ticks != UINT64_MAX) continue;
    const auto at = session->stream->logs.find(log.id());
    const bool is_known = at != session->stream->logs.end() && at->second.chunk != nullptr;
    if (!is_known && is_in_window) return false;
    // A stream walks the chunks in their order: this one, or it has come to a later one.
    if (!is_known || at->second.chunk != chunk) continue;
    if (next != nullptr || at->second.at < chunk->used.load(std::memory_order_acquire)) return false;
  }
  return true;
}

// Gives back the chunks that no session can want: those whose successor began
// before every window, those that every stream has left, and the last one of a
// thread that has ended.
void Recorder::Reclaim() {
  std::erase_if(logs_, [&](const std::unique_ptr<ThreadLog>& log) {
    const bool is_dead = log->is_dead.load(std::memory_order_acquire);
    Chunk* chunk = log->first.load(std::memory_order_acquire);
    while (chunk != nullptr) {
      Chunk* next = chunk->next.load(std::memory_order_acquire);
      if ((next == nullptr && !is_dead) || !CanGive(*log, chunk, next)) break;
      for (const auto& session : sessions_)
        session->is_partial |= next == nullptr || next->first_ticks > NeededFrom(*session);
      pool_->Give(chunk);
      chunk = next;
    }
    log->first.store(chunk, std::memory_order_release);
    if (!is_dead || chunk != nullptr) return false;
    for (const auto& session : sessions_) {
      if (session->stream != nullptr) session->stream->logs.erase(log->id());
    }
    AddCounts(log->counts(), &gone_);
    return true;
  });
}

// Rows of the GPU grow old too. Not where a session needs them all.
void Recorder::TrimGpu(std::unique_lock<std::mutex>* lock) {
  if (sessions_.size() != 1 || sessions_.front()->options.gpu_to_trim == nullptr) return;
  GpuSource* gpu = sessions_.front()->options.gpu_to_trim;
  ClockMap clock(clock_points_);
  const int64_t from_ns =
      static_cast<int64_t>(clock_points_.front().ns) + clock.Map(NeededFrom(*sessions_.front()));
  lock->unlock();
  gpu->ForgetBefore(from_ns);
  lock->lock();
}

}  // namespace opscope
