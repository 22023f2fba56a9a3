#include "merge.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "record.h"
#include "row_order.h"
#include "session_window.h"
#include "span_references.h"

namespace opscope {

namespace {

constexpr int32_t kNotKept = -1;
constexpr uint32_t kNoIndex = UINT32_MAX;

// An entry of the stack as replayed: its own row, and the row that its children hang on.
struct OpenEntry {
  int32_t row;
  int32_t parent_for_children;
  uint64_t span_id;  // 0: an op
  // What has no row hands on: children without a parent on the stack belong to
  // the span that the thread worked for when this began.
  uint64_t context;
};

// A span with an id that is not over yet, wherever its end will come from.
struct LiveSpan {
  int32_t row;
};

// An end may be read before its begin, when that is another thread's.
struct PendingEnd {
  int64_t at_ns;
  uint64_t span_id;
  bool failed;
};
struct TimedRow {
  int64_t start_ns, duration_ns;
  uint64_t span_id, parent_id;
  uint32_t name;
  bool is_async, is_bracket;
};

class Merger {
 public:
  explicit Merger(const MergeInput& input)
      : input_(input),
        session_(input.session),
        clock_(input.clock_points),
        out_(std::make_shared<Recording>()) {}

  std::shared_ptr<Recording> Run() {
    origin_ns_ = clock_.Map(session_.start_ticks);
    out_->origin_clock_ns = static_cast<int64_t>(input_.clock_points.front().ns) + origin_ns_;
    out_->origin_epoch_ns = session_.start_epoch_ns;
    out_->duration_ns = clock_.Map(session_.stop_ticks) - origin_ns_;
    out_->process_id = input_.process_id;
    for (const auto& [from, to] : session_.pauses) {
      const uint64_t first = std::max(from, session_.start_ticks);
      if (to > first) out_->pauses.push_back({clock_.Map(first) - origin_ns_, clock_.Map(to) - origin_ns_});
    }
    name_map_.assign(input_.names.size(), kNoIndex);
    text_map_.assign(input_.names.size(), kNoIndex);
    AllocateColumns();
    for (const LogSnapshot* log : LogsByFirstEvent()) ReadLog(*log);
    AddUnseenInFlight();
    spans_.start_ns.Truncate(rows_);
    spans_.duration_ns.Truncate(rows_);
    spans_.name.Truncate(rows_);
    spans_.parent.Truncate(rows_);
    spans_.flags.Truncate(rows_);
    ResolvePending();
    AddWarnings();
    if (has_timed_rows_) PutInBeginOrder(out_.get());
    return out_;
  }

 private:
  void AllocateColumns() {
    size_t words = 0;
    for (const LogSnapshot& log : input_.logs) {
      for (const LogPiece& piece : log.pieces) words += piece.count;
    }
    // A begin takes two words at least. What is not used is never touched.
    const size_t bound = words / 2;
    spans_.start_ns.Reset(bound);
    spans_.duration_ns.Reset(bound);
    spans_.name.Reset(bound);
    spans_.parent.Reset(bound);
    spans_.flags.Reset(bound);
  }

  std::vector<const LogSnapshot*> LogsByFirstEvent() const {
    std::vector<std::pair<uint64_t, const LogSnapshot*>> order;
    for (const LogSnapshot& log : input_.logs) {
      const uint64_t first = FirstEvent(log);
      if (first <= session_.stop_ticks) order.emplace_back(first, &log);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const LogSnapshot*> logs;
    for (const auto& entry : order) logs.push_back(entry.second);
    return logs;
  }

  uint64_t FirstEvent(const LogSnapshot& log) const {
    for (size_t p = 0; p < log.pieces.size(); ++p) {
      // All of this piece is older than the next one's beginning.
      if (p + 1 < log.pieces.size() && log.pieces[p + 1].first_ticks < session_.start_ticks) continue;
      const LogPiece& piece = log.pieces[p];
      for (uint32_t at = 0; at < piece.count; at += RecordWords(piece.words + at)) {
        const uint64_t ticks = TicksOf(piece.words[at]);
        if (ticks >= session_.start_ticks) return ticks;
      }
    }
    return UINT64_MAX;
  }

  // Index in the recording's own, dense name table.
  uint32_t Name(uint64_t name_id) {
    const auto index = NameIndexOf(name_id);
    uint32_t& dense = name_map_[index];
    if (dense == kNoIndex) {
      dense = static_cast<uint32_t>(out_->names.size());
      out_->names.push_back(input_.names[index]);
    }
    return dense;
  }
  uint32_t Text(uint64_t name_id) {
    const auto index = NameIndexOf(name_id);
    uint32_t& dense = text_map_[index];
    if (dense == kNoIndex) {
      dense = static_cast<uint32_t>(out_->strings.size());
      out_->strings.push_back(input_.names[index].text);
    }
    return dense;
  }

  bool IsKept(uint64_t ticks, uint64_t name_id) noexcept {
    return window_.Keeps(ticks, static_cast<uint32_t>(name_id));
  }
  int64_t Ns(uint64_t ticks) noexcept { return clock_.Map(ticks) - origin_ns_; }

  int32_t AddRow(int64_t start_ns, uint64_t name_id, int32_t parent) {
    const size_t row = rows_++;
    spans_.start_ns[row] = start_ns;
    spans_.duration_ns[row] = 0;
    spans_.name[row] = Name(name_id);
    spans_.parent[row] = parent;
    spans_.flags[row] = 0;
    return static_cast<int32_t>(row);
  }
  void Close(int32_t row, int64_t at_ns) noexcept {
    const auto i = static_cast<size_t>(row);
    spans_.duration_ns[i] = std::max<int64_t>(at_ns - spans_.start_ns[i], 0);
  }
  void MarkUnfinished(int32_t row) noexcept {
    Close(row, out_->duration_ns);
    spans_.flags[static_cast<size_t>(row)] |= kUnfinished;
    ++out_->unfinished;
  }
  int32_t Innermost() const noexcept {
    return stack_.empty() ? kNoParent : stack_.back().parent_for_children;
  }
  void Push(int32_t row, uint64_t span_id) {
    if (row == kNotKept) {
      stack_.push_back({row, Innermost(), span_id, InheritedContext()});
    } else {
      stack_.push_back({row, row, span_id, 0});
    }
  }

  // --- whose work the thread does ---
  uint64_t Context() const noexcept { return contexts_.empty() ? 0 : contexts_.back(); }
  uint64_t InheritedContext() const noexcept { return stack_.empty() ? Context() : stack_.back().context; }
  void AddContextParent(int32_t row) {
    const uint64_t context = InheritedContext();
    if (context != 0) references_.AddContextParent(static_cast<uint32_t>(row), context);
  }
  // The innermost context ends here, for good or because another one lies over it.
  void EndContext(int64_t at_ns) {
    if (Context() != 0 && at_ns > std::max<int64_t>(context_start_ns_, 0))
      references_.AddContext({std::max<int64_t>(context_start_ns_, 0), at_ns, thread_, kNoParent}, Context());
    context_start_ns_ = at_ns;
  }

  void ReadLog(const LogSnapshot& log) {
    ThreadEntry thread;
    thread.name = log.thread_name;
    thread.os_thread_id = log.os_thread_id;
    thread.js_thread_id = log.js_thread_id;
    thread.first_row = static_cast<uint32_t>(rows_);
    thread_ = static_cast<uint32_t>(out_->threads.size());
    window_.Rewind();
    stack_.clear();
    timed_.clear();
    contexts_.clear();
    // Spans whose begin is no longer in the log.
    stack_.assign(log.pieces.front().open_at_start, {kNotKept, kNoParent, 0, 0});
    for (const LogPiece& piece : log.pieces) ReadPiece(piece);
    for (const OpenEntry& entry : stack_) {
      if (entry.row != kNotKept && entry.span_id == 0) MarkUnfinished(entry.row);
    }
    EndContext(out_->duration_ns);
    AddTimedRows();
    thread.row_count = static_cast<uint32_t>(rows_) - thread.first_row;
    out_->threads.push_back(std::move(thread));
  }

  // The plain begin and end of an op stay in this loop; all else is rarer.
  void ReadPiece(const LogPiece& piece) {
    const uint64_t* words = piece.words;
    const uint64_t* const end = words + piece.count;
    while (words < end) {
      const Kind kind = KindOf(words[0]);
      const uint64_t ticks = TicksOf(words[0]);
      if (ticks > session_.stop_ticks) return;
      if (kind == Kind::kBegin) {
        const int32_t parent = Innermost();
        int32_t row = kNotKept;
        if (IsKept(ticks, words[1])) {
          row = AddRow(Ns(ticks), words[1], parent);
          if (parent == kNoParent) AddContextParent(row);
        }
        Push(row, 0);
        words += 2;
      } else if (kind == Kind::kEnd) {
        if (!stack_.empty()) {
          if (stack_.back().row != kNotKept) Close(stack_.back().row, Ns(ticks));
          stack_.pop_back();
        }
        words += 1;
      } else {
        ReadRare(kind, ticks, words);
        words += RecordWords(words);
      }
    }
  }

  void ReadRare(Kind kind, uint64_t ticks, const uint64_t* words) {
    switch (kind) {
      case Kind::kBegin:
      case Kind::kEnd:
        break;  // ReadPiece
      case Kind::kEndAt:
        if (words[1] < stack_.size()) {
          const auto entry = stack_.begin() + static_cast<std::ptrdiff_t>(words[1]);
          if (entry->row != kNotKept) Close(entry->row, Ns(ticks));
          stack_.erase(entry);
        }
        break;
      case Kind::kBeginChild: {
        int32_t row = kNotKept;
        if (IsKept(ticks, words[1])) {
          row = AddRow(Ns(ticks), words[1], Innermost());
          references_.AddParent(static_cast<uint32_t>(row), words[2]);
        }
        Push(row, 0);
        break;
      }
      case Kind::kBeginSpan:
      case Kind::kOpenSpan: {
        int32_t row = kNotKept;
        const bool is_bracket = (words[1] >> 32 & 1) != 0;
        const bool is_root = (words[1] >> 33 & 1) != 0;
        if (!IsKept(ticks, words[1])) {
          if (is_bracket) unseen_[words[2]] = Ns(ticks);
        } else {
          row = AddRow(Ns(ticks), words[1], is_root ? kNoParent : Innermost());
          const auto at = static_cast<uint32_t>(row);
          if (is_bracket) spans_.flags[at] |= kBracket;
          if (words[3] != 0) {
            references_.AddParent(at, words[3]);
          } else if (!is_root && Innermost() == kNoParent) {
            AddContextParent(row);
          }
          out_->ids.Append({words[2], 0, 0, 0, at});
          references_.AddRow(words[2], at);
          if (kind == Kind::kOpenSpan) AddAsync(row, spans_.start_ns[at]);
          live_[words[2]] = {row};
        }
        if (kind == Kind::kBeginSpan) Push(row, words[2]);
        break;
      }
      case Kind::kLeave: {
        const int32_t row = RemoveSpanEntry(words[1]);
        if (row != kNotKept) AddAsync(row, Ns(ticks));
        break;
      }
      case Kind::kEndSpan:
      case Kind::kFailSpan:
        RemoveSpanEntry(words[1]);
        EndSpan({Ns(ticks), words[1], kind == Kind::kFailSpan}, true);
        break;
      case Kind::kTimed:
        if (IsKept(ticks, words[1])) {
          const auto start = static_cast<int64_t>(words[2]) - out_->origin_clock_ns;
          const auto stop = static_cast<int64_t>(words[3]) - out_->origin_clock_ns;
          timed_.push_back({start, std::max<int64_t>(stop - start, 0), words[4], words[5],
                            static_cast<uint32_t>(words[1]), (words[1] >> 32 & 1) != 0,
                            (words[1] >> 33 & 1) != 0});
        }
        break;
      case Kind::kAttribute:
        AddAttribute(words);
        break;
      case Kind::kLink:
        references_.AddLink({words[2], words[3], words[4], 0}, words[1]);
        break;
      case Kind::kTraceId:
        references_.AddTraceId(words[1], words[2], words[3], words[4]);
        break;
      case Kind::kMark:
        if (IsKept(ticks, words[1])) out_->marks.Append({Ns(ticks), Name(words[1]), thread_, Innermost()});
        break;
      case Kind::kSpanMark:
        if (IsKept(ticks, words[1]))
          references_.AddMark({Ns(ticks), Name(words[1]), thread_, kNoParent}, words[2]);
        break;
      case Kind::kTimedMark:
        if (const auto at = static_cast<int64_t>(words[2]) - out_->origin_clock_ns;
            at >= 0 && at <= out_->duration_ns && IsKept(ticks, words[1]))
          out_->marks.Append({at, Name(words[1]), thread_, kNoParent});
        break;
      case Kind::kCounter:
        if (IsKept(ticks, words[1])) {
          double value;
          std::memcpy(&value, &words[2], sizeof(value));
          out_->counters.Append({Ns(ticks), value, Name(words[1]), thread_});
        }
        break;
      case Kind::kEnter:
        EndContext(Ns(ticks));
        contexts_.push_back(words[1]);
        break;
      case Kind::kExit:
        // Of what was entered before the oldest record that is left, there is none.
        EndContext(Ns(ticks));
        if (!contexts_.empty()) contexts_.pop_back();
        break;
      case Kind::kUnseenEnd:
        AddUnseen(0, Ns(ticks));
        break;
    }
  }

  void AddAsync(int32_t row, int64_t return_ns) {
    spans_.flags[static_cast<size_t>(row)] |= kAsync;
    out_->asyncs.Append({return_ns, static_cast<uint32_t>(row)});
  }

  int32_t RemoveSpanEntry(uint64_t span_id) {
    for (size_t i = stack_.size(); i-- > 0;) {
      if (stack_[i].span_id != span_id) continue;
      const int32_t row = stack_[i].row;
      stack_.erase(stack_.begin() + static_cast<std::ptrdiff_t>(i));
      return row;
    }
    return kNotKept;
  }

  void EndSpan(const PendingEnd& end, bool may_come_later) {
    const auto found = live_.find(end.span_id);
    if (found == live_.end()) {
      if (may_come_later) {
        ends_.push_back(end);
      } else if (const auto unseen = unseen_.find(end.span_id); unseen != unseen_.end()) {
        AddUnseen(unseen->second, end.at_ns);
        unseen_.erase(unseen);
      }
      return;
    }
    Close(found->second.row, end.at_ns);
    if (end.failed) spans_.flags[static_cast<size_t>(found->second.row)] |= kError;
    live_.erase(found);
  }

  void AddUnseen(int64_t start_ns, int64_t end_ns) {
    if (end_ns > 0) out_->unseen_brackets.Append({std::max<int64_t>(start_ns, 0), end_ns});
  }
  // Since when is not known: all of the window up to where it is known to have been.
  void AddUnseenInFlight() {
    for (const uint64_t ticks : session_.unseen_until) AddUnseen(0, Ns(ticks));
    for (const LogSnapshot& log : input_.logs) {
      if (log.unseen_brackets != 0) AddUnseen(0, out_->duration_ns);
    }
  }

  void AddAttribute(const uint64_t* words) {
    const auto type = static_cast<AttributeType>(words[1] >> 32 & 0xFF);
    AttributeRow row{};
    row.key = Text(words[1] & UINT32_MAX);
    row.type = type;
    if (type == AttributeType::kString) {
      const auto bytes = static_cast<size_t>(words[1] >> 40);
      row.integer = static_cast<int64_t>(out_->strings.size());
      out_->strings.emplace_back(reinterpret_cast<const char*>(&words[3]), bytes);
    } else {
      std::memcpy(&row.integer, &words[3], sizeof(row.integer));
    }
    if (words[2] != 0) {
      references_.AddAttribute(row, words[2]);
    } else if (Innermost() != kNoParent) {
      row.row = static_cast<uint32_t>(Innermost());
      out_->attributes.Append(row);
    }
  }

  // Behind the thread's own rows; PutInBeginOrder brings them where they belong.
  void AddTimedRows() {
    has_timed_rows_ |= !timed_.empty();
    std::stable_sort(timed_.begin(), timed_.end(), [](const TimedRow& a, const TimedRow& b) {
      return a.start_ns != b.start_ns ? a.start_ns < b.start_ns : a.duration_ns > b.duration_ns;
    });
    for (const TimedRow& timed : timed_) {
      const int32_t row = AddRow(timed.start_ns, timed.name, kNoParent);
      const auto at = static_cast<uint32_t>(row);
      spans_.duration_ns[at] = timed.duration_ns;
      spans_.flags[at] = static_cast<uint8_t>(kTimed | (timed.is_bracket ? kBracket : 0));
      out_->ids.Append({timed.span_id, 0, 0, 0, at});
      references_.AddRow(timed.span_id, at);
      if (timed.parent_id != 0) references_.AddParent(at, timed.parent_id);
      if (timed.is_async) AddAsync(row, timed.start_ns);
    }
  }

  void ResolvePending() {
    for (const PendingEnd& end : ends_) EndSpan(end, false);
    for (const auto& [span_id, start_ns] : unseen_) AddUnseen(start_ns, out_->duration_ns);
    for (const auto& [span_id, live] : live_) MarkUnfinished(live.row);
    references_.Resolve(out_.get());
    const auto by_row = [](const auto& a, const auto& b) { return a.row < b.row; };
    SortTable(&out_->asyncs, by_row);
    SortTable(&out_->attributes, by_row);
    SortTable(&out_->links, by_row);
    SortTable(&out_->marks, [](const MarkRow& a, const MarkRow& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.at_ns < b.at_ns;
    });
    SortTable(&out_->unseen_brackets,
              [](const BracketRow& a, const BracketRow& b) { return a.start_ns < b.start_ns; });
  }

  void AddWarnings() {
    out_->dropped = input_.counts.dropped_spans;
    out_->warnings = WarningsOf(input_.counts, out_->unfinished);
    const bool is_shortened =
        session_.forgotten_ticks != 0 && session_.forgotten_ticks == session_.start_ticks;
    if (is_shortened) {
      out_->warnings.push_back(
          {"window-shortened", "memory held a shorter stretch than was to be kept; raise bufferMB", 1});
    }
  }

  const MergeInput& input_;
  const Session& session_;
  ClockMap clock_;
  std::shared_ptr<Recording> out_;
  SpanColumns& spans_ = out_->spans;
  size_t rows_ = 0;
  bool has_timed_rows_ = false;
  int64_t origin_ns_ = 0;
  std::vector<uint32_t> name_map_, text_map_;

  // Of the thread being read.
  uint32_t thread_ = 0;
  SessionWindow window_{session_};
  std::vector<OpenEntry> stack_;
  std::vector<uint64_t> contexts_;  // span ids, the innermost last
  int64_t context_start_ns_ = 0;    // of the innermost one's latest stretch
  std::vector<TimedRow> timed_;

  // Of all threads.
  std::unordered_map<uint64_t, LiveSpan> live_;
  std::unordered_map<uint64_t, int64_t> unseen_;  // starts of brackets without a row
  std::vector<PendingEnd> ends_;
  SpanReferences references_;
};

}  // namespace

std::vector<Warning> WarningsOf(const RecorderCounts& counts, uint64_t unfinished) {
  std::vector<Warning> warnings;
  for (const RecorderCount& count : kRecorderCounts) {
    if (counts.*count.field != 0) warnings.push_back({count.code, count.detail, counts.*count.field});
  }
  if (unfinished != 0) {
    warnings.push_back({"unfinished-spans",
                        "spans were still open when the session stopped; they count in no statistic",
                        unfinished});
  }
  return warnings;
}

std::shared_ptr<Recording> MergeLogs(const MergeInput& input) { return Merger(input).Run(); }

}  // namespace opscope
