#include "perfetto_writer.h"

#include <new>
#include <unordered_map>

#include "perfetto_gpu.h"
#include "perfetto_packets.h"
#include "perfetto_schema.h"
#include "perfetto_spans.h"
#include "perfetto_tables.h"
#include "span_rows.h"
#include "wire.h"

namespace opscope {
namespace {

using namespace perfetto;

// Strings that nothing refers to are told in packets of about this size.
constexpr size_t kStringBytes = 48u << 10;

class TraceWriter {
 public:
  TraceWriter(const Recording& recording, ByteSink* sink)
      : recording_(recording),
        out_(recording, sink),
        spans_(&out_),
        gpu_(&out_),
        thread_ids_(UniqueThreadIds(recording)) {}

  void Run() {
    TablePackets(&out_).Write();
    gpu_.Start();
    for (uint32_t t = 0; t < recording_.threads.size() && !out_.failed(); ++t) WriteThread(t);
    if (!out_.failed() && gpu_.HasRows()) {
      const auto thread_count = static_cast<uint32_t>(recording_.threads.size());
      out_.StartSequence(kFirstThreadSequence + thread_count, out_.process_track());
      gpu_.Write();
    }
    WriteUnusedStrings();
    // The process told twice is the mark of a complete file.
    out_.WriteProcess();
  }

 private:
  void WriteThread(uint32_t thread) {
    out_.StartSequence(kFirstThreadSequence + thread, out_.ThreadTrack(thread));
    out_.WriteThread(thread, thread_ids_[thread]);
    spans_.Write(recording_.threads[thread]);
    WriteMarks(thread);
    WriteCounters(thread);
    gpu_.WriteLaunches(thread);
  }

  void WriteMarks(uint32_t thread) {
    out_.ForThread(recording_.marks, &next_mark_, thread, [this](const MarkRow& mark) {
      out_.StartEvent(kInstant);
      out_.AddName(mark.name);
      if (mark.span >= 0) out_.NoteUint(note::kParentRow, spans_.ParentPlace(mark.span));
      out_.EmitEvent(mark.at_ns);
    });
  }

  void WriteCounters(uint32_t thread) {
    std::unordered_map<uint32_t, uint64_t> tracks;
    out_.ForThread(recording_.counters, &next_counter_, thread, [&](const CounterRow& counter) {
      uint64_t& uuid = tracks[counter.name];
      if (uuid == 0) {
        uuid = out_.NewTrack(out_.default_track(), recording_.names[counter.name].text,
                             PacketStream::TrackKind::kCounter);
      }
      out_.StartEvent(kCounterValueType);
      out_.event().Varint(event::kTrackUuid, uuid);
      out_.AddName(counter.name);
      out_.event().Double(event::kDoubleCounterValue, counter.value);
      out_.EmitEvent(counter.at_ns);
    });
  }

  void WriteUnusedStrings() {
    out_.ReturnTo(kMetaSequence);
    wire::Writer& words = out_.interned();
    for (uint32_t s = 0; s < recording_.strings.size(); ++s) {
      if (!out_.is_written(s)) {
        PacketStream::Intern(&words, interned::kStrings, s + 1, recording_.strings[s]);
      }
      const bool is_last = s + 1 == recording_.strings.size();
      if (words.size() < kStringBytes && !is_last) continue;
      if (words.empty()) continue;
      out_.StartPacket();
      out_.packet().Varint(packet::kSequenceFlags, kNeedsState);
      out_.packet().Message(packet::kInternedData, words);
      words.Clear();
      out_.Emit(out_.packet());
    }
  }

  const Recording& recording_;
  PacketStream out_;
  SpanPackets spans_;
  GpuPackets gpu_;
  std::vector<int32_t> thread_ids_;
  size_t next_mark_ = 0, next_counter_ = 0;
};

}  // namespace

Status WritePerfetto(const Recording& recording, ByteSink* sink, std::vector<Warning>*) try {
  TraceWriter(recording, sink).Run();
  return sink->Finish();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
