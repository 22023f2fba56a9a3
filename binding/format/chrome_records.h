// Records of thread logs -> lines of a Chrome trace that grows: a span has its
// line when it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../core/clock.h"
#include "../core/columns.h"
#include "../core/session.h"
#include "../core/session_window.h"
#include "chrome_lines.h"

namespace opscope {

// Replays each thread's stack as MergeLogs does. What the lines mean is told in
// chrome_stream.h. One thread at a time.
class RecordLines {
 public:
  // What WriteOpen writes of one thread's stack.
  static constexpr size_t kMostOnStack = 64;

  explicit RecordLines(JsonLines* out) : out_(*out), line_(out->line()), names_(out->recording().names) {}

  // The thread's next records. `origin_ns` is the session's start on the clock's scale.
  void Write(uint32_t thread, int64_t tid, const std::vector<LogPiece>& pieces, const Session& session,
             ClockMap* clock, int64_t origin_ns);
  // A range that another library drew on a thread.
  void WriteRange(int64_t tid, std::string_view text, int64_t start_ns, int64_t end_ns);
  // The records of this batch were given.
  void EndBatch();
  // All threads' records up to one moment were given.
  void EndSweep();
  // The spans that are open now, as unfinished ones: of each thread the innermost
  // kMostOnStack, then those off the stacks, the oldest first; `most` in all.
  void WriteOpen(int64_t now_ns, size_t most);
  // The same for all of them: there is nothing more to come.
  void Finish(int64_t now_ns);

  uint64_t row_count() const noexcept { return row_count_; }
  uint64_t open_count() const noexcept;

 private:
  // What few spans have.
  struct Details {
    std::string attributes, links;  // members and items, as written
    uint64_t trace_high = 0, trace_low = 0, remote_parent = 0;
  };
  struct Parent {
    uint64_t row = 0;  // 0: none
    uint64_t span_id = 0;
    bool is_gone = false;  // ended before what lies on it
  };
  struct Row {
    int64_t start_ns = 0, return_ns = 0;
    int64_t tid = 0;
    uint64_t number = 0;   // 0: no row, as the session does not keep it
    uint64_t span_id = 0;  // 0: an op
    uint64_t told_parent_id = 0;
    Parent parent;  // on the stack
    std::unique_ptr<Details> details;
    uint32_t name = 0;
    uint8_t flags = 0;
    bool is_named = false;      // others refer to its number
    bool tells_parent = false;  // lines around it do not
    bool is_on_stack = false;
  };
  // Spans with an id are in live_, and only their place is here.
  struct Entry {
    Row row;
    Parent of_children;
    uint64_t context = 0;  // as in MergeLogs
  };
  struct Thread {
    std::vector<Entry> stack;
    std::vector<uint64_t> contexts;
    Row timed;  // waits for its attributes; end in return_ns
    JsonLines::SliceStart slices;
    int64_t last_ns = 0;
    int64_t tid = 0;
    bool is_known = false;
  };
  // What came before the begin of its span, which is in the log of another thread.
  struct Early {
    std::unique_ptr<Details> details;
    int64_t end_ns = 0;
    uint32_t sweep = 0;
    bool has_ended = false, has_failed = false;
  };

  void WriteRecord(const uint64_t* record, int64_t at_ns, bool is_kept, int64_t clock_origin_ns);
  Row NewRow(uint64_t name_id, int64_t at_ns, uint64_t parent_id, bool is_root = false);
  void Push(Row row, bool is_kept);
  void BeginSpan(const uint64_t* record, int64_t at_ns, bool is_kept);
  void End(int64_t at_ns);
  void EndAt(uint64_t index, int64_t at_ns);
  void Leave(uint64_t span_id, int64_t at_ns);
  void EndSpan(uint64_t span_id, int64_t at_ns, bool has_failed);
  void HoldTimed(const uint64_t* record, int64_t clock_origin_ns);
  void WriteTimed(Thread* thread);
  void AddDetail(const uint64_t* record);
  Details* DetailsOf(uint64_t span_id);

  Parent Innermost() const noexcept;
  // The entry on top of which its children lie; null: none of the stack's is kept.
  Row* InnermostRow();
  uint64_t Context() const noexcept;
  // Nothing is to be told of an op but its name and times.
  static bool IsPlain(const Row& row) noexcept;
  // True where the entry was the top one.
  bool RemoveSpanEntry(uint64_t span_id);
  void MarkNamed(uint64_t row);

  void WriteSlice(const Row& row, int64_t end_ns);
  void WritePair(const Row& row, int64_t end_ns);
  // `base` names the events.
  template <typename WriteArgs>
  void WritePairOf(std::string_view base, uint64_t id, int64_t tid, int64_t start_ns, int64_t end_ns,
                   WriteArgs write_args);
  void WriteSyncPart(const Row& row);
  void WriteUnfinished(Row* row, int64_t now_ns);
  void AddArgs(const Row& row, bool is_pair);

  JsonLines& out_;
  std::string& line_;
  const std::vector<NameEntry>& names_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::unordered_map<uint64_t, Row> live_;  // spans with an id that have not ended
  std::unordered_map<uint64_t, Early> early_;
  std::vector<uint64_t> ended_early_;  // live ones whose end is in early_
  uint32_t sweep_ = 0;
  uint64_t row_count_ = 0;
  Thread* thread_ = nullptr;  // being written
};

}  // namespace opscope
