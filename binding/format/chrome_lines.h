// The lines of a Chrome trace being written: one event each, built key by key.
// chrome_writer.cc decides what to say with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../core/columns.h"
#include "byte_sink.h"
#include "hex.h"
#include "json_text.h"
#include "process_labels.h"

namespace opscope {

// `"key":value`, with a comma before it where something stands before it. A text's
// bytes are in `text`, else the value is in `row`.
void AppendAttribute(std::string_view key, const AttributeRow& row, std::string_view text, std::string* out);
// An object; likewise.
void AppendLink(const LinkRow& link, std::string* out);

// One thread at a time.
class JsonLines {
 public:
  // Longer kernel names are cut, the whole name is told once in the metadata.
  static constexpr size_t kMaxNameBytes = 1024;
  // The fast path copies constant parts in steps of this size.
  static constexpr size_t kCopyStep = 64;
  static constexpr size_t kMaxFastTail = 512;

  // The end of an event's line from its name on, ready made for each name. It
  // lies at offset; kCopyStep bytes past the last may be read.
  struct Tail {
    size_t offset = 0;
    uint32_t base_size = 0;   // up to and without the args
    uint32_t whole_size = 0;  // with the args of a plain span, 0: too long for the fast path
  };

  // Where names are told whole that are too long for an event.
  enum class LongNames : uint8_t { kInHead, kInFirstEvent };

  JsonLines(const Recording& recording, ByteSink* sink, LongNames long_names = LongNames::kInHead);
  JsonLines(const JsonLines&) = delete;
  JsonLines& operator=(const JsonLines&) = delete;

  const Recording& recording() const noexcept { return recording_; }
  ByteSink& sink() noexcept { return *sink_; }
  // What follows goes there.
  void WriteTo(ByteSink* sink) noexcept { sink_ = sink; }
  bool failed() const noexcept { return sink_->failed(); }
  // Of a recording that grows: takes over its new names.
  void Grow();
  const Micros& micros() const noexcept { return micros_; }
  int64_t pid(uint32_t process = 0) const noexcept { return processes_[process].id; }
  const std::vector<ProcessLabel>& processes() const noexcept { return processes_; }
  // A thread number that no thread of the recording has.
  int64_t NewTid() noexcept { return next_tid_++; }
  // The line being built.
  std::string& line() noexcept { return line_; }

  // Lines. The first one after the head has no comma before it.

  std::string& StartLine(std::string_view phase, int64_t pid, int64_t tid) {
    line_ = is_first_ ? "\n" : ",\n";
    is_first_ = false;
    line_ += R"({"ph":")";
    line_ += phase;
    line_ += R"(","pid":)";
    AppendInteger(pid, &line_);
    line_ += R"(,"tid":)";
    AppendInteger(tid, &line_);
    return line_;
  }
  void AddTime(std::string_view key, int64_t ns) {
    char text[Micros::kMaxBytes];
    const char* end = micros_.Put(text, ns);
    line_ += key;
    line_.append(text, static_cast<size_t>(end - text));
  }
  void EndLine() { sink_->Append(line_); }

  // "key": of one object, with commas between.
  void Key(std::string_view key) {
    if (line_.back() != '{' && line_.back() != '[') line_ += ',';
    line_ += '"';
    line_ += key;
    line_ += "\":";
  }
  void AddText(std::string_view key, std::string_view text) {
    Key(key);
    AppendJsonString(text, &line_);
  }
  void AddNumber(std::string_view key, int64_t value) {
    Key(key);
    AppendSafeInteger(value, &line_);
  }
  void AddUnsigned(std::string_view key, uint64_t value) {
    Key(key);
    AppendSafeUnsigned(value, &line_);
  }
  void AddTrue(std::string_view key) {
    Key(key);
    line_ += "true";
  }
  // Beyond 2^53 by nature, so always a string.
  void AddBig(std::string_view key, int64_t value) {
    Key(key);
    line_ += '"';
    AppendInteger(value, &line_);
    line_ += '"';
  }

  void AddHex(std::string_view key, uint64_t value) {
    char text[16];
    PutHex(text, value);
    Key(key);
    line_ += '"';
    line_.append(text, sizeof text);
    line_ += '"';
  }
  void AddTraceId(uint64_t high, uint64_t low) {
    char text[32];
    PutHex(PutHex(text, high), low);
    AddText("trace_id", {text, sizeof text});
  }

  // Names and places of processes and threads.

  void WriteProcess(int64_t pid, std::string_view name, int64_t sort_index);
  // With `thread` the track holds API calls of that one.
  void WriteTrack(int64_t pid, int64_t tid, std::string_view name, int64_t sort_index, int64_t thread = 0);
  // Of a recording that grows: with what readers must know of the thread.
  void WriteThread(int64_t tid, uint32_t number);
  // The main thread first, then workers by their number, then the others.
  static int64_t SortIndexOf(const ThreadEntry& thread, uint32_t number);

  // Plain slices, the fast way: no args but those of the name. Only where the name's
  // whole_size is not 0.

  // The beginning of a thread's lines, in one step.
  struct SliceStart {
    char text[kCopyStep] = {};
    size_t size = 0;
  };
  static SliceStart StartOfSlices(int64_t pid, int64_t tid);
  // At most this much is touched.
  static constexpr size_t kFastLine = 2 * kCopyStep + 2 * Micros::kMaxBytes + kMaxFastTail;
  char* PutSlice(char* p, const SliceStart& start, int64_t start_ns, int64_t duration_ns,
                 const Tail& name) const noexcept {
    static constexpr char kDuration[8] = {',', '"', 'd', 'u', 'r', '"', ':', ' '};
    std::memcpy(p, start.text, kCopyStep);
    p = micros_.Put(p + start.size, start_ns);
    std::memcpy(p, kDuration, 8);
    p = micros_.Put(p + 7, duration_ns);
    // Whole steps: the bytes after the text are written over next.
    const char* text = tail_text(name);
    for (size_t i = 0; i < name.whole_size; i += kCopyStep) std::memcpy(p + i, text + i, kCopyStep);
    return p + name.whole_size;
  }

  // Whole events.

  // `span_id`: of the span that it was set on, 0: the one around it.
  void WriteMark(int64_t pid, int64_t tid, int64_t at_ns, uint32_t name, uint64_t span_id = 0);
  void WriteCounter(int64_t pid, int64_t tid, int64_t at_ns, uint32_t name, double value);
  void WritePause(int64_t pid, int64_t tid, const PauseRow& pause);

  // Args.

  void AddFlags(uint8_t flags);

  // Names.

  const Tail& tail(uint32_t name) const noexcept { return tails_[name]; }
  const char* tail_text(const Tail& tail) const noexcept { return tails_text_.data() + tail.offset; }
  std::string_view BaseOf(uint32_t name) const {
    return std::string_view(tails_text_).substr(tails_[name].offset, tails_[name].base_size);
  }
  void AddRole(const NameEntry& name);
  // Of API calls and GPU rows: up to and with the opened args.
  void AddNameOfString(uint32_t s, Category category);

  // The entries of a table that is sorted by thread. `*at` is where the walk stands.
  template <typename Row, typename Write>
  void ForThread(const Column<Row>& table, size_t* at, uint32_t thread, Write write) {
    while (*at < table.size() && table[*at].thread < thread) ++*at;
    for (; *at < table.size() && table[*at].thread == thread; ++*at) {
      if (sink_->failed()) return;
      write(table[*at]);
    }
  }

 private:
  // The args stay open.
  void StartNameOf(std::string_view what, int64_t pid, int64_t tid, std::string_view name);
  void WriteSortIndex(std::string_view what, int64_t pid, int64_t tid, int64_t index);

  const Recording& recording_;
  ByteSink* sink_;
  const LongNames long_names_;
  std::vector<bool> told_names_;  // by string, where events tell them
  const Micros micros_;
  std::vector<ProcessLabel> processes_;
  int64_t next_tid_;
  bool is_first_ = true;
  std::string line_;
  std::string tails_text_;
  std::vector<Tail> tails_;  // by name
};

}  // namespace opscope
