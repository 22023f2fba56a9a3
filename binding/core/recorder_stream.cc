// Records of sessions that go on: taken for their files, and for snapshots.
#include <unistd.h>

#include <algorithm>

#include "recorder.h"

namespace opscope {

namespace {

// 8 MiB of records, about as much again as packets: what a batch of a stream may hold.
constexpr size_t kStreamWords = 1u << 20;

}  // namespace

Status Recorder::TakeSnapshot(int id, MergeInput* input) {
  std::lock_guard lock(mutex_);
  Session* session = Find(id);
  if (session == nullptr) return Status::Error(Code::kNoSession, "no such session");
  AddClockPoint();
  const uint64_t now = clock_points_.back().ticks;
  Session window = *session;
  window.stop_ticks = now;
  if (window.is_paused) window.pauses.back().second = now;
  FillInput(window, input);
  session->snapshots.push_back(input->session.start_ticks);
  return Status::Ok();
}

void Recorder::ReleaseSnapshot(int id, uint64_t start_ticks) {
  std::lock_guard lock(mutex_);
  Session* session = FindAny(id);
  if (session == nullptr) return;
  const auto at = std::find(session->snapshots.begin(), session->snapshots.end(), start_ticks);
  if (at != session->snapshots.end()) session->snapshots.erase(at);
  // It was stopped meanwhile, and waited for us.
  if (session->is_released && session->snapshots.empty()) return ReleaseLocked(session->id);
  Reclaim();
}

Status Recorder::TakeStream(int id, StreamBatch* batch) {
  std::lock_guard lock(mutex_);
  Session* session = FindAny(id);
  if (session == nullptr || session->stream == nullptr)
    return Status::Error(Code::kNoSession, "no such session");
  return TakeStreamLocked(session, kStreamWords, batch);
}

Status Recorder::CutStream(int id, StreamBatch* batch) {
  std::lock_guard lock(mutex_);
  Session* session = Find(id);
  if (session == nullptr || session->stream == nullptr)
    return Status::Error(Code::kNoSession, "no such session");
  AddClockPoint();
  const ClockPoint cut = clock_points_.back();
  // A begin that read the clock before the cut is published before it is taken.
  Quiesce();
  // All of it: what lies beyond a batch would be in neither file.
  Status status = TakeStreamLocked(session, SIZE_MAX, batch);
  // Windows hold both their ends, and the next one has the cut itself.
  batch->session.stop_ticks = cut.ticks - 1;
  if (batch->session.is_paused) batch->session.pauses.back().second = batch->session.stop_ticks;
  session->snapshots.push_back(session->start_ticks);
  Restart(session, cut);
  return status;
}

Status Recorder::TakeStreamLocked(Session* owner, size_t room, StreamBatch* batch) {
  const Session& session = *owner;
  StreamPlace& place = *session.stream;
  batch->is_first = place.reset_count != session.reset_count;
  if (batch->is_first) {
    place = {};
    place.reset_count = session.reset_count;
  }
  batch->has_more = false;
  batch->logs.clear();
  for (const auto& log : logs_) {
    const Chunk* chunk = log->first.load(std::memory_order_acquire);
    const uint32_t unseen = log->control().unseen_brackets.load(std::memory_order_relaxed);
    if (chunk == nullptr && unseen == 0) continue;
    const auto [at, is_new] = place.logs.try_emplace(log->id());
    StreamPlace::Cursor& cursor = at->second;
    if (is_new) cursor.index = place.next_index++;
    if (cursor.chunk == nullptr && chunk != nullptr) {
      // All of a chunk is older than the beginning of the next one.
      for (const Chunk* next = chunk->next.load(std::memory_order_acquire);
           next != nullptr && next->first_ticks < session.start_ticks;
           next = chunk->next.load(std::memory_order_acquire))
        chunk = next;
      cursor.chunk = chunk;
    }
    StreamBatch::Log taken;
    taken.id = log->id();
    taken.index = cursor.index;
    taken.os_thread_id = log->os_thread_id;
    taken.js_thread_id = log->js_thread_id;
    taken.thread_name = log->thread_name;
    taken.unseen_brackets = unseen;
    taken.next = cursor;
    while (taken.next.chunk != nullptr) {
      if (room == 0) {
        batch->has_more = true;
        break;
      }
      // Read before `used`: with a successor, what is published is all there will be.
      const Chunk* next = taken.next.chunk->next.load(std::memory_order_acquire);
      const LogPiece piece = PieceOf(*taken.next.chunk, taken.next.at);
      if (piece.count != 0) taken.pieces.push_back(piece);
      taken.next.at += piece.count;
      room -= std::min<size_t>(room, piece.count);
      if (next == nullptr) break;
      taken.next.chunk = next;
      taken.next.at = 0;
    }
    batch->logs.push_back(std::move(taken));
  }
  // After what was taken, so that the map need not extrapolate.
  if (session.stop_ticks == UINT64_MAX) AddClockPoint();
  batch->session = session;
  batch->clock_points = clock_points_;
  batch->counts = CountsLocked() - session.counts_at_start;
  batch->first_name = place.name_count;
  batch->names = names_.EntriesFrom(place.name_count);
  batch->process_id = getpid();
  return Status::Ok();
}

void Recorder::ReleaseStream(int id, const StreamBatch& batch) {
  std::lock_guard lock(mutex_);
  const Session* session = FindAny(id);
  if (session == nullptr || session->reset_count != batch.session.reset_count) return;
  StreamPlace& place = *session->stream;
  for (const StreamBatch::Log& log : batch.logs) place.logs[log.id] = log.next;
  place.name_count = batch.first_name + batch.names.size();
  const size_t wanted = session->options.recycle_bytes;
  if (session->options.is_recycled &&
      pool_->used_bytes() >= (wanted == 0 ? pool_->total_bytes() / 2 : wanted))
    Reclaim();
}

void Recorder::MarkPartial(int id) {
  std::lock_guard lock(mutex_);
  for (const auto& session : sessions_) session->is_partial |= session->id == id;
}

bool Recorder::IsPartial(int id) const {
  std::lock_guard lock(mutex_);
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [id](const auto& session) { return session->id == id && session->is_partial; });
}

}  // namespace opscope
