#include "chrome_writer.h"

#include <algorithm>
#include <new>
#include <string>

#include "../core/remote_parents.h"
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
    for (size_t p = 0; p < out_.processes().size(); ++p) {
      const ProcessLabel& process = out_.processes()[p];
      out_.WriteProcess(process.id, process.name, static_cast<int64_t>(p));
    }
    WritePauses();
    for (uint32_t t = 0; t < recording_.threads.size() && !out_.failed(); ++t) WriteThread(t);
    if (!out_.failed()) gpu_.Write();
    if (!out_.failed()) WriteRemoteParents();
    out_.sink().Append("\n]}\n");
  }

 private:
  void WritePauses() {
    uint32_t process = UINT32_MAX;
    int64_t pid = 0, tid = 0;
    for (const PauseRow& pause : recording_.pauses) {
      if (pause.process != process) {
        pid = out_.pid(process = pause.process);
        tid = out_.NewTid();
        out_.WriteTrack(pid, tid, "opscope control", -1);
      }
      out_.WritePause(pid, tid, pause);
    }
  }

  void WriteThread(uint32_t thread) {
    const ThreadEntry& entry = recording_.threads[thread];
    pid_ = out_.pid(entry.process);
    tid_ = thread_ids_[thread];
    out_.WriteTrack(pid_, tid_, ThreadLabel(recording_, thread), JsonLines::SortIndexOf(entry, thread));
    spans_.Write(entry, tid_);
    out_.ForThread(recording_.marks, &next_mark_, thread,
                   [this](const MarkRow& mark) { out_.WriteMark(pid_, tid_, mark.at_ns, mark.name); });
    out_.ForThread(recording_.counters, &next_counter_, thread, [this](const CounterRow& counter) {
      out_.WriteCounter(pid_, tid_, counter.at_ns, counter.name, counter.value);
    });
    gpu_.WriteLaunches(thread, tid_);
  }

  // Arrows from spans to those that they caused in other processes.
  void WriteRemoteParents() {
    const std::vector<RemoteParent> arrows = FindRemoteParents(recording_);
    const auto write = [this](const char* phase, uint32_t row, int64_t at_ns, size_t id) {
      const auto after = std::upper_bound(
          recording_.threads.begin(), recording_.threads.end(), row,
          [](uint32_t wanted, const ThreadEntry& thread) { return wanted < thread.first_row; });
      const auto thread = static_cast<size_t>(after - recording_.threads.begin()) - 1;
      out_.StartLine(phase, out_.pid(recording_.threads[thread].process), thread_ids_[thread]);
      out_.AddTime(R"(,"ts":)", at_ns);
      line_ += R"(,"bp":"e","name":"call","cat":"remote","id":)";
      AppendUnsigned(id, &line_);
      line_ += '}';
      out_.EndLine();
    };
    for (size_t i = 0; i < arrows.size() && !out_.failed(); ++i) {
      const int64_t start_ns = recording_.spans.start_ns[arrows[i].parent];
      write("s", arrows[i].parent, start_ns, i + 1);
      // Clocks of two hosts differ by some: an arrow must not point backwards.
      write("f", arrows[i].child, std::max(start_ns, recording_.spans.start_ns[arrows[i].child]), i + 1);
    }
  }

  const Recording& recording_;
  JsonLines out_;
  std::string& line_;
  SpanLines spans_;
  GpuLines gpu_;
  std::vector<int32_t> thread_ids_;
  int64_t pid_ = 0, tid_ = 0;  // of the thread being written
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
