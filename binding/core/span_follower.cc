#include "span_follower.h"

#include <algorithm>

#include "record.h"

namespace opscope {

namespace {

constexpr uint32_t kRequest = 1u << static_cast<uint32_t>(Category::kRequest);
constexpr uint32_t kFollowed = 1u << static_cast<uint32_t>(Category::kSection) |
                               1u << static_cast<uint32_t>(Category::kInference) | kRequest;
// Of kBeginSpan and kOpenSpan: the span has no parent.
constexpr int kRootBit = 33;

}  // namespace

void SpanFollower::Add(const StreamBatch& batch, const GpuRecords&) {
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
      if (!thread.is_known) thread.stack.assign(piece.open_at_start, {.is_told = true});
      thread.is_known = true;
      const uint64_t* const end = piece.words + piece.count;
      for (const uint64_t* record = piece.words; record < end; record += RecordWords(record))
        Read(&thread, record, batch.session);
    }
  }
  Looked(last.ticks);
}

void SpanFollower::Read(Thread* thread, const uint64_t* record, const Session& session) {
  const uint64_t ticks = TicksOf(record[0]);
  std::vector<Open>& stack = thread->stack;
  const bool is_before = ticks < session.start_ticks;
  const auto find = [&](uint64_t span_id) {
    return std::find_if(stack.rbegin(), stack.rend(),
                        [span_id](const Open& open) { return open.span_id == span_id; });
  };
  switch (KindOf(record[0])) {
    case Kind::kBegin:
      stack.push_back({ticks, static_cast<uint32_t>(record[1]), 0, is_before, IsInsideRequest(*thread, 0)});
      break;
    case Kind::kBeginChild:
      stack.push_back(
          {ticks, static_cast<uint32_t>(record[1]), 0, is_before, IsInsideRequest(*thread, record[2])});
      break;
    case Kind::kBeginSpan:
    case Kind::kOpenSpan: {
      const bool is_root = (record[1] >> kRootBit & 1) != 0;
      const Open open{ticks, static_cast<uint32_t>(record[1]), record[2], is_before,
                      !is_root && IsInsideRequest(*thread, record[3])};
      live_[open.span_id] = open;
      if (KindOf(record[0]) == Kind::kOpenSpan) break;
      const bool makes_inner = open.is_inner || (CategoryBit(open.name) & kRequest) != 0;
      stack.push_back({ticks, 0, open.span_id, true, makes_inner});
      break;
    }
    case Kind::kEnd:
      if (stack.empty()) break;
      Tell(stack.back(), ticks);
      stack.pop_back();
      break;
    case Kind::kEndAt:
      if (record[1] >= stack.size()) break;
      Tell(stack[record[1]], ticks);
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

// Without a parent's id, the parent is what is open on the thread.
bool SpanFollower::IsInsideRequest(const Thread& thread, uint64_t parent_id) const {
  const Open* parent = nullptr;
  if (parent_id != 0) {
    const auto live = live_.find(parent_id);
    if (live != live_.end()) parent = &live->second;
  } else if (!thread.stack.empty()) {
    parent = &thread.stack.back();
  }
  return parent != nullptr && (parent->is_inner || (CategoryBit(parent->name) & kRequest) != 0);
}

void SpanFollower::EndSpan(uint64_t span_id, uint64_t ticks) {
  const auto live = live_.find(span_id);
  if (live == live_.end()) return;
  Tell(live->second, ticks);
  live_.erase(live);
}

void SpanFollower::Tell(const Open& open, uint64_t end_ticks) {
  if (!open.is_told && IsFollowed(open) && end_ticks >= open.start_ticks)
    Ended(open, DurationNs(open, end_ticks));
}

bool SpanFollower::IsFollowed(const Open& open) noexcept { return (CategoryBit(open.name) & kFollowed) != 0; }

int64_t SpanFollower::DurationNs(const Open& open, uint64_t end_ticks) const noexcept {
  if (end_ticks <= open.start_ticks) return 0;
  return static_cast<int64_t>(static_cast<double>(end_ticks - open.start_ticks) * ns_per_tick_);
}

std::string SpanFollower::NameOf(uint32_t name_id) const {
  const uint32_t index = NameIndexOf(name_id);
  return index < names_.size() ? names_[index] : std::string();
}

}  // namespace opscope
