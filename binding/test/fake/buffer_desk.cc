#include "buffer_desk.h"

#include <unistd.h>

#include <algorithm>

namespace fakegpu {
namespace {
constexpr int64_t kSharedLane = 0, kWorkerLane = -1;
}  // namespace

void BufferDesk::SetCallbacks(RequestCallback request, CompleteCallback complete) {
  const std::lock_guard lock(mutex_);
  if (request_ != nullptr && (request_ != request || complete_ != complete)) {
    journal_.Violation("other buffer callbacks registered than in the session before");
  }
  request_ = request;
  complete_ = complete;
}
bool BufferDesk::HasCallbacks() const {
  const std::lock_guard lock(mutex_);
  return request_ != nullptr;
}
void BufferDesk::Configure(const Personality& personality, bool per_thread, bool client_zeroes) {
  const std::lock_guard lock(mutex_);
  personality_ = personality;
  per_thread_ = per_thread;
  client_zeroes_ = client_zeroes;
}
void BufferDesk::SetOddities(const BufferOddities& oddities) {
  const std::lock_guard lock(mutex_);
  oddities_ = oddities;
}
void BufferDesk::SetByteLimit(size_t bytes) {
  const std::lock_guard lock(mutex_);
  byte_limit_ = bytes;
}
void BufferDesk::SetCompletesOnWorker(bool on_worker) {
  const std::lock_guard lock(mutex_);
  completes_on_worker_ = on_worker;
}
void BufferDesk::Reset() {
  const std::lock_guard lock(mutex_);
  oddities_ = {};
  byte_limit_ = 0;
  completes_on_worker_ = true;
  drops_.clear();
}

BufferDesk::LaneState& BufferDesk::LaneOf(Lane lane) {
  const std::lock_guard lock(mutex_);
  return lanes_[lane == Lane::kWorker ? kWorkerLane : per_thread_ ? int64_t{gettid()} : kSharedLane];
}

void BufferDesk::Write(Lane which, const Record& record, bool is_open) {
  if (!HasCallbacks() || record.size() == 0) return;
  LaneState& lane = LaneOf(which);
  const std::lock_guard lock(lane.mutex);
  if (!Reserve(lane, record.size())) {
    AddDrops(nullptr, 1);
    return;
  }
  Buffer& buffer = lane.buffer;
  std::memcpy(buffer.bytes + buffer.used, record.bytes(), record.size());
  lane.last_record = buffer.used;
  lane.last_size = record.size();
  buffer.used += record.size();
  ++buffer.records;
  buffer.has_open_record |= is_open;
  ++journal_.records;
}

void BufferDesk::WriteGarbage(size_t bytes) {
  LaneState& lane = LaneOf(Lane::kCaller);
  const std::lock_guard lock(lane.mutex);
  if (!Reserve(lane, bytes)) return;
  std::memset(lane.buffer.bytes + lane.buffer.used, Record::kPoison, bytes);
  lane.buffer.used += bytes;
}

void BufferDesk::Duplicate() {
  LaneState& lane = LaneOf(Lane::kCaller);
  const std::lock_guard lock(lane.mutex);
  Buffer& buffer = lane.buffer;
  if (buffer.bytes == nullptr || lane.last_size == 0) return;
  std::vector<uint8_t> copy(buffer.bytes + lane.last_record,
                            buffer.bytes + lane.last_record + lane.last_size);
  if (!Reserve(lane, copy.size())) return;
  std::memcpy(buffer.bytes + buffer.used, copy.data(), copy.size());
  buffer.used += copy.size();
  ++buffer.records;
  ++journal_.records;
}

void BufferDesk::CompleteCaller(bool on_worker) {
  LaneState& lane = LaneOf(Lane::kCaller);
  const std::lock_guard lock(lane.mutex);
  if (lane.buffer.bytes != nullptr) Complete(lane, on_worker);
}

bool BufferDesk::Reserve(LaneState& lane, size_t bytes) {
  size_t limit;
  bool on_worker;
  {
    const std::lock_guard lock(mutex_);
    limit = byte_limit_ == 0 ? SIZE_MAX : std::max(byte_limit_, bytes);
    on_worker = completes_on_worker_;
  }
  Buffer& buffer = lane.buffer;
  if (buffer.bytes != nullptr) {
    const bool is_full = buffer.used + bytes > std::min(buffer.size, limit) ||
                         (buffer.max_records != 0 && buffer.records >= buffer.max_records);
    if (!is_full) return true;
    Complete(lane, on_worker);
  }
  return Request(buffer);
}

void BufferDesk::Complete(LaneState& lane, bool on_worker) {
  const Buffer buffer = lane.buffer;
  lane.buffer = {};
  lane.last_size = 0;
  size_t valid = buffer.used;
  bool twice = false;
  {
    const std::lock_guard lock(mutex_);
    if (oddities_.hold_until_disable || oddities_.hold_until_unsubscribe) {
      held_.push_back({buffer, oddities_.hold_until_unsubscribe});
      oddities_.hold_until_disable = oddities_.hold_until_unsubscribe = false;
      return;
    }
    valid -= std::min<size_t>(valid, oddities_.truncate_bytes);
    twice = oddities_.complete_twice;
    oddities_.truncate_bytes = 0;
    oddities_.complete_twice = false;
  }
  if (on_worker) {
    worker_.Post([this, buffer, valid, twice] { Return(buffer, valid, twice); });
  } else {
    Return(buffer, valid, twice);
  }
}

void BufferDesk::Return(const Buffer& buffer, size_t valid, bool twice) {
  {
    const std::lock_guard lock(mutex_);
    live_.erase(buffer.bytes);
  }
  CallComplete(buffer, valid);
  if (twice) CallComplete(buffer, valid);
}

void BufferDesk::Flush(bool forced) {
  std::vector<LaneState*> lanes;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [id, lane] : lanes_) lanes.push_back(&lane);
  }
  for (LaneState* lane : lanes) {
    const std::lock_guard lock(lane->mutex);
    const Buffer& buffer = lane->buffer;
    if (buffer.bytes == nullptr || buffer.used == 0 || (buffer.has_open_record && !forced)) continue;
    Complete(*lane, false);
  }
  worker_.Drain();
}

void BufferDesk::ReleaseHeld(bool for_unsubscribe) {
  const std::lock_guard lock(mutex_);
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->for_unsubscribe != for_unsubscribe) {
      ++held;
      continue;
    }
    worker_.Post([this, buffer = held->buffer] { Return(buffer, buffer.used, false); });
    held = held_.erase(held);
  }
}

uint64_t BufferDesk::LiveBufferCount() const {
  const std::lock_guard lock(mutex_);
  return live_.size();
}
void BufferDesk::AddDrops(const void* context, uint64_t count) {
  const std::lock_guard lock(mutex_);
  drops_[context] += count;
}
uint64_t BufferDesk::TakeDrops(const void* context) {
  const std::lock_guard lock(mutex_);
  const uint64_t count = drops_[context];
  drops_.erase(context);
  return count;
}
uint64_t BufferDesk::UnreadDrops() const {
  const std::lock_guard lock(mutex_);
  uint64_t sum = 0;
  for (const auto& [context, count] : drops_) sum += count;
  return sum;
}

}  // namespace fakegpu
