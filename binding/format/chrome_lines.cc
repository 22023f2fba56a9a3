#include "chrome_lines.h"

#include "hex.h"
#include "span_rows.h"

namespace opscope {

void AppendAttribute(std::string_view key, const AttributeRow& row, std::string_view text, std::string* out) {
  if (!out->empty() && out->back() != '{') *out += ',';
  AppendJsonString(key, out);
  *out += ':';
  switch (row.type) {
    case AttributeType::kString:
      AppendJsonString(text, out);
      break;
    case AttributeType::kDouble:
      AppendDouble(row.number, out);
      break;
    case AttributeType::kInt:
      AppendSafeInteger(row.integer, out);
      break;
    case AttributeType::kBool:
      *out += row.integer != 0 ? "true" : "false";
      break;
  }
}

void AppendLink(const LinkRow& link, std::string* out) {
  if (!out->empty() && out->back() != '[') *out += ',';
  char digits[48];
  PutHex(PutHex(PutHex(digits, link.trace_id_high), link.trace_id_low), link.span_id);
  *out += R"({"trace_id":")";
  out->append(digits, 32);
  *out += R"(","span_id":")";
  out->append(digits + 32, 16);
  *out += "\"}";
}

JsonLines::JsonLines(const Recording& recording, ByteSink* sink, LongNames long_names)
    : recording_(recording),
      sink_(sink),
      long_names_(long_names),
      processes_(ProcessLabels(recording)),
      next_tid_(kFirstMadeUpThreadId + static_cast<int64_t>(recording.threads.size())) {
  // Viewers take 0 for no process at all.
  if (processes_.front().id <= 0) processes_.front().id = 1;
  Grow();
}

void JsonLines::StartNameOf(std::string_view what, int64_t pid, int64_t tid, std::string_view name) {
  StartLine("M", pid, tid);
  AddText("name", what);
  line_ += R"(,"args":{)";
  AddText("name", name);
}
void JsonLines::WriteSortIndex(std::string_view what, int64_t pid, int64_t tid, int64_t index) {
  StartLine("M", pid, tid);
  AddText("name", what);
  line_ += R"(,"args":{)";
  AddNumber("sort_index", index);
  line_ += "}}";
  EndLine();
}
void JsonLines::WriteProcess(int64_t pid, std::string_view name, int64_t sort_index) {
  StartNameOf("process_name", pid, 0, name);
  line_ += "}}";
  EndLine();
  WriteSortIndex("process_sort_index", pid, 0, sort_index);
}
void JsonLines::WriteTrack(int64_t pid, int64_t tid, std::string_view name, int64_t sort_index,
                           int64_t thread) {
  StartNameOf("thread_name", pid, tid, name);
  if (thread != 0) AddNumber("of_thread", thread);
  line_ += "}}";
  EndLine();
  WriteSortIndex("thread_sort_index", pid, tid, sort_index);
}
void JsonLines::WriteThread(int64_t tid, uint32_t number) {
  const ThreadEntry& thread = recording_.threads[number];
  const int64_t own_pid = pid(thread.process);
  StartNameOf("thread_name", own_pid, tid, ThreadLabel(recording_, number));
  AddText("given_name", thread.name);
  AddNumber("os_thread_id", thread.os_thread_id);
  AddNumber("js_thread_id", thread.js_thread_id);
  line_ += "}}";
  EndLine();
  WriteSortIndex("thread_sort_index", own_pid, tid, SortIndexOf(thread, number));
}

// 60 bytes with the longest numbers.
JsonLines::SliceStart JsonLines::StartOfSlices(int64_t pid, int64_t tid) {
  std::string text = ",\n{\"ph\":\"X\",\"pid\":";
  AppendInteger(pid, &text);
  text += R"(,"tid":)";
  AppendInteger(tid, &text);
  text += R"(,"ts":)";
  SliceStart start;
  start.size = text.copy(start.text, sizeof start.text);
  return start;
}

int64_t JsonLines::SortIndexOf(const ThreadEntry& thread, uint32_t number) {
  if (thread.js_thread_id == 0) return 0;
  return thread.js_thread_id > 0 ? 1 + int64_t{thread.js_thread_id} : 100'000 + int64_t{number};
}

void JsonLines::WriteMark(int64_t pid, int64_t tid, int64_t at_ns, uint32_t name, uint64_t span_id) {
  StartLine("i", pid, tid);
  AddTime(R"(,"ts":)", at_ns);
  line_ += BaseOf(name);
  line_ += R"(,"s":"t","args":{)";
  AddRole(recording_.names[name]);
  if (span_id != 0) AddHex("span_id", span_id);
  line_ += "}}";
  EndLine();
}

void JsonLines::WriteCounter(int64_t pid, int64_t tid, int64_t at_ns, uint32_t name, double value) {
  StartLine("C", pid, tid);
  AddTime(R"(,"ts":)", at_ns);
  line_ += BaseOf(name);
  line_ += R"(,"args":{"value":)";
  AppendDouble(value, &line_);
  line_ += "}}";
  EndLine();
}

void JsonLines::WritePause(int64_t pid, int64_t tid, const PauseRow& pause) {
  StartLine("X", pid, tid);
  AddTime(R"(,"ts":)", pause.start_ns);
  AddTime(R"(,"dur":)", pause.end_ns - pause.start_ns);
  line_ += R"(,"name":"paused","cat":"opscope","args":{"pause":true}})";
  EndLine();
}

void JsonLines::AddFlags(uint8_t flags) {
  if ((flags & kAsync) != 0) AddTrue("async");
  if ((flags & kUnfinished) != 0) AddTrue("unfinished");
  if ((flags & kError) != 0) AddTrue("error");
  if ((flags & kTimed) != 0) AddTrue("timed");
  if ((flags & kBracket) != 0) AddTrue("bracket");
}

void JsonLines::Grow() {
  if (!tails_.empty()) tails_text_.resize(tails_text_.size() - kCopyStep);
  while (tails_.size() < recording_.names.size()) {
    const NameEntry& name = recording_.names[tails_.size()];
    Tail tail;
    tail.offset = tails_text_.size();
    tails_text_ += R"(,"name":)";
    AppendJsonString(name.text, &tails_text_);
    tails_text_ += R"(,"cat":")";
    tails_text_ += CategoryName(name.category);
    tails_text_ += '"';
    tail.base_size = static_cast<uint32_t>(tails_text_.size() - tail.offset);
    line_ = R"(,"args":{)";
    AddRole(name);
    tails_text_ += line_;
    tails_text_ += "}}";
    const size_t size = tails_text_.size() - tail.offset;
    if (size <= kMaxFastTail) tail.whole_size = static_cast<uint32_t>(size);
    tails_.push_back(tail);
  }
  if (!tails_.empty()) tails_text_.append(kCopyStep, ' ');
}

void JsonLines::AddRole(const NameEntry& name) {
  if (name.role != Role::kOp) AddText("role", RoleName(name.role));
  if (!name.instance.empty()) AddText("instance", name.instance);
}

void JsonLines::AddNameOfString(uint32_t s, Category category) {
  const std::string& text = recording_.strings[s];
  AddText("name", CutUtf8(text, kMaxNameBytes));
  AddText("cat", CategoryName(category));
  line_ += R"(,"args":{)";
  if (text.size() <= kMaxNameBytes) return;
  AddUnsigned("name_id", s);
  if (long_names_ == LongNames::kInHead) return;
  if (told_names_.size() <= s) told_names_.resize(s + 1);
  if (!told_names_[s]) AddText("long_name", text);
  told_names_[s] = true;
}

}  // namespace opscope
