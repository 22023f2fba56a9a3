#include "chrome_spans.h"

#include <algorithm>

#include "hex.h"

namespace opscope {
SpanLines::SpanLines(JsonLines* out)
    : out_(*out),
      line_(out->line()),
      recording_(out->recording()),
      asyncs_(recording_.asyncs, 0),
      ids_(recording_.ids, 0),
      attributes_(recording_.attributes, 0),
      links_(recording_.links, 0) {}

uint64_t SpanLines::SpanIdOf(int32_t row) const {
  if (row < 0) return 0;
  RowCursor<IdRow> cursor(recording_.ids, static_cast<uint32_t>(row));
  const IdRow* id = cursor.Take(static_cast<uint32_t>(row));
  return id == nullptr ? 0 : id->span_id;
}

void SpanLines::Write(const ThreadEntry& thread, int64_t tid) {
  pid_ = out_.pid(thread.process);
  tid_ = tid;
  const SpanColumns& spans = recording_.spans;
  asyncs_ = {recording_.asyncs, thread.first_row};
  ids_ = {recording_.ids, thread.first_row};
  attributes_ = {recording_.attributes, thread.first_row};
  links_ = {recording_.links, thread.first_row};
  stack_.Clear();
  const auto next_extra = [this] {
    return std::min({ids_.next_row(), attributes_.next_row(), links_.next_row()});
  };
  uint32_t extra = next_extra();

  constexpr size_t kFastLine = JsonLines::kFastLine;
  const JsonLines::SliceStart start = JsonLines::StartOfSlices(pid_, tid_);
  char* p = reinterpret_cast<char*>(out_.sink().Room(kFastLine));
  const auto* safe = reinterpret_cast<const char*>(out_.sink().limit()) - kFastLine;
  const auto refill = [&](char* end) {
    out_.sink().Advance(reinterpret_cast<uint8_t*>(end));
    p = reinterpret_cast<char*>(out_.sink().Room(ByteSink::kMaxRoom));
    safe = reinterpret_cast<const char*>(out_.sink().limit()) - kFastLine;
  };

  const uint32_t end_row = thread.first_row + thread.row_count;
  for (uint32_t row = thread.first_row; row < end_row; ++row) {
    const int64_t start_ns = spans.start_ns[row];
    const int64_t duration_ns = spans.duration_ns[row];
    const int32_t parent = spans.parent[row];
    const int64_t end_ns = start_ns + duration_ns;
    while (stack_.EndsBy(start_ns)) stack_.Pop();
    const JsonLines::Tail& tail = out_.tail(spans.name[row]);
    if (spans.flags[row] == 0 && row != extra && parent == stack_.top_row() && stack_.Fits(end_ns) &&
        tail.whole_size != 0) {
      p = out_.PutSlice(p, start, start_ns, duration_ns, tail);
      stack_.Push(end_ns, static_cast<int32_t>(row));
    } else {
      out_.sink().Advance(reinterpret_cast<uint8_t*>(p));
      WriteRow(row);
      extra = next_extra();
      p = reinterpret_cast<char*>(out_.sink().Room(kFastLine));
      safe = reinterpret_cast<const char*>(out_.sink().limit()) - kFastLine;
    }
    if (p > safe) {
      refill(p);
      if (out_.failed()) return;
    }
  }
  out_.sink().Advance(reinterpret_cast<uint8_t*>(p));
}

// Any row, however odd.
void SpanLines::WriteRow(uint32_t row) {
  const SpanColumns& spans = recording_.spans;
  const uint8_t flags = spans.flags[row];
  const int64_t start_ns = spans.start_ns[row];
  const int64_t end_ns = start_ns + spans.duration_ns[row];
  const std::string_view base = out_.BaseOf(spans.name[row]);
  const AsyncRow* async = asyncs_.Take(row);
  const uint64_t span_id = SpanIdOf(static_cast<int32_t>(row));

  if ((flags & kAsync) == 0 && stack_.Fits(end_ns)) {
    out_.StartLine("X", pid_, tid_);
    out_.AddTime(R"(,"ts":)", start_ns);
    out_.AddTime(R"(,"dur":)", spans.duration_ns[row]);
    line_ += base;
    AddArgs(row, async, span_id);
    line_ += '}';
    out_.EndLine();
    stack_.Push(end_ns, static_cast<int32_t>(row));
    return;
  }
  // Both events need one id; a row without any gets its place in the file,
  // which random ids miss.
  char id[16];
  PutHex(id, span_id != 0 ? span_id : uint64_t{row} + 1);
  const auto add_id = [this, &id] { out_.AddText("id", {id, sizeof id}); };
  out_.StartLine("b", pid_, tid_);
  out_.AddTime(R"(,"ts":)", start_ns);
  line_ += base;
  add_id();
  AddArgs(row, async, span_id);
  line_ += '}';
  out_.EndLine();
  out_.StartLine("e", pid_, tid_);
  out_.AddTime(R"(,"ts":)", end_ns);
  line_ += base;
  add_id();
  line_ += R"(,"args":{}})";
  out_.EndLine();
  if (async != nullptr && async->return_ns > start_ns && stack_.Fits(async->return_ns)) {
    out_.StartLine("X", pid_, tid_);
    out_.AddTime(R"(,"ts":)", start_ns);
    out_.AddTime(R"(,"dur":)", async->return_ns - start_ns);
    line_ += base;
    line_ += R"(,"args":{"sync_part":true}})";
    out_.EndLine();
    stack_.Push(async->return_ns, static_cast<int32_t>(row));
  }
}

void SpanLines::AddArgs(uint32_t row, const AsyncRow* async, uint64_t span_id) {
  const SpanColumns& spans = recording_.spans;
  line_ += R"(,"args":{)";
  out_.AddRole(recording_.names[spans.name[row]]);
  out_.AddFlags(spans.flags[row]);
  if (async != nullptr) out_.AddNumber("return_ns", async->return_ns);
  const IdRow* id = ids_.Take(row);
  if (span_id != 0) out_.AddHex("span_id", span_id);
  if (id != nullptr && (id->trace_id_high | id->trace_id_low) != 0) {
    out_.AddTraceId(id->trace_id_high, id->trace_id_low);
  }
  const int32_t parent = spans.parent[row];
  const bool is_told = parent != stack_.top_row();
  uint64_t parent_id = is_told || id != nullptr ? SpanIdOf(parent) : 0;
  if (is_told && parent_id == 0) out_.AddNumber("parent_row", parent);
  if (id != nullptr && id->remote_parent_id != 0) {
    if (parent_id != 0) out_.AddNumber("parent_row", parent);
    parent_id = id->remote_parent_id;
  }
  if (parent_id != 0) out_.AddHex("parent_span_id", parent_id);
  AddAttributes(row);
  AddLinks(row);
  line_ += '}';
}

void SpanLines::AddAttributes(uint32_t row) {
  bool is_open = false;
  while (const AttributeRow* attribute = attributes_.Take(row)) {
    if (!is_open) {
      out_.Key("attributes");
      line_ += '{';
      is_open = true;
    }
    const bool is_text = attribute->type == AttributeType::kString;
    AppendAttribute(
        recording_.strings[attribute->key], *attribute,
        is_text ? recording_.strings[static_cast<size_t>(attribute->integer)] : std::string_view(), &line_);
  }
  if (is_open) line_ += '}';
}

void SpanLines::AddLinks(uint32_t row) {
  bool is_open = false;
  while (const LinkRow* link = links_.Take(row)) {
    if (!is_open) {
      out_.Key("links");
      line_ += '[';
      is_open = true;
    }
    AppendLink(*link, &line_);
  }
  if (is_open) line_ += ']';
}

}  // namespace opscope
