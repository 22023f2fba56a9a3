#include "slow_spans.h"

#include <algorithm>

#include "record.h"

namespace opscope {

namespace {

constexpr uint32_t kLookedAt = 1u << static_cast<uint32_t>(Category::kSection) |
                               1u << static_cast<uint32_t>(Category::kInference) |
                               1u << static_cast<uint32_t>(Category::kRequest);

}  // namespace

void SlowSpans::Add(const StreamBatch& batch, const GpuRecords&) {
  if (batch.is_first) {
    threads_.clear();
    live_.clear();
    names_.clear();
  }
  for (const NameEntry& name : batch.names) names_.push_back(name.text);
  const ClockPoint &first = batch.clock_points.front(), &last = batch.clock_points.back();
  if (last.ticks > first.ticks)
    ns_per_tick_ = static_cast<double>(last.ns - first.ns) / static_cast<double>(last.ticks - first.ticks);
  for (const StreamBatch::Log& log : batch.logs) {
    if (threads_.size() <= log.index) threads_.resize(log.index + 1);
    Thread& thread = threads_[log.index];
    for (const LogPiece& piece : log.pieces) {
      if (!thread.is_known) thread.stack.assign(piece.open_at_start, {0, 0, 0, true});
      thread.is_known = true;
      const uint64_t* const end = piece.words + piece.count;
      for (const uint64_t* record = piece.words; record < end; record += RecordWords(record))
        Read(&thread, record, batch.session);
    }
  }
  // What hangs has no end to be seen.
  for (auto& [id, open] : live_) {
    if (open.is_told) continue;
    open.is_told =
        last.ticks > open.start_ticks && static_cast<double>(last.ticks - open.start_ticks) * ns_per_tick_ >=
                                             static_cast<double>(threshold_ns_);
    if (open.is_told) Look({open.start_ticks, open.name, id, false}, last.ticks);
  }
}

void SlowSpans::Read(Thread* thread, const uint64_t* record, const Session& session) {
  const uint64_t ticks = TicksOf(record[0]);
  std::vector<Open>& stack = thread->stack;
  const bool is_before = ticks < session.start_ticks;
  const auto find = [&](uint64_t span_id) {
    return std::find_if(stack.rbegin(), stack.rend(),
                        [span_id](const Open& open) { return open.span_id == span_id; });
  };
  switch (KindOf(record[0])) {
    case Kind::kBegin:
    case Kind::kBeginChild:
      stack.push_back({ticks, static_cast<uint32_t>(record[1]), 0, is_before});
      break;
    case Kind::kBeginSpan:
      stack.push_back({ticks, 0, record[2], true});
      [[fallthrough]];
    case Kind::kOpenSpan:
      live_[record[2]] = {ticks, static_cast<uint32_t>(record[1]), record[2], is_before};
      break;
    case Kind::kEnd:
      if (stack.empty()) break;
      Look(stack.back(), ticks);
      stack.pop_back();
      break;
    case Kind::kEndAt:
      if (record[1] >= stack.size()) break;
      Look(stack[record[1]], ticks);
      stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(record[1]));
      break;
    case Kind::kLeave:
      if (const auto at = find(record[1]); at != stack.rend()) stack.erase(std::next(at).base());
      break;
    case Kind::kEndSpan:
    case Kind::kFailSpan:
      if (const auto at = find(record[1]); at != stack.rend()) stack.erase(std::next(at).base());
      EndSpan(record[1], ticks);
      break;
    default:
      break;
  }
}

void SlowSpans::EndSpan(uint64_t span_id, uint64_t ticks) {
  const auto live = live_.find(span_id);
  if (live == live_.end()) return;
  Look(live->second, ticks);
  live_.erase(live);
}

void SlowSpans::Look(const Open& open, uint64_t end_ticks) {
  if (open.is_told || (CategoryBit(open.name) & kLookedAt) == 0 || end_ticks < open.start_ticks) return;
  const auto duration_ns =
      static_cast<int64_t>(static_cast<double>(end_ticks - open.start_ticks) * ns_per_tick_);
  if (duration_ns < threshold_ns_) return;
  const uint32_t index = NameIndexOf(open.name);
  std::lock_guard lock(mutex_);
  if (slowest_ && slowest_->duration_ns >= duration_ns) return;
  slowest_ = {index < names_.size() ? names_[index] : std::string(), duration_ns};
}

std::optional<SlowSpan> SlowSpans::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(slowest_, std::nullopt);
}

}  // namespace opscope
