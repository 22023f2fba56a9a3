#include "chrome_lines.h"

#include "span_rows.h"

namespace opscope {

JsonLines::JsonLines(const Recording& recording, ByteSink* sink)
    : recording_(recording),
      sink_(*sink),
      processes_(ProcessLabels(recording)),
      next_tid_(kFirstMadeUpThreadId + static_cast<int64_t>(recording.threads.size())) {
  // Viewers take 0 for no process at all.
  if (processes_.front().id <= 0) processes_.front().id = 1;
  PrepareTails();
}

void JsonLines::WriteNameOf(std::string_view what, int64_t pid, int64_t tid, std::string_view name) {
  StartLine("M", pid, tid);
  AddText("name", what);
  line_ += R"(,"args":{)";
  AddText("name", name);
  line_ += "}}";
  EndLine();
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
  WriteNameOf("process_name", pid, 0, name);
  WriteSortIndex("process_sort_index", pid, 0, sort_index);
}
void JsonLines::WriteTrack(int64_t pid, int64_t tid, std::string_view name, int64_t sort_index) {
  WriteNameOf("thread_name", pid, tid, name);
  WriteSortIndex("thread_sort_index", pid, tid, sort_index);
}

void JsonLines::PrepareTails() {
  for (const NameEntry& name : recording_.names) {
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
  tails_text_.append(kCopyStep, ' ');
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
  if (text.size() > kMaxNameBytes) AddUnsigned("name_id", s);
}

}  // namespace opscope
