#include "thread_log.h"

namespace opscope {

namespace {

// A log without memory points here: full, so the first record takes the slow
// path and asks the pool. Never written.
Chunk* FullChunk() noexcept {
  static Chunk* const full = [] {
    auto* chunk = new Chunk;
    chunk->used.store(Chunk::kWords, std::memory_order_relaxed);
    chunk->next.store(nullptr, std::memory_order_relaxed);
    return chunk;
  }();
  return full;
}

void Count(std::atomic<uint64_t>& counter) noexcept {  // one writer: no locked add
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

ThreadLog::ThreadLog(uint32_t id, ChunkPool* pool, uint64_t span_id_base) noexcept
    : chunk_(FullChunk()),
      pool_(pool),
      id_(id),
      process_bits_(span_id_base & ~((uint64_t{1} << kSpanNumberBits) - 1)),
      next_span_(span_id_base & ((uint64_t{1} << kSpanNumberBits) - 1)) {}

uint32_t ThreadLog::RecordedBelow(uint32_t index) const noexcept {
  uint32_t count = 0;
  for (uint32_t i = 0; i < index; ++i) count += (stack_[i] & kSkipped) == 0;
  return count;
}

bool ThreadLog::Reserve(uint32_t words) noexcept {
  const uint32_t reserved = Reserved() + RecordedContexts();
  if (chunk_->used.load(std::memory_order_relaxed) + words + reserved <= Chunk::kWords) return true;
  if (words + reserved > Chunk::kWords) return false;
  Chunk* chunk = pool_->Take();
  if (chunk == nullptr) return false;
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  chunk->used.store(0, std::memory_order_relaxed);
  chunk->next.store(nullptr, std::memory_order_relaxed);
  chunk->first_ticks = ReadTicks();
  chunk->open_at_start = RecordedBelow(depth < kMaxDepth ? depth : kMaxDepth);
  if (first.load(std::memory_order_relaxed) == nullptr) {
    first.store(chunk, std::memory_order_release);
  } else {
    chunk_->next.store(chunk, std::memory_order_release);
  }
  chunk_ = chunk;
  return true;
}

bool ThreadLog::PushSlow(uint32_t name, Kind kind, uint64_t parent, bool is_open) noexcept {
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  if (!is_open && depth == 0) return false;
  if (depth >= kMaxDepth) {
    // Counted in the depth alone, so that the matching end is ignored.
    control_.depth.store(depth + 1, std::memory_order_relaxed);
    if (is_open) Count(counts_.dropped_spans);
    return is_open;
  }
  if (is_open && Reserve(WordsOf(kind) + 2)) {
    const uint32_t at = chunk_->used.load(std::memory_order_relaxed);
    chunk_->words[at] = MakeHead(ReadTicks(), kind);
    chunk_->words[at + 1] = name;
    if (kind == Kind::kBeginChild) chunk_->words[at + 2] = parent;
    stack_[depth] = name;
    control_.depth.store(depth + 1, std::memory_order_relaxed);
    Publish(WordsOf(kind));
    return true;
  }
  stack_[depth] = name | kSkipped;
  control_.depth.store(depth + 1, std::memory_order_relaxed);
  if (is_open) Count(counts_.dropped_spans);
  return is_open;
}

ThreadLog::TokenState ThreadLog::BeginToken(uint32_t name) noexcept {
  busy_.store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  TokenState state = TokenState::kOff;
  if ((control_.gate.load(std::memory_order_relaxed) & CategoryBit(name)) != 0) {
    if (depth < kMaxDepth && Reserve(2 + 2)) {
      uint64_t* words = chunk_->words + chunk_->used.load(std::memory_order_relaxed);
      words[0] = MakeHead(ReadTicks(), Kind::kBegin);
      words[1] = name;
      stack_[depth] = name;
      if (depth == 0) base_parent_ = 0;
      control_.depth.store(depth + 1, std::memory_order_relaxed);
      Publish(2);
      state = TokenState::kRecorded;
    } else {
      Count(counts_.dropped_spans);
      state = TokenState::kDropped;
    }
  }
  busy_.store(0, std::memory_order_release);
  return state;
}

void ThreadLog::CountUnmatched() noexcept {
  if (control_.gate.load(std::memory_order_relaxed) != 0) Count(counts_.unmatched_ends);
}

void ThreadLog::RemoveEntry(uint32_t index) noexcept {
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  const uint32_t stored = depth < kMaxDepth ? depth : kMaxDepth;
  if (index == 0) base_parent_ = 0;
  std::memmove(&stack_[index], &stack_[index + 1], (stored - index - 1) * sizeof(stack_[0]));
  std::memmove(&stack_spans_[index], &stack_spans_[index + 1],
               (stored - index - 1) * sizeof(stack_spans_[0]));
  // The entry that moves down from beyond the stack's end was never named.
  if (depth > kMaxDepth) stack_[kMaxDepth - 1] = kNameless;
  control_.depth.store(depth - 1, std::memory_order_relaxed);
}

void ThreadLog::EndSlow(uint32_t name) noexcept {
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  if (depth > kMaxDepth) {
    control_.depth.store(depth - 1, std::memory_order_relaxed);
    return;
  }
  uint32_t index = depth;
  while (index > 0 && (stack_[index - 1] & ~kSkipped) != name && stack_[index - 1] != kNameless) --index;
  if (index == 0) return CountUnmatched();
  --index;
  const bool was_recorded = (stack_[index] & kSkipped) == 0;
  const uint32_t recorded_below = RecordedBelow(index);
  const bool is_top = index == depth - 1;
  if (!is_top && was_recorded) Count(counts_.disordered_ends);
  const uint32_t at = chunk_->used.load(std::memory_order_relaxed);
  RemoveEntry(index);
  if (!was_recorded) return;
  chunk_->words[at] = MakeHead(ReadTicks(), is_top ? Kind::kEnd : Kind::kEndAt);
  if (!is_top) chunk_->words[at + 1] = recorded_below;
  Publish(is_top ? 1 : 2);
}

uint64_t ThreadLog::OpenSpan(uint32_t name, uint64_t parent, bool push, bool is_bracket,
                             bool is_root) noexcept {
  if (control_.gate.load(std::memory_order_relaxed) == 0) return 0;
  busy_.store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  uint64_t span = 0;
  if ((control_.gate.load(std::memory_order_relaxed) & CategoryBit(name)) != 0) {
    if ((push && depth >= kMaxDepth) || !Reserve(4 + 4 + 2)) {
      Count(counts_.dropped_spans);
    } else {
      next_span_ = (next_span_ + 1) & ((uint64_t{1} << kSpanNumberBits) - 1);
      if (next_span_ == 0) next_span_ = 1;
      span = process_bits_ | next_span_;
      const uint32_t at = chunk_->used.load(std::memory_order_relaxed);
      chunk_->words[at] = MakeHead(ReadTicks(), push ? Kind::kBeginSpan : Kind::kOpenSpan);
      chunk_->words[at + 1] =
          name | static_cast<uint64_t>(is_bracket) << 32 | static_cast<uint64_t>(is_root) << 33;
      chunk_->words[at + 2] = span;
      chunk_->words[at + 3] = parent;
      if (push) {
        stack_[depth] = kSpanEntry;
        stack_spans_[depth] = span;
        control_.depth.store(depth + 1, std::memory_order_relaxed);
      }
      control_.live.store(control_.live.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      Publish(4);
    }
  }
  busy_.store(0, std::memory_order_release);
  return span;
}

void ThreadLog::LeaveSpan(uint64_t span) noexcept {
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  uint32_t index = depth < kMaxDepth ? depth : kMaxDepth;
  while (index > 0 && !(stack_[index - 1] == kSpanEntry && stack_spans_[index - 1] == span)) --index;
  if (index == 0) return CountUnmatched();
  if (!HasRoomAboveStack() && !Reserve(2)) return Count(counts_.dropped_details);
  const uint32_t at = chunk_->used.load(std::memory_order_relaxed);
  chunk_->words[at] = MakeHead(ReadTicks(), Kind::kLeave);
  chunk_->words[at + 1] = span;
  RemoveEntry(index - 1);
  Publish(2);
}

void ThreadLog::EndSpan(uint64_t span, bool failed) noexcept {
  const uint32_t live = control_.live.load(std::memory_order_relaxed);
  // A span of another thread has its room reserved there, not here.
  if (!HasRoomAboveStack() && !Reserve(2)) return Count(counts_.dropped_details);
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  const uint32_t at = chunk_->used.load(std::memory_order_relaxed);
  chunk_->words[at] = MakeHead(ReadTicks(), failed ? Kind::kFailSpan : Kind::kEndSpan);
  chunk_->words[at + 1] = span;
  if (live != 0) control_.live.store(live - 1, std::memory_order_relaxed);
  if (live <= 1) base_parent_ = 0;
  uint32_t index = depth < kMaxDepth ? depth : kMaxDepth;
  while (index > 0 && !(stack_[index - 1] == kSpanEntry && stack_spans_[index - 1] == span)) --index;
  if (index > 0) {
    if (index != depth) Count(counts_.disordered_ends);
    RemoveEntry(index - 1);
  }
  Publish(2);
}

bool ThreadLog::Enter(uint64_t span) noexcept {
  const uint32_t depth = control_.contexts.load(std::memory_order_relaxed);
  busy_.store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const bool is_open = control_.gate.load(std::memory_order_relaxed) != 0;
  const bool is_entered = depth != 0 || (is_open && span != 0);
  if (depth + 1 >= kMaxContexts) {
    span = 0;
    if (is_open) Count(counts_.dropped_details);
  }
  if (is_entered && depth < kMaxContexts) {
    if (is_open && Reserve(2 + 1)) {
      const uint32_t at = chunk_->used.load(std::memory_order_relaxed);
      chunk_->words[at] = MakeHead(ReadTicks(), Kind::kEnter);
      chunk_->words[at + 1] = span;
      Publish(2);
    } else {
      if (is_open) Count(counts_.dropped_details);
      LoseContexts();
      lost_contexts_ = depth + 1;
      span = 0;
    }
    contexts_[depth] = span;
  }
  if (is_entered) control_.contexts.store(depth + 1, std::memory_order_relaxed);
  busy_.store(0, std::memory_order_release);
  return is_entered;
}

void ThreadLog::Exit() noexcept {
  const uint32_t depth = control_.contexts.load(std::memory_order_relaxed);
  if (depth == 0) return;
  if (depth <= kMaxContexts) {
    if (depth > lost_contexts_) {
      const uint32_t at = chunk_->used.load(std::memory_order_relaxed);
      chunk_->words[at] = MakeHead(ReadTicks(), Kind::kExit);  // its room was reserved by Enter
      Publish(1);
    } else {
      lost_contexts_ = depth - 1;
    }
  }
  control_.contexts.store(depth - 1, std::memory_order_relaxed);
}

// Without a record of what was entered now, the entries around it would be
// taken for it: they end here. Their exits find them lost.
void ThreadLog::LoseContexts() noexcept {
  for (uint32_t count = RecordedContexts(); count > 0; --count) {
    const uint32_t at = chunk_->used.load(std::memory_order_relaxed);
    chunk_->words[at] = MakeHead(ReadTicks(), Kind::kExit);
    Publish(1);
  }
}

uint64_t ThreadLog::CurrentSpan() const noexcept {
  const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
  for (uint32_t index = depth < kMaxDepth ? depth : kMaxDepth; index > 0; --index) {
    if (stack_[index - 1] == kSpanEntry) return stack_spans_[index - 1];
  }
  if (depth != 0 && base_parent_ != 0 && control_.live.load(std::memory_order_relaxed) != 0)
    return base_parent_;
  const uint32_t contexts = control_.contexts.load(std::memory_order_relaxed);
  if (contexts == 0) return 0;
  return contexts_[(contexts < kMaxContexts ? contexts : kMaxContexts) - 1];
}

void ThreadLog::EndUnseenBracket() noexcept {
  if (control_.gate.load(std::memory_order_relaxed) == 0) return;
  uint64_t* words = Room(1);
  if (words == nullptr) {
    // Without its end it counts as in flight from now on.
    control_.unseen_brackets.store(control_.unseen_brackets.load(std::memory_order_relaxed) + 1,
                                   std::memory_order_relaxed);
    return;
  }
  words[0] = MakeHead(ReadTicks(), Kind::kUnseenEnd);
  Publish(1);
}

uint64_t* ThreadLog::Room(uint32_t words) noexcept {
  if (!Reserve(words)) {
    Count(counts_.dropped_details);
    return nullptr;
  }
  return chunk_->words + chunk_->used.load(std::memory_order_relaxed);
}

uint64_t ThreadLog::TimedSpan(uint32_t name, int64_t start_ns, int64_t end_ns, uint64_t parent, bool is_async,
                              bool is_bracket) noexcept {
  if (control_.gate.load(std::memory_order_relaxed) == 0) return 0;
  busy_.store(1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  uint64_t span = 0;
  if ((control_.gate.load(std::memory_order_relaxed) & CategoryBit(name)) != 0) {
    if (!Reserve(6)) {
      Count(counts_.dropped_spans);
    } else {
      next_span_ = (next_span_ + 1) & ((uint64_t{1} << kSpanNumberBits) - 1);
      if (next_span_ == 0) next_span_ = 1;
      span = process_bits_ | next_span_;
      uint64_t* words = chunk_->words + chunk_->used.load(std::memory_order_relaxed);
      words[0] = MakeHead(ReadTicks(), Kind::kTimed);
      words[1] = name | static_cast<uint64_t>(is_async) << 32 | static_cast<uint64_t>(is_bracket) << 33;
      words[2] = static_cast<uint64_t>(start_ns);
      words[3] = static_cast<uint64_t>(end_ns);
      words[4] = span;
      words[5] = parent;
      Publish(6);
    }
  }
  busy_.store(0, std::memory_order_release);
  return span;
}

void ThreadLog::Attribute(uint64_t span, uint32_t key, AttributeType type, uint64_t bits) noexcept {
  uint64_t* words = Room(4);
  if (words == nullptr) return;
  words[0] = MakeHead(ReadTicks(), Kind::kAttribute);
  words[1] = key | static_cast<uint64_t>(type) << 32 | uint64_t{8} << 40;
  words[2] = span;
  words[3] = bits;
  Publish(4);
}

void ThreadLog::TextAttribute(uint64_t span, uint32_t key, std::string_view text) noexcept {
  const auto bytes =
      static_cast<uint32_t>(text.size() < kMaxAttributeBytes ? text.size() : kMaxAttributeBytes);
  const uint32_t value_words = (bytes + 7) / 8;
  uint64_t* words = Room(3 + value_words);
  if (words == nullptr) return;
  words[0] = MakeHead(ReadTicks(), Kind::kAttribute);
  words[1] = key | static_cast<uint64_t>(AttributeType::kString) << 32 | static_cast<uint64_t>(bytes) << 40;
  words[2] = span;
  if (value_words != 0) words[2 + value_words] = 0;
  std::memcpy(&words[3], text.data(), bytes);
  Publish(3 + value_words);
}

void ThreadLog::Link(uint64_t span, uint64_t trace_high, uint64_t trace_low, uint64_t linked) noexcept {
  uint64_t* words = Room(5);
  if (words == nullptr) return;
  words[0] = MakeHead(ReadTicks(), Kind::kLink);
  words[1] = span;
  words[2] = trace_high;
  words[3] = trace_low;
  words[4] = linked;
  Publish(5);
}

void ThreadLog::TraceId(uint64_t span, uint64_t trace_high, uint64_t trace_low,
                        uint64_t remote_parent) noexcept {
  uint64_t* words = Room(5);
  if (words == nullptr) return;
  words[0] = MakeHead(ReadTicks(), Kind::kTraceId);
  words[1] = span;
  words[2] = trace_high;
  words[3] = trace_low;
  words[4] = remote_parent;
  Publish(5);
}

void ThreadLog::Mark(uint32_t name) noexcept {
  if ((control_.gate.load(std::memory_order_relaxed) & CategoryBit(name)) == 0) return;
  uint64_t* words = Room(2);
  if (words == nullptr) return;
  words[0] = MakeHead(ReadTicks(), Kind::kMark);
  words[1] = name;
  Publish(2);
}

void ThreadLog::WriteMark(Kind kind, uint32_t name, uint64_t value) noexcept {
  if ((control_.gate.load(std::memory_order_relaxed) & CategoryBit(name)) == 0) return;
  uint64_t* words = Room(3);
  if (words == nullptr) return;
  words[0] = MakeHead(ReadTicks(), kind);
  words[1] = name;
  words[2] = value;
  Publish(3);
}

void ThreadLog::Counter(uint32_t name, double value) noexcept {
  if ((control_.gate.load(std::memory_order_relaxed) & CategoryBit(name)) == 0) return;
  uint64_t* words = Room(3);
  if (words == nullptr) return;
  words[0] = MakeHead(ReadTicks(), Kind::kCounter);
  words[1] = name;
  std::memcpy(&words[2], &value, sizeof(value));
  Publish(3);
}

}  // namespace opscope
