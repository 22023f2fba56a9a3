#include "chrome_writer.h"

#include <new>
#include <string>

#include "chrome_gpu.h"
#include "chrome_head.h"
#include "chrome_lines.h"
#include "chrome_spans.h"
#include "span_rows.h"

namespace opscope {
namespace {

class JsonWriter {
 public:
  JsonWriter(const Recording& recording, ByteSink* sink)
      : recording_(recording),
        out_(recording, sink),
        line_(out_.line()),
        spans_(&out_),
        gpu_(&out_),
        thread_ids_(UniqueThreadIds(recording)) {}

  void Run() {
    HeadLines(&out_).Write();
    out_.WriteProcess(out_.pid(), "node", 0);
    WritePauses();
    for (uint32_t t = 0; t < recording_.threads.size() && !out_.failed(); ++t) WriteThread(t);
    if (!out_.failed()) gpu_.Write();
    out_.sink().Append("\n]}\n");
  }

 private:
  void WritePauses() {
    if (recording_.pauses.empty()) return;
    const int64_t tid = out_.NewTid();
    out_.WriteTrack(out_.pid(), tid, "opscope control", -1);
    for (const PauseRow& pause : recording_.pauses) {
      out_.StartLine("X", out_.pid(), tid);
      out_.AddTime(R"(,"ts":)", pause.start_ns);
      out_.AddTime(R"(,"dur":)", pause.end_ns - pause.start_ns);
      line_ += R"(,"name":"paused","cat":"opscope","args":{"pause":true}})";
      out_.EndLine();
    }
  }

  void WriteThread(uint32_t thread) {
    const ThreadEntry& entry = recording_.threads[thread];
    tid_ = thread_ids_[thread];
    const std::string name = ThreadLabel(recording_, thread);
    // The main thread first, then workers by their number, then the others.
    const int64_t sort_index = entry.js_thread_id == 0  ? 0
                               : entry.js_thread_id > 0 ? 1 + int64_t{entry.js_thread_id}
                                                        : 100'000 + int64_t{thread};
    out_.WriteTrack(out_.pid(), tid_, name, sort_index);
    spans_.Write(entry, tid_);
    WriteMarks(thread);
    WriteCounters(thread);
    gpu_.WriteLaunches(thread, name, sort_index);
  }

  void WriteMarks(uint32_t thread) {
    out_.ForThread(recording_.marks, &next_mark_, thread, [this](const MarkRow& mark) {
      out_.StartLine("i", out_.pid(), tid_);
      out_.AddTime(R"(,"ts":)", mark.at_ns);
      line_ += out_.BaseOf(mark.name);
      line_ += R"(,"s":"t","args":{)";
      out_.AddRole(recording_.names[mark.name]);
      line_ += "}}";
      out_.EndLine();
    });
  }

  void WriteCounters(uint32_t thread) {
    out_.ForThread(recording_.counters, &next_counter_, thread, [this](const CounterRow& counter) {
      out_.StartLine("C", out_.pid(), tid_);
      out_.AddTime(R"(,"ts":)", counter.at_ns);
      line_ += out_.BaseOf(counter.name);
      line_ += R"(,"args":{"value":)";
      AppendDouble(counter.value, &line_);
      line_ += "}}";
      out_.EndLine();
    });
  }

  const Recording& recording_;
  JsonLines out_;
  std::string& line_;
  SpanLines spans_;
  GpuLines gpu_;
  std::vector<int32_t> thread_ids_;
  int64_t tid_ = 0;  // of the thread being written
  size_t next_mark_ = 0, next_counter_ = 0;
};

}  // namespace

Status WriteChrome(const Recording& recording, ByteSink* sink, std::vector<Warning>*) try {
  JsonWriter(recording, sink).Run();
  return sink->Finish();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
