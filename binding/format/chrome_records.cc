#include "chrome_records.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "../core/record.h"
#include "hex.h"

namespace opscope {

void RecordLines::Write(uint32_t thread, int64_t tid, const std::vector<LogPiece>& pieces,
                        const Session& session, ClockMap* clock, int64_t origin_ns) {
  while (threads_.size() <= thread) threads_.push_back(std::make_unique<Thread>());
  thread_ = threads_[thread].get();
  if (thread_->tid != tid) thread_->slices = JsonLines::StartOfSlices(out_.pid(), tid);
  thread_->tid = tid;
  const int64_t clock_origin_ns = out_.recording().origin_clock_ns;
  SessionWindow window(session);
  for (const LogPiece& piece : pieces) {
    // Spans whose begin is no longer in the log.
    if (!thread_->is_known) thread_->stack.resize(piece.open_at_start);
    thread_->is_known = true;
    const uint64_t* const end = piece.words + piece.count;
    for (const uint64_t* record = piece.words; record < end; record += RecordWords(record)) {
      const Kind kind = KindOf(record[0]);
      const uint64_t ticks = TicksOf(record[0]);
      if (ticks > session.stop_ticks) return;
      // The map of a later batch may differ by some ns, and what nests must not overlap.
      const int64_t at_ns = thread_->last_ns = std::max(thread_->last_ns, clock->Map(ticks) - origin_ns);
      const bool is_kept = HasName(kind) && window.Keeps(ticks, static_cast<uint32_t>(record[1]));
      WriteRecord(record, at_ns, is_kept, clock_origin_ns);
    }
  }
}

void RecordLines::WriteRecord(const uint64_t* record, int64_t at_ns, bool is_kept, int64_t clock_origin_ns) {
  const Kind kind = KindOf(record[0]);
  switch (kind) {
    case Kind::kAttribute:
    case Kind::kLink:
    case Kind::kTraceId:
      return AddDetail(record);
    default:
      if (thread_->timed.number != 0) WriteTimed(thread_);
  }
  switch (kind) {
    case Kind::kBegin:
      return Push(is_kept ? NewRow(record[1], at_ns, 0) : Row(), is_kept);
    case Kind::kBeginChild:
      return Push(is_kept ? NewRow(record[1], at_ns, record[2]) : Row(), is_kept);
    case Kind::kEnd:
      return End(at_ns);
    case Kind::kEndAt:
      return EndAt(record[1], at_ns);
    case Kind::kBeginSpan:
    case Kind::kOpenSpan:
      return BeginSpan(record, at_ns, is_kept);
    case Kind::kLeave:
      return Leave(record[1], at_ns);
    case Kind::kEndSpan:
    case Kind::kFailSpan:
      return EndSpan(record[1], at_ns, kind == Kind::kFailSpan);
    case Kind::kTimed:
      if (is_kept) HoldTimed(record, clock_origin_ns);
      return;
    case Kind::kMark:
      if (is_kept) out_.WriteMark(out_.pid(), thread_->tid, at_ns, NameIndexOf(record[1]));
      return;
    case Kind::kSpanMark:
      if (is_kept) out_.WriteMark(out_.pid(), thread_->tid, at_ns, NameIndexOf(record[1]), record[2]);
      return;
    case Kind::kTimedMark: {
      const int64_t marked_ns = static_cast<int64_t>(record[2]) - clock_origin_ns;
      if (is_kept && marked_ns >= 0)
        out_.WriteMark(out_.pid(), thread_->tid, marked_ns, NameIndexOf(record[1]));
      return;
    }
    case Kind::kCounter: {
      if (!is_kept) return;
      double value;
      std::memcpy(&value, &record[2], sizeof value);
      return out_.WriteCounter(out_.pid(), thread_->tid, at_ns, NameIndexOf(record[1]), value);
    }
    case Kind::kEnter:
      thread_->contexts.push_back(record[1]);
      return;
    case Kind::kExit:
      if (!thread_->contexts.empty()) thread_->contexts.pop_back();
      return;
    case Kind::kAttribute:
    case Kind::kLink:
    case Kind::kTraceId:
    case Kind::kUnseenEnd:
      return;
  }
}

// --- the stack ---

RecordLines::Parent RecordLines::Innermost() const noexcept {
  return thread_->stack.empty() ? Parent() : thread_->stack.back().of_children;
}

RecordLines::Row* RecordLines::InnermostRow() {
  for (auto entry = thread_->stack.rbegin(); entry != thread_->stack.rend(); ++entry) {
    if (entry->row.number == 0) continue;
    if (entry->row.span_id == 0) return &entry->row;
    const auto live = live_.find(entry->row.span_id);
    return live == live_.end() ? nullptr : &live->second;
  }
  return nullptr;
}

uint64_t RecordLines::Context() const noexcept {
  if (!thread_->stack.empty()) return thread_->stack.back().context;
  return thread_->contexts.empty() ? 0 : thread_->contexts.back();
}

void RecordLines::MarkNamed(uint64_t number) {
  for (auto entry = thread_->stack.rbegin(); entry != thread_->stack.rend(); ++entry) {
    if (entry->row.number != number) continue;
    entry->row.is_named = true;
    return;
  }
}

RecordLines::Row RecordLines::NewRow(uint64_t name_id, int64_t at_ns, uint64_t parent_id, bool is_root) {
  Row row;
  row.number = ++row_count_;
  row.name = NameIndexOf(name_id);
  row.start_ns = at_ns;
  row.tid = thread_->tid;
  if (!is_root) row.parent = Innermost();
  row.tells_parent = row.parent.is_gone || is_root;
  row.told_parent_id = parent_id;
  if (parent_id == 0 && row.parent.row == 0 && !is_root) row.told_parent_id = Context();
  // Where the span that was named is not in the file, it is this one.
  if (parent_id != 0 && row.parent.row != 0) MarkNamed(row.parent.row);
  return row;
}

void RecordLines::Push(Row row, bool is_kept) {
  Entry entry;
  entry.of_children = is_kept ? Parent{row.number, row.span_id} : Innermost();
  if (!is_kept) entry.context = Context();
  entry.row = std::move(row);
  thread_->stack.push_back(std::move(entry));
}

void RecordLines::BeginSpan(const uint64_t* record, int64_t at_ns, bool is_kept) {
  const bool is_pushed = KindOf(record[0]) == Kind::kBeginSpan;
  const uint64_t span_id = record[2];
  Row place;
  place.span_id = span_id;
  if (is_kept) {
    Row row = NewRow(record[1], at_ns, record[3], (record[1] >> 33 & 1) != 0);
    if (row.parent.row != 0) MarkNamed(row.parent.row);
    row.span_id = span_id;
    row.flags = static_cast<uint8_t>(((record[1] >> 32 & 1) != 0 ? kBracket : 0) | (is_pushed ? 0 : kAsync));
    row.return_ns = at_ns;
    row.is_on_stack = is_pushed;
    place.number = row.number;
    const auto early = early_.find(span_id);
    if (early != early_.end()) row.details = std::move(early->second.details);
    if (early != early_.end() && early->second.has_ended) ended_early_.push_back(span_id);
    live_[span_id] = std::move(row);
  }
  if (is_pushed) Push(std::move(place), is_kept);
}

bool RecordLines::IsPlain(const Row& row) noexcept {
  return row.flags == 0 && row.told_parent_id == 0 && row.parent.span_id == 0 && !row.is_named &&
         !row.tells_parent && row.details == nullptr;
}

void RecordLines::End(int64_t at_ns) {
  if (thread_->stack.empty()) return;
  Entry entry = std::move(thread_->stack.back());
  thread_->stack.pop_back();
  Row& row = entry.row;
  if (row.span_id != 0) {
    if (const auto live = live_.find(row.span_id); live != live_.end()) live->second.is_on_stack = false;
    return;
  }
  if (row.number == 0) return;
  // Of rows that begin at one moment and have no length, lines do not tell which lies in which.
  if (row.start_ns == at_ns && row.parent.span_id == 0 && row.parent.row != 0) {
    MarkNamed(row.parent.row);
    row.tells_parent = true;
  }
  const JsonLines::Tail& tail = out_.tail(row.name);
  if (!IsPlain(row) || tail.whole_size == 0) return WriteSlice(row, at_ns);
  ByteSink& sink = out_.sink();
  char* const p = reinterpret_cast<char*>(sink.Room(JsonLines::kFastLine));
  char* const end = out_.PutSlice(p, thread_->slices, row.start_ns, at_ns - row.start_ns, tail);
  sink.Advance(reinterpret_cast<uint8_t*>(end));
}

void RecordLines::EndAt(uint64_t index, int64_t at_ns) {
  std::vector<Entry>& stack = thread_->stack;
  if (index >= stack.size()) return;
  if (index + 1 == stack.size()) return End(at_ns);
  const auto at = stack.begin() + static_cast<std::ptrdiff_t>(index);
  Entry entry = std::move(*at);
  stack.erase(at);
  if (entry.row.number == 0 || entry.row.span_id != 0) return;
  for (auto above = stack.begin() + static_cast<std::ptrdiff_t>(index); above != stack.end(); ++above) {
    above->row.tells_parent |= above->row.parent.row == entry.row.number;
    above->of_children.is_gone |= above->of_children.row == entry.row.number;
  }
  entry.row.is_named = true;
  if (entry.row.parent.row != 0) MarkNamed(entry.row.parent.row);
  WritePair(entry.row, at_ns);
}

bool RecordLines::RemoveSpanEntry(uint64_t span_id) {
  std::vector<Entry>& stack = thread_->stack;
  for (size_t i = stack.size(); i-- > 0;) {
    if (stack[i].row.span_id != span_id) continue;
    const bool is_top = i + 1 == stack.size();
    stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(i));
    if (const auto live = live_.find(span_id); live != live_.end()) live->second.is_on_stack = false;
    return is_top;
  }
  return false;
}

void RecordLines::Leave(uint64_t span_id, int64_t at_ns) {
  const auto live = live_.find(span_id);
  const bool was_on_stack = live != live_.end() && live->second.is_on_stack;
  const bool was_top = RemoveSpanEntry(span_id);
  if (!was_on_stack || live->second.is_on_stack) return;
  Row& row = live->second;
  row.flags |= kAsync;
  row.return_ns = at_ns;
  if (was_top && at_ns > row.start_ns) WriteSyncPart(row);
}

void RecordLines::EndSpan(uint64_t span_id, int64_t at_ns, bool has_failed) {
  const bool was_top = RemoveSpanEntry(span_id);
  const auto live = live_.find(span_id);
  if (live == live_.end()) {
    Early& early = early_[span_id];
    early.has_ended = true;
    early.has_failed = has_failed;
    early.end_ns = at_ns;
    early.sweep = sweep_;
    return;
  }
  Row row = std::move(live->second);
  live_.erase(live);
  if (has_failed) row.flags |= kError;
  // Of another thread: its clock may be read a little earlier.
  const int64_t end_ns = std::max(at_ns, row.start_ns);
  if (was_top && (row.flags & kAsync) == 0) {
    WriteSlice(row, end_ns);
  } else {
    WritePair(row, end_ns);
  }
}

// --- details ---

void RecordLines::HoldTimed(const uint64_t* record, int64_t clock_origin_ns) {
  Row row;
  row.number = ++row_count_;
  row.name = NameIndexOf(record[1]);
  row.tid = thread_->tid;
  row.start_ns = static_cast<int64_t>(record[2]) - clock_origin_ns;
  row.return_ns = std::max(static_cast<int64_t>(record[3]) - clock_origin_ns, row.start_ns);
  row.span_id = record[4];
  row.told_parent_id = record[5];
  row.flags = static_cast<uint8_t>(kTimed | ((record[1] >> 32 & 1) != 0 ? kAsync : 0) |
                                   ((record[1] >> 33 & 1) != 0 ? kBracket : 0));
  thread_->timed = std::move(row);
}

void RecordLines::WriteTimed(Thread* thread) {
  Row row = std::move(thread->timed);
  thread->timed = Row();
  const int64_t end_ns = std::exchange(row.return_ns, row.start_ns);
  WritePair(row, end_ns);
}

RecordLines::Details* RecordLines::DetailsOf(uint64_t span_id) {
  Row* row = nullptr;
  if (span_id == 0) {
    row = InnermostRow();
    if (row == nullptr) return nullptr;
  } else if (thread_->timed.span_id == span_id) {
    row = &thread_->timed;
  } else if (const auto live = live_.find(span_id); live != live_.end()) {
    row = &live->second;
  }
  if (row == nullptr) early_[span_id].sweep = sweep_;
  std::unique_ptr<Details>& details = row == nullptr ? early_[span_id].details : row->details;
  if (details == nullptr) details = std::make_unique<Details>();
  return details.get();
}

void RecordLines::AddDetail(const uint64_t* record) {
  const Kind kind = KindOf(record[0]);
  Details* details = DetailsOf(kind == Kind::kAttribute ? record[2] : record[1]);
  if (details == nullptr) return;
  if (kind == Kind::kTraceId) {
    details->trace_high = record[2];
    details->trace_low = record[3];
    details->remote_parent = record[4];
  } else if (kind == Kind::kLink) {
    AppendLink({record[2], record[3], record[4], 0}, &details->links);
  } else {
    AttributeRow row{};
    row.type = static_cast<AttributeType>(record[1] >> 32 & 0xFF);
    std::string_view text;
    if (row.type == AttributeType::kString) {
      text = {reinterpret_cast<const char*>(&record[3]), static_cast<size_t>(record[1] >> 40)};
    } else {
      std::memcpy(&row.integer, &record[3], sizeof row.integer);
    }
    AppendAttribute(names_[NameIndexOf(record[1])].text, row, text, &details->attributes);
  }
}

// What the beginning thread says of such a span follows its begin.
void RecordLines::EndBatch() {
  for (const uint64_t span_id : ended_early_) {
    const auto early = early_.find(span_id);
    const auto live = live_.find(span_id);
    if (early == early_.end() || live == live_.end()) continue;
    if (early->second.has_failed) live->second.flags |= kError;
    WritePair(live->second, std::max(live->second.start_ns, early->second.end_ns));
    live_.erase(live);
    early_.erase(early);
  }
  ended_early_.clear();
}

// Logs are read one after the other: a begin that was missed in one sweep is in the next.
void RecordLines::EndSweep() {
  ++sweep_;
  std::erase_if(early_, [this](const auto& early) { return early.second.sweep + 2 <= sweep_; });
}

// --- open spans ---

uint64_t RecordLines::open_count() const noexcept {
  uint64_t count = live_.size();
  for (const auto& thread : threads_) {
    for (const Entry& entry : thread->stack) count += entry.row.number != 0 && entry.row.span_id == 0 ? 1 : 0;
  }
  return count;
}

void RecordLines::WriteUnfinished(Row* row, int64_t now_ns) {
  const uint8_t flags = std::exchange(row->flags, static_cast<uint8_t>(row->flags | kUnfinished));
  const int64_t end_ns = std::max(now_ns, row->start_ns);
  if ((flags & kAsync) == 0) {
    WriteSlice(*row, end_ns);
  } else {
    WritePair(*row, end_ns);
  }
  row->flags = flags;
}

void RecordLines::WriteOpen(int64_t now_ns, size_t most) {
  const size_t most_on_stack = most == SIZE_MAX ? SIZE_MAX : kMostOnStack;
  for (const auto& thread : threads_) {
    size_t written = 0;
    const int64_t end_ns = std::max(now_ns, thread->last_ns);
    for (auto entry = thread->stack.rbegin(); entry != thread->stack.rend(); ++entry) {
      if (entry->row.number == 0 || written == most_on_stack || most == 0) continue;
      Row* row = &entry->row;
      if (row->span_id != 0) {
        const auto live = live_.find(row->span_id);
        if (live == live_.end() || !live->second.is_on_stack) continue;
        row = &live->second;
      }
      WriteUnfinished(row, end_ns);
      ++written;
      --most;
    }
    if (thread->timed.number == 0) continue;
    const int64_t timed_end_ns = std::exchange(thread->timed.return_ns, thread->timed.start_ns);
    WritePair(thread->timed, timed_end_ns);
    thread->timed.return_ns = timed_end_ns;
  }
  std::vector<Row*> rest;
  for (auto& [id, row] : live_) {
    if (!row.is_on_stack) rest.push_back(&row);
  }
  const size_t count = std::min(most, rest.size());
  std::partial_sort(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(count), rest.end(),
                    [](const Row* a, const Row* b) { return a->start_ns < b->start_ns; });
  for (size_t i = 0; i < count; ++i) WriteUnfinished(rest[i], now_ns);
}

void RecordLines::Finish(int64_t now_ns) {
  for (const auto& thread : threads_) {
    if (thread->timed.number != 0) WriteTimed(thread.get());
  }
  WriteOpen(now_ns, SIZE_MAX);
}

// --- lines ---

void RecordLines::WriteSlice(const Row& row, int64_t end_ns) {
  out_.StartLine("X", out_.pid(), row.tid);
  out_.AddTime(R"(,"ts":)", row.start_ns);
  out_.AddTime(R"(,"dur":)", end_ns - row.start_ns);
  line_ += out_.BaseOf(row.name);
  AddArgs(row, false);
  line_ += '}';
  out_.EndLine();
}

template <typename WriteArgs>
void RecordLines::WritePairOf(std::string_view base, uint64_t id, int64_t tid, int64_t start_ns,
                              int64_t end_ns, WriteArgs write_args) {
  char digits[16];
  PutHex(digits, id);
  out_.StartLine("b", out_.pid(), tid);
  out_.AddTime(R"(,"ts":)", start_ns);
  line_ += base;
  out_.AddText("id", {digits, sizeof digits});
  write_args();
  line_ += '}';
  out_.EndLine();
  out_.StartLine("e", out_.pid(), tid);
  out_.AddTime(R"(,"ts":)", end_ns);
  line_ += base;
  out_.AddText("id", {digits, sizeof digits});
  line_ += R"(,"args":{}})";
  out_.EndLine();
}

void RecordLines::WritePair(const Row& row, int64_t end_ns) {
  // Random ids miss the small numbers of rows.
  WritePairOf(out_.BaseOf(row.name), row.span_id != 0 ? row.span_id : row.number, row.tid, row.start_ns,
              end_ns, [this, &row] { AddArgs(row, true); });
}

void RecordLines::WriteRange(int64_t tid, std::string_view text, int64_t start_ns, int64_t end_ns) {
  std::string base = R"(,"name":)";
  AppendJsonString(text.empty() ? "(unnamed)" : text, &base);
  base.append(R"(,"cat":")").append(CategoryName(Category::kSection)) += '"';
  WritePairOf(base, ++row_count_, tid, start_ns, end_ns, [this] { line_ += R"(,"args":{"timed":true})"; });
}

void RecordLines::WriteSyncPart(const Row& row) {
  out_.StartLine("X", out_.pid(), row.tid);
  out_.AddTime(R"(,"ts":)", row.start_ns);
  out_.AddTime(R"(,"dur":)", row.return_ns - row.start_ns);
  line_ += out_.BaseOf(row.name);
  line_ += R"(,"args":{"sync_part":true}})";
  out_.EndLine();
}

void RecordLines::AddArgs(const Row& row, bool is_pair) {
  line_ += R"(,"args":{)";
  out_.AddRole(names_[row.name]);
  out_.AddFlags(row.flags);
  if ((row.flags & kAsync) != 0) out_.AddNumber("return_ns", row.return_ns);
  if (row.is_named) out_.AddUnsigned("row", row.number);
  if (row.span_id != 0) out_.AddHex("span_id", row.span_id);
  const Details* details = row.details.get();
  if (details != nullptr && (details->trace_high | details->trace_low) != 0)
    out_.AddTraceId(details->trace_high, details->trace_low);
  const uint64_t parent_id = row.told_parent_id != 0 ? row.told_parent_id : row.parent.span_id;
  if (parent_id != 0) out_.AddHex("parent_span_id", parent_id);
  const bool is_needed = row.told_parent_id != 0 || (parent_id == 0 && (is_pair || row.tells_parent));
  if (is_needed && row.parent.span_id != 0) {
    out_.AddHex("within_span_id", row.parent.span_id);
  } else if (is_needed && row.parent.row != 0) {
    out_.AddUnsigned("parent_row", row.parent.row);
  } else if (is_needed && !is_pair) {
    out_.AddNumber("parent_row", -1);
  }
  if (details != nullptr) {
    if (details->remote_parent != 0) out_.AddHex("remote_parent_span_id", details->remote_parent);
    if (!details->attributes.empty()) {
      out_.Key("attributes");
      line_.append("{").append(details->attributes).append("}");
    }
    if (!details->links.empty()) {
      out_.Key("links");
      line_.append("[").append(details->links).append("]");
    }
  }
  line_ += '}';
}

}  // namespace opscope
