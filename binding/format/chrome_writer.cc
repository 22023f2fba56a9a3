#include "chrome_writer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "hex.h"
#include "json_text.h"
#include "lanes.h"
#include "span_rows.h"

namespace opscope {
namespace {

// GPU processes start above any pid that Linux gives (pid_max 4194304).
constexpr int64_t kGpuPid = 5'000'000;
constexpr int64_t kGpuSortIndex = 1000;
// Longer kernel names are cut, the whole name is told once in the metadata.
constexpr size_t kMaxNameBytes = 1024;
// A thread's streams have 16 numbers each; the last is for synchronisation.
constexpr uint32_t kLanesOfStream = 16;
// The fast path copies constant parts in steps of this size; the room for a line
// holds what they overshoot.
constexpr size_t kCopyStep = 64;
constexpr size_t kMaxFastTail = 512;
constexpr size_t kFastLine = 2 * kCopyStep + 2 * Micros::kMaxBytes + kMaxFastTail;

// Copies whole steps: the bytes after the text are written over next.
char* PutSteps(char* p, const char* text, size_t size) noexcept {
  for (size_t i = 0; i < size; i += kCopyStep) std::memcpy(p + i, text + i, kCopyStep);
  return p + size;
}

const char* RoleName(Role role) noexcept {
  switch (role) {
    case Role::kOp:
      return "op";
    case Role::kPhase:
      return "phase";
    case Role::kInstance:
      return "instance";
    case Role::kSpecial:
      return "special";
    case Role::kCopy:
      return "copy";
  }
  return "op";
}
const char* KindName(GpuKind kind) noexcept {
  switch (kind) {
    case GpuKind::kKernel:
      return "kernel";
    case GpuKind::kCopy:
      return "copy";
    case GpuKind::kFill:
      return "fill";
    case GpuKind::kSync:
      return "sync";
  }
  return "kernel";
}
Category CategoryOf(GpuKind kind) noexcept {
  switch (kind) {
    case GpuKind::kKernel:
      return Category::kDevice;
    case GpuKind::kCopy:
    case GpuKind::kFill:
      return Category::kMemcpy;
    case GpuKind::kSync:
      return Category::kSync;
  }
  return Category::kDevice;
}
const char* MemoryName(MemoryKind kind) noexcept {
  switch (kind) {
    case MemoryKind::kUnknown:
      return "unknown";
    case MemoryKind::kPageable:
      return "pageable";
    case MemoryKind::kPinned:
      return "pinned";
    case MemoryKind::kDevice:
      return "device";
    case MemoryKind::kArray:
      return "array";
    case MemoryKind::kManaged:
      return "managed";
    case MemoryKind::kPeer:
      return "peer";
  }
  return "unknown";
}

class JsonWriter {
 public:
  JsonWriter(const Recording& recording, ByteSink* sink)
      : recording_(recording), sink_(*sink), thread_ids_(UniqueThreadIds(recording)) {
    next_tid_ = kFirstMadeUpThreadId + static_cast<int32_t>(recording.threads.size());
    pid_ = recording.process_id > 0 ? recording.process_id : 1;
    pid_text_ = std::to_string(pid_);
  }

  void Run() {
    WriteHead();
    PrepareTails();
    WriteProcess(pid_, "node", 0);
    WritePauses();
    launch_tids_.resize(recording_.launches.size());
    for (uint32_t t = 0; t < recording_.threads.size() && !sink_.failed(); ++t) WriteThread(t);
    if (!sink_.failed()) WriteGpu();
    sink_.Append("\n]}\n");
  }

 private:
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
  void EndLine() { sink_.Append(line_); }

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

  void WriteHead() {
    line_ = R"({"displayTimeUnit":"ns","metadata":{)";
    AddNumber("opscope_format", 1);
#ifdef OPSCOPE_VERSION
    AddText("opscope_version", OPSCOPE_VERSION);
#endif
    AddText("clock", "monotonic");
    AddBig("base_epoch_ns", recording_.origin_epoch_ns);
    AddBig("base_clock_ns", recording_.origin_clock_ns);
    AddNumber("process_id", recording_.process_id);
    AddNumber("duration_ns", recording_.duration_ns);
    AddUnsigned("spans", recording_.spans.size());
    AddUnsigned("dropped", recording_.dropped);
    AddUnsigned("unfinished", recording_.unfinished);
    AddText("meta", recording_.meta_json);
    Key("threads");
    line_ += '[';
    for (size_t t = 0; t < recording_.threads.size(); ++t) {
      const ThreadEntry& thread = recording_.threads[t];
      if (t != 0) line_ += ',';
      line_ += '{';
      AddNumber("tid", thread_ids_[t]);
      AddText("name", thread.name);
      AddNumber("os_thread_id", thread.os_thread_id);
      AddNumber("js_thread_id", thread.js_thread_id);
      line_ += '}';
    }
    line_ += ']';
    Key("pauses");
    line_ += '[';
    for (const PauseRow& pause : recording_.pauses) {
      if (line_.back() != '[') line_ += ',';
      line_ += '[';
      AppendSafeInteger(pause.start_ns, &line_);
      line_ += ',';
      AppendSafeInteger(pause.end_ns, &line_);
      line_ += ']';
    }
    line_ += ']';
    Key("warnings");
    line_ += '[';
    for (const Warning& warning : recording_.warnings) {
      if (line_.back() != '[') line_ += ',';
      line_ += '{';
      AddText("code", warning.code);
      AddText("detail", warning.detail);
      AddUnsigned("count", warning.count);
      line_ += '}';
    }
    line_ += ']';
    sink_.Append(line_);
    WriteLongNames();
    sink_.Append(R"(},"traceEvents":[)");
  }

  // Kernel names that the events cut, by args.name_id.
  void WriteLongNames() {
    const auto is_long = [](const std::string& text) { return text.size() > kMaxNameBytes; };
    if (std::none_of(recording_.strings.begin(), recording_.strings.end(), is_long)) return;
    std::vector<bool> is_used(recording_.strings.size());
    for (const GpuRow& row : recording_.gpu) is_used[row.name] = true;
    for (const LaunchRow& row : recording_.launches) is_used[row.name] = true;
    std::string_view separator = R"(,"long_names":{)";
    for (size_t s = 0; s < recording_.strings.size(); ++s) {
      if (!is_used[s] || !is_long(recording_.strings[s])) continue;
      line_ = separator;
      line_ += '"';
      line_ += std::to_string(s);
      line_ += "\":";
      AppendJsonString(recording_.strings[s], &line_);
      sink_.Append(line_);
      separator = ",";
    }
    if (separator == ",") sink_.Append("}");
  }

  void WriteNameOf(std::string_view what, int64_t pid, int64_t tid, std::string_view name) {
    StartLine("M", pid, tid);
    AddText("name", what);
    line_ += R"(,"args":{)";
    AddText("name", name);
    line_ += "}}";
    EndLine();
  }
  void WriteSortIndex(std::string_view what, int64_t pid, int64_t tid, int64_t index) {
    StartLine("M", pid, tid);
    AddText("name", what);
    line_ += R"(,"args":{)";
    AddNumber("sort_index", index);
    line_ += "}}";
    EndLine();
  }
  void WriteProcess(int64_t pid, std::string_view name, int64_t sort_index) {
    WriteNameOf("process_name", pid, 0, name);
    WriteSortIndex("process_sort_index", pid, 0, sort_index);
  }
  void WriteTrack(int64_t pid, int64_t tid, std::string_view name, int64_t sort_index) {
    WriteNameOf("thread_name", pid, tid, name);
    WriteSortIndex("thread_sort_index", pid, tid, sort_index);
  }

  void WritePauses() {
    if (recording_.pauses.empty()) return;
    const int64_t tid = next_tid_++;
    WriteTrack(pid_, tid, "opscope control", -1);
    for (const PauseRow& pause : recording_.pauses) {
      StartLine("X", pid_, tid);
      AddTime(R"(,"ts":)", pause.start_ns);
      AddTime(R"(,"dur":)", pause.end_ns - pause.start_ns);
      line_ += R"(,"name":"paused","cat":"opscope","args":{"pause":true}})";
      EndLine();
    }
  }

  // The end of an event's line from its name on, ready made for each name. It
  // lies at offset; kCopyStep bytes past the last may be read.
  struct Tail {
    size_t offset = 0;
    uint32_t base_size = 0;   // up to and without the args
    uint32_t whole_size = 0;  // with the args of a plain span, 0: too long for the fast path
  };
  void PrepareTails() {
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
  std::string_view BaseOf(uint32_t name) const {
    return std::string_view(tails_text_).substr(tails_[name].offset, tails_[name].base_size);
  }
  void AddRole(const NameEntry& name) {
    if (name.role != Role::kOp) AddText("role", RoleName(name.role));
    if (!name.instance.empty()) AddText("instance", name.instance);
  }

  // Threads.

  void WriteThread(uint32_t thread) {
    const ThreadEntry& entry = recording_.threads[thread];
    tid_ = thread_ids_[thread];
    thread_name_ = entry.name;
    if (thread_name_.empty()) {
      thread_name_ = entry.js_thread_id > 0 ? "worker " + std::to_string(entry.js_thread_id)
                                            : "thread " + std::to_string(thread);
    }
    // The main thread first, then workers by their number, then the others.
    sort_index_ = entry.js_thread_id == 0  ? 0
                  : entry.js_thread_id > 0 ? 1 + int64_t{entry.js_thread_id}
                                           : 100'000 + int64_t{thread};
    WriteTrack(pid_, tid_, thread_name_, sort_index_);
    WriteSpans(entry);
    WriteMarks(thread);
    WriteCounters(thread);
    WriteLaunches(thread);
  }

  void WriteSpans(const ThreadEntry& thread);
  void WriteRow(uint32_t row);
  void AddArgs(uint32_t row, const AsyncRow* async, uint64_t span_id);
  uint64_t SpanIdOf(int32_t row) const {
    if (row < 0) return 0;
    RowCursor<IdRow> cursor(recording_.ids, static_cast<uint32_t>(row));
    const IdRow* id = cursor.Take(static_cast<uint32_t>(row));
    return id == nullptr ? 0 : id->span_id;
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

  template <typename Row, typename Write>
  void ForThread(const Column<Row>& table, size_t* at, uint32_t thread, Write write) {
    while (*at < table.size() && table[*at].thread < thread) ++*at;
    for (; *at < table.size() && table[*at].thread == thread; ++*at) {
      if (sink_.failed()) return;
      write(table[*at]);
    }
  }

  void WriteMarks(uint32_t thread) {
    ForThread(recording_.marks, &next_mark_, thread, [this](const MarkRow& mark) {
      StartLine("i", pid_, tid_);
      AddTime(R"(,"ts":)", mark.at_ns);
      line_ += BaseOf(mark.name);
      line_ += R"(,"s":"t","args":{)";
      AddRole(recording_.names[mark.name]);
      line_ += "}}";
      EndLine();
    });
  }

  void WriteCounters(uint32_t thread) {
    ForThread(recording_.counters, &next_counter_, thread, [this](const CounterRow& counter) {
      StartLine("C", pid_, tid_);
      AddTime(R"(,"ts":)", counter.at_ns);
      line_ += BaseOf(counter.name);
      line_ += R"(,"args":{"value":)";
      AppendDouble(counter.value, &line_);
      line_ += "}}";
      EndLine();
    });
  }

  void WriteLaunches(uint32_t thread) {
    Lanes lanes;
    std::vector<int32_t> tids;
    ForThread(recording_.launches, &next_launch_, thread, [&](const LaunchRow& launch) {
      const uint32_t lane = lanes.Place(launch.start_ns, launch.end_ns);
      while (tids.size() <= lane) {
        std::string name = thread_name_ + " CUDA API";
        if (!tids.empty()) name += " +" + std::to_string(tids.size());
        tids.push_back(next_tid_++);
        WriteTrack(pid_, tids.back(), name, sort_index_);
      }
      launch_tids_[static_cast<size_t>(&launch - recording_.launches.data())] = tids[lane];
      StartLine("X", pid_, tids[lane]);
      AddTime(R"(,"ts":)", launch.start_ns);
      AddTime(R"(,"dur":)", launch.end_ns - launch.start_ns);
      AddGpuName(launch.name, Category::kRuntimeApi);
      AddUnsigned("correlation", launch.correlation_id);
      line_ += "}}";
      EndLine();
    });
  }

  // Up to and with the opened args.
  void AddGpuName(uint32_t name, Category category) {
    const std::string& text = recording_.strings[name];
    AddText("name", CutUtf8(text, kMaxNameBytes));
    AddText("cat", CategoryName(category));
    line_ += R"(,"args":{)";
    if (text.size() > kMaxNameBytes) AddUnsigned("name_id", name);
  }

  void WriteGpu();

  const Recording& recording_;
  ByteSink& sink_;
  const Micros micros_;
  std::vector<int32_t> thread_ids_;
  std::vector<int32_t> launch_tids_;
  int64_t pid_ = 1;
  std::string pid_text_;
  int32_t next_tid_ = 0;
  bool is_first_ = true;
  std::string line_;
  std::string tails_text_;
  std::vector<Tail> tails_;

  // Of the thread being written.
  int64_t tid_ = 0;
  int64_t sort_index_ = 0;
  std::string thread_name_;
  NestStack stack_;
  size_t next_mark_ = 0, next_counter_ = 0, next_launch_ = 0;
  RowCursor<AsyncRow> asyncs_{recording_.asyncs, 0};
  RowCursor<IdRow> ids_{recording_.ids, 0};
  RowCursor<AttributeRow> attributes_{recording_.attributes, 0};
  RowCursor<LinkRow> links_{recording_.links, 0};
};

void JsonWriter::WriteSpans(const ThreadEntry& thread) {
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

  std::string prefix = R"(,
{"ph":"X","pid":)" + pid_text_ +
                       R"(,"tid":)" + std::to_string(tid_) + R"(,"ts":)";
  const size_t prefix_size = prefix.size();
  // 60 bytes with the longest numbers.
  prefix.resize(kCopyStep);
  static constexpr char kDuration[8] = {',', '"', 'd', 'u', 'r', '"', ':', ' '};

  char* p = reinterpret_cast<char*>(sink_.Room(kFastLine));
  const auto* safe = reinterpret_cast<const char*>(sink_.limit()) - kFastLine;
  const auto refill = [&](char* end) {
    sink_.Advance(reinterpret_cast<uint8_t*>(end));
    p = reinterpret_cast<char*>(sink_.Room(ByteSink::kMaxRoom));
    safe = reinterpret_cast<const char*>(sink_.limit()) - kFastLine;
  };

  const uint32_t end_row = thread.first_row + thread.row_count;
  for (uint32_t row = thread.first_row; row < end_row; ++row) {
    const int64_t start_ns = spans.start_ns[row];
    const int64_t duration_ns = spans.duration_ns[row];
    const int32_t parent = spans.parent[row];
    const int64_t end_ns = start_ns + duration_ns;
    while (stack_.EndsBy(start_ns)) stack_.Pop();
    const Tail& tail = tails_[spans.name[row]];
    if (spans.flags[row] == 0 && row != extra && parent == stack_.top_row() && stack_.Fits(end_ns) &&
        tail.whole_size != 0) {
      std::memcpy(p, prefix.data(), kCopyStep);
      p = micros_.Put(p + prefix_size, start_ns);
      std::memcpy(p, kDuration, 8);
      p = micros_.Put(p + 7, duration_ns);
      p = PutSteps(p, tails_text_.data() + tail.offset, tail.whole_size);
      stack_.Push(end_ns, static_cast<int32_t>(row));
    } else {
      sink_.Advance(reinterpret_cast<uint8_t*>(p));
      WriteRow(row);
      extra = next_extra();
      p = reinterpret_cast<char*>(sink_.Room(kFastLine));
      safe = reinterpret_cast<const char*>(sink_.limit()) - kFastLine;
    }
    if (p > safe) {
      refill(p);
      if (sink_.failed()) return;
    }
  }
  sink_.Advance(reinterpret_cast<uint8_t*>(p));
}

// Any row, however odd.
void JsonWriter::WriteRow(uint32_t row) {
  const SpanColumns& spans = recording_.spans;
  const uint8_t flags = spans.flags[row];
  const int64_t start_ns = spans.start_ns[row];
  const int64_t end_ns = start_ns + spans.duration_ns[row];
  const std::string_view base = BaseOf(spans.name[row]);
  const AsyncRow* async = asyncs_.Take(row);
  const uint64_t span_id = SpanIdOf(static_cast<int32_t>(row));

  if ((flags & kAsync) == 0 && stack_.Fits(end_ns)) {
    StartLine("X", pid_, tid_);
    AddTime(R"(,"ts":)", start_ns);
    AddTime(R"(,"dur":)", spans.duration_ns[row]);
    line_ += base;
    AddArgs(row, async, span_id);
    line_ += '}';
    EndLine();
    stack_.Push(end_ns, static_cast<int32_t>(row));
    return;
  }
  // Both events need one id; a row without any gets its place in the file,
  // which random ids miss.
  char id[16];
  PutHex(id, span_id != 0 ? span_id : uint64_t{row} + 1);
  const auto add_id = [this, &id] { AddText("id", {id, sizeof id}); };
  StartLine("b", pid_, tid_);
  AddTime(R"(,"ts":)", start_ns);
  line_ += base;
  add_id();
  AddArgs(row, async, span_id);
  line_ += '}';
  EndLine();
  StartLine("e", pid_, tid_);
  AddTime(R"(,"ts":)", end_ns);
  line_ += base;
  add_id();
  line_ += R"(,"args":{}})";
  EndLine();
  if (async != nullptr && async->return_ns > start_ns && stack_.Fits(async->return_ns)) {
    StartLine("X", pid_, tid_);
    AddTime(R"(,"ts":)", start_ns);
    AddTime(R"(,"dur":)", async->return_ns - start_ns);
    line_ += base;
    line_ += R"(,"args":{"sync_part":true}})";
    EndLine();
    stack_.Push(async->return_ns, static_cast<int32_t>(row));
  }
}

void JsonWriter::AddArgs(uint32_t row, const AsyncRow* async, uint64_t span_id) {
  const SpanColumns& spans = recording_.spans;
  const uint8_t flags = spans.flags[row];
  line_ += R"(,"args":{)";
  AddRole(recording_.names[spans.name[row]]);
  if ((flags & kAsync) != 0) AddTrue("async");
  if ((flags & kUnfinished) != 0) AddTrue("unfinished");
  if ((flags & kError) != 0) AddTrue("error");
  if ((flags & kTimed) != 0) AddTrue("timed");
  if (async != nullptr) AddNumber("return_ns", async->return_ns);
  const IdRow* id = ids_.Take(row);
  if (span_id != 0) AddHex("span_id", span_id);
  if (id != nullptr && (id->trace_id_high | id->trace_id_low) != 0) {
    AddTraceId(id->trace_id_high, id->trace_id_low);
  }
  const int32_t parent = spans.parent[row];
  const bool is_told = parent != stack_.top_row();
  uint64_t parent_id = is_told || id != nullptr ? SpanIdOf(parent) : 0;
  if (is_told && parent_id == 0) AddNumber("parent_row", parent);
  if (id != nullptr && id->remote_parent_id != 0) {
    if (parent_id != 0) AddNumber("parent_row", parent);
    parent_id = id->remote_parent_id;
  }
  if (parent_id != 0) AddHex("parent_span_id", parent_id);

  bool is_open = false;
  while (const AttributeRow* attribute = attributes_.Take(row)) {
    if (!is_open) {
      Key("attributes");
      line_ += '{';
      is_open = true;
    }
    if (line_.back() != '{') line_ += ',';
    AppendJsonString(recording_.strings[attribute->key], &line_);
    line_ += ':';
    switch (attribute->type) {
      case AttributeType::kString:
        AppendJsonString(recording_.strings[static_cast<size_t>(attribute->integer)], &line_);
        break;
      case AttributeType::kDouble:
        AppendDouble(attribute->number, &line_);
        break;
      case AttributeType::kInt:
        AppendSafeInteger(attribute->integer, &line_);
        break;
      case AttributeType::kBool:
        line_ += attribute->integer != 0 ? "true" : "false";
        break;
    }
  }
  if (is_open) line_ += '}';
  is_open = false;
  while (const LinkRow* link = links_.Take(row)) {
    if (!is_open) {
      Key("links");
      line_ += '[';
      is_open = true;
    }
    if (line_.back() != '[') line_ += ',';
    line_ += '{';
    AddTraceId(link->trace_id_high, link->trace_id_low);
    AddHex("span_id", link->span_id);
    line_ += '}';
  }
  if (is_open) line_ += ']';
  line_ += '}';
}

void JsonWriter::WriteGpu() {
  struct Stream {
    Lanes lanes;
    std::vector<int64_t> tids;
  };
  std::map<std::tuple<uint32_t, uint32_t, bool>, Stream> streams;
  std::unordered_map<uint32_t, bool> devices;
  uint64_t flow_id = 0;
  for (const GpuRow& row : recording_.gpu) {
    if (sink_.failed()) return;
    const int64_t pid = kGpuPid + row.device;
    if (!devices[row.device]) {
      devices[row.device] = true;
      WriteProcess(pid, "GPU " + std::to_string(row.device), kGpuSortIndex + row.device);
    }
    const bool is_sync = row.kind == GpuKind::kSync;
    Stream& stream = streams[{row.device, row.stream, is_sync}];
    const uint32_t lane = stream.lanes.Place(row.start_ns, row.end_ns);
    while (stream.tids.size() <= lane) {
      const auto index = static_cast<uint32_t>(stream.tids.size());
      int64_t tid = int64_t{row.stream} * kLanesOfStream + (is_sync ? kLanesOfStream - 1 : index);
      // Beyond the numbers of its stream: any that no stream can have.
      if (is_sync ? index > 0 : index >= kLanesOfStream - 1) {
        tid = int64_t{UINT32_MAX} * kLanesOfStream + next_tid_++;
      }
      stream.tids.push_back(tid);
      std::string name = "stream " + std::to_string(row.stream) + (is_sync ? " sync" : "");
      if (index != 0) name += " +" + std::to_string(index);
      WriteTrack(pid, tid, name, row.stream);
    }
    const int64_t tid = stream.tids[lane];
    StartLine("X", pid, tid);
    AddTime(R"(,"ts":)", row.start_ns);
    AddTime(R"(,"dur":)", row.end_ns - row.start_ns);
    AddGpuName(row.name, CategoryOf(row.kind));
    AddText("kind", KindName(row.kind));
    AddUnsigned("correlation", row.correlation_id);
    AddUnsigned("device", row.device);
    AddUnsigned("context", row.context);
    AddUnsigned("stream", row.stream);
    if (row.bytes != 0) AddUnsigned("bytes", row.bytes);
    if (row.kind == GpuKind::kCopy) {
      AddText("from", MemoryName(row.from));
      AddText("to", MemoryName(row.to));
    }
    line_ += "}}";
    EndLine();
    if (row.launch < 0) continue;
    const auto launch_index = static_cast<size_t>(row.launch);
    const LaunchRow& launch = recording_.launches[launch_index];
    ++flow_id;
    StartLine("s", pid_, launch_tids_[launch_index]);
    AddTime(R"(,"ts":)", launch.start_ns);
    line_ += R"(,"name":"launch","cat":"flow","id":)";
    AppendUnsigned(flow_id, &line_);
    line_ += '}';
    EndLine();
    StartLine("f", pid, tid);
    // The two clocks differ by some 100 ns: an arrow must not point backwards.
    AddTime(R"(,"ts":)", std::max(row.start_ns, launch.start_ns));
    line_ += R"(,"bp":"e","name":"launch","cat":"flow","id":)";
    AppendUnsigned(flow_id, &line_);
    line_ += '}';
    EndLine();
  }
}

}  // namespace

Status WriteChrome(const Recording& recording, ByteSink* sink, std::vector<Warning>*) try {
  JsonWriter(recording, sink).Run();
  return sink->Finish();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
