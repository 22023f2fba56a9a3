// One thread's log: the stack of its open spans and the chunks they are written to.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "chunk_pool.h"
#include "clock.h"
#include "columns.h"
#include "record.h"

namespace opscope {

// Shared with this thread's JavaScript as a Uint32Array, so that a span which
// is off costs no call (src/binding.ts, SLOT_*). Written by the owning thread,
// but for `gate`, `detail` and `exact`, which the control side writes.
struct alignas(64) ControlBlock {
  uint32_t name = 0;                         // in: the id that begin and end mean
  std::atomic<uint32_t> gate{0};             // categories being recorded, one bit each
  std::atomic<uint32_t> depth{0};            // entries on the stack
  std::atomic<uint32_t> live{0};             // spans open with an id
  std::atomic<uint32_t> detail{0};           // 1: some session wants instances
  uint32_t span_low = 0, span_high = 0;      // in and out: a span id without its process bits
  uint32_t parent_low = 0, parent_high = 0;  // in: likewise, 0 none
  std::atomic<uint32_t> unseen_brackets{0};  // in flight without a record; JavaScript counts them
  std::atomic<uint32_t> contexts{0};         // entered and not exited
  std::atomic<uint32_t> exact{0};            // 1: some session wants async contexts followed
  uint32_t scopes = 0;  // JavaScript's own: whether a span may be inside one of elsewhere
};

// What one thread could not record; written by its thread, read by any.
struct LogCounts {
  std::atomic<uint64_t> dropped_spans{0};       // no room
  std::atomic<uint64_t> dropped_details{0};     // marks, counters, attributes, links without room
  std::atomic<uint64_t> unmatched_ends{0};      // end without a begin
  std::atomic<uint64_t> disordered_ends{0};     // ended while a later span was open
  std::atomic<uint64_t> foreign_ends{0};        // ended on another thread than begun
  std::atomic<uint64_t> unmatched_releases{0};  // of nothing adopted on this thread
};

// Thread-safety: the owning thread calls everything but the members that are
// marked "any thread". The owner never waits: no lock, no system call, no
// allocation. Open spans are entries of a stack; an entry whose begin was not
// recorded (gate shut, no room) is kept as a skipped one while the stack is in
// use, so that every end finds its own begin.
class ThreadLog {
 public:
  // Deeper spans are dropped and counted.
  static constexpr uint32_t kMaxDepth = 3072;
  // What is entered deeper than this is nobody's.
  static constexpr uint32_t kMaxContexts = 64;

  ThreadLog(uint32_t id, ChunkPool* pool, uint64_t span_id_base) noexcept;
  ThreadLog(const ThreadLog&) = delete;
  ThreadLog& operator=(const ThreadLog&) = delete;

  // --- spans on the stack ---------------------------------------------------
  // True when the gate was open (also if the span then found no room).
  bool Begin(uint32_t name) noexcept {
    if (IsOff()) return false;
    return Push(name, Kind::kBegin, 0);
  }
  // `parent`: a span id; used by a thread whose stack is empty.
  bool BeginChild(uint32_t name, uint64_t parent) noexcept {
    if (IsOff()) return false;
    base_parent_ = parent;
    return Push(name, parent == 0 ? Kind::kBegin : Kind::kBeginChild, parent);
  }
  void End(uint32_t name) noexcept {
    const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
    if (depth == 0) [[unlikely]]
      return CountUnmatched();
    if (depth > kMaxDepth || stack_[depth - 1] != name) [[unlikely]]
      return EndSlow(name);
    Chunk* chunk = chunk_;
    const uint32_t at = chunk->used.load(std::memory_order_relaxed);
    chunk->words[at] = MakeHead(ReadTicks(), Kind::kEnd);  // its room was reserved by the begin
    control_.depth.store(depth - 1, std::memory_order_relaxed);
    chunk->used.store(at + 1, std::memory_order_release);
  }

  // For callers that keep a token: what is not recorded leaves no entry on the
  // stack, and its end must not be called.
  enum class TokenState : uint8_t { kOff, kRecorded, kDropped };
  TokenState BeginToken(uint32_t name) noexcept;

  // --- spans with an id -----------------------------------------------------
  // 0 when the gate is shut or there is no room. `push` makes it the parent of
  // what follows on this thread until LeaveSpan or EndSpan. A bracket is given
  // what native threads launch while it is the only one in flight. A root has
  // no parent, whatever is open.
  uint64_t OpenSpan(uint32_t name, uint64_t parent, bool push, bool is_bracket = false,
                    bool is_root = false) noexcept;
  void LeaveSpan(uint64_t span) noexcept;
  void EndSpan(uint64_t span, bool failed) noexcept;
  // A bracket ended that has no id.
  void EndUnseenBracket() noexcept;
  // Both times known, CLOCK_MONOTONIC ns. Returns the id, 0 when not recorded.
  uint64_t TimedSpan(uint32_t name, int64_t start_ns, int64_t end_ns, uint64_t parent, bool is_async,
                     bool is_bracket = false) noexcept;

  // --- whose work this thread does --------------------------------------------
  // Until the matching exit, what begins or launches on this thread while no
  // span is open on it belongs to `span`; 0: to nobody. False when there is
  // nothing to exit: nothing is recorded, or nobody follows nobody. What finds no
  // room or a shut gate is nobody's as well, and so is the rest of what it lies in.
  bool Enter(uint64_t span) noexcept;
  void Exit() noexcept;
  void ExitTo(uint32_t contexts) noexcept {
    while (control_.contexts.load(std::memory_order_relaxed) > contexts) Exit();
  }
  // The innermost span with an id around what this thread does; 0: none is known.
  uint64_t CurrentSpan() const noexcept;

  // --- details --------------------------------------------------------------
  void Attribute(uint64_t span, uint32_t key, AttributeType type, uint64_t bits) noexcept;
  void TextAttribute(uint64_t span, uint32_t key, std::string_view text) noexcept;
  void Link(uint64_t span, uint64_t trace_high, uint64_t trace_low, uint64_t linked) noexcept;
  void TraceId(uint64_t span, uint64_t trace_high, uint64_t trace_low, uint64_t remote_parent) noexcept;
  void Mark(uint32_t name) noexcept;
  void SpanMark(uint32_t name, uint64_t span) noexcept { WriteMark(Kind::kSpanMark, name, span); }
  // Of a moment that is past, CLOCK_MONOTONIC ns.
  void TimedMark(uint32_t name, int64_t at_ns) noexcept {
    WriteMark(Kind::kTimedMark, name, static_cast<uint64_t>(at_ns));
  }
  void Counter(uint32_t name, double value) noexcept;

  // --- any thread -----------------------------------------------------------
  // What all span ids of this process have in common, above kSpanNumberBits.
  uint64_t process_bits() const noexcept { return process_bits_; }
  uint32_t id() const noexcept { return id_; }
  ControlBlock& control() noexcept { return control_; }
  const LogCounts& counts() const noexcept { return counts_; }
  LogCounts& counts() noexcept { return counts_; }
  // True while the owner is between testing the gate and publishing a record.
  bool IsBusy() const noexcept { return busy_.load(std::memory_order_acquire) != 0; }

  // Under the recorder's mutex.
  std::atomic<Chunk*> first{nullptr};
  std::atomic<bool> is_dead{false};
  int64_t os_thread_id = 0;
  int32_t js_thread_id = -1;
  std::string thread_name;

  // Before the first record only.
  void UsePool(ChunkPool* pool) noexcept { pool_ = pool; }

  // Id bits that JavaScript does not see: its ids are exact in a double.
  static constexpr int kSpanNumberBits = 53;
  uint64_t FullSpanId(uint32_t low, uint32_t high) const noexcept {
    const uint64_t number = static_cast<uint64_t>(high) << 32 | low;
    return number == 0 ? 0 : process_bits_ | number;
  }

 private:
  // The gate and the stack decide together: an entry below must find its end.
  bool IsOff() const noexcept {
    return (control_.gate.load(std::memory_order_relaxed) | control_.depth.load(std::memory_order_relaxed)) ==
           0;
  }
  // Words that open spans may still need: End or EndAt; Leave and End of a span
  // with an id. What an Exit needs comes on top.
  uint32_t Reserved() const noexcept {
    return 2 * control_.depth.load(std::memory_order_relaxed) +
           4 * control_.live.load(std::memory_order_relaxed);
  }
  bool Push(uint32_t name, Kind kind, uint64_t parent) noexcept {
    // Busy brackets the test of the gate and the write: Recorder::Quiesce relies
    // on it. Its fence is on the other side (membarrier), here a compiler barrier.
    busy_.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const uint32_t depth = control_.depth.load(std::memory_order_relaxed);
    const bool is_open = (control_.gate.load(std::memory_order_relaxed) & CategoryBit(name)) != 0;
    Chunk* chunk = chunk_;
    const uint32_t at = chunk->used.load(std::memory_order_relaxed);
    if (!is_open || depth >= kMaxDepth || at + 5 + kMaxContexts + Reserved() > Chunk::kWords) [[unlikely]] {
      const bool is_token = PushSlow(name, kind, parent, is_open);
      busy_.store(0, std::memory_order_release);
      return is_token;
    }
    chunk->words[at] = MakeHead(ReadTicks(), kind);
    chunk->words[at + 1] = name;
    uint32_t words = 2;
    if (kind == Kind::kBeginChild) {
      chunk->words[at + 2] = parent;
      words = 3;
    }
    stack_[depth] = name;
    control_.depth.store(depth + 1, std::memory_order_relaxed);
    chunk->used.store(at + words, std::memory_order_release);
    busy_.store(0, std::memory_order_release);
    return true;
  }
  void WriteMark(Kind kind, uint32_t name, uint64_t value) noexcept;
  bool PushSlow(uint32_t name, Kind kind, uint64_t parent, bool is_open) noexcept;
  void EndSlow(uint32_t name) noexcept;
  void CountUnmatched() noexcept;
  void RemoveEntry(uint32_t index) noexcept;
  uint32_t RecordedBelow(uint32_t index) const noexcept;
  // Entries that have an Enter in the log and no Exit yet.
  uint32_t RecordedContexts() const noexcept {
    const uint32_t contexts = control_.contexts.load(std::memory_order_relaxed);
    return (contexts < kMaxContexts ? contexts : kMaxContexts) - lost_contexts_;
  }
  void LoseContexts() noexcept;
  // Makes room for `words` beside what is reserved; false when the pool is dry.
  bool Reserve(uint32_t words) noexcept;
  // Two words beside the ends that entries of the stack may need.
  bool HasRoomAboveStack() const noexcept {
    return chunk_->used.load(std::memory_order_relaxed) + 2 +
               2 * control_.depth.load(std::memory_order_relaxed) + RecordedContexts() <=
           Chunk::kWords;
  }
  uint64_t* Room(uint32_t words) noexcept;  // null: counted as a dropped detail
  void Publish(uint32_t words) noexcept {
    chunk_->used.store(chunk_->used.load(std::memory_order_relaxed) + words, std::memory_order_release);
  }

  // Stack entries: a name id, or one of these. Category 15 does not exist, so
  // no name id has these values.
  static constexpr uint32_t kSkipped = 1u << 31;  // or-ed to a name id
  static constexpr uint32_t kSpanEntry = 0x7FFFFFFF;
  static constexpr uint32_t kNameless = 0xFFFFFFFF;  // skipped; any end matches it

  ControlBlock control_;
  std::atomic<uint32_t> busy_{0};
  Chunk* chunk_;
  ChunkPool* pool_;
  uint32_t id_;
  uint64_t process_bits_;
  uint64_t next_span_;
  LogCounts counts_;
  uint32_t stack_[kMaxDepth];
  uint64_t stack_spans_[kMaxDepth];  // the id, where stack_ holds kSpanEntry
  // The parent that the lowest entry was begun with; may be out of date while no span is live.
  uint64_t base_parent_ = 0;
  uint64_t contexts_[kMaxContexts];
  uint32_t lost_contexts_ = 0;  // the lowest entries of contexts_ that were given up
};

}  // namespace opscope
