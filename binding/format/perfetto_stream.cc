#include "perfetto_stream.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "perfetto_gpu.h"
#include "perfetto_packets.h"
#include "perfetto_records.h"
#include "perfetto_schema.h"
#include "perfetto_table.h"
#include "perfetto_tables.h"
#include "span_rows.h"
#include "stream_words.h"

namespace opscope {

using namespace perfetto;

// One file.
class PerfettoStream::Trace {
 public:
  Trace(const StreamBatch& batch, const std::string& meta_json, ByteSink* sink)
      : words_(batch, meta_json),
        out_(words_.recording(), sink, kStreamNames, kStreamThreads),
        table_(&out_),
        tables_(&out_),
        records_(&out_),
        gpu_(&out_) {
    out_.StartSequence(kMetaSequence, out_.process_track());
    out_.WriteProcess();
    WriteHead(batch);
  }

  void Add(const StreamBatch& batch, const GpuRecords& gpu) {
    ClockMap clock(batch.clock_points);
    const int64_t origin_ns = words_.OriginOn(batch);
    is_meta_ = false;
    words_.Add(batch, gpu);
    is_started_.resize(words_.recording().threads.size());
    out_.Grow();
    WriteNames(batch.names);
    WriteThreads();
    WritePauses(batch, &clock, origin_ns);
    WriteRows(batch, &clock, origin_ns);
    WriteGpu(gpu);
    WriteCounts(batch);
    if (batch.session.stop_ticks != UINT64_MAX && !batch.has_more)
      WriteEnd(batch, clock.Map(batch.session.stop_ticks) - origin_ns);
  }

 private:
  // The state of the first sequence, before anything is written to it in a batch.
  void GoToMeta() {
    if (!is_meta_) out_.ContinueSequence(kMetaSequence, out_.process_track());
    is_meta_ = true;
  }

  void WriteHead(const StreamBatch& batch) {
    table_.StartInstant(kHeadEvent);
    table_.AddField("opscope_format", kFormatVersion);
    table_.AddField("stream", uint64_t{1});
    table_.AddField("origin_epoch_ns", recording_.origin_epoch_ns);
    table_.AddField("origin_clock_ns", recording_.origin_clock_ns);
    table_.AddField("process_id", recording_.process_id);
    table_.AddField("names", uint64_t{kStreamNames});
    table_.AddField("categories", uint64_t{batch.session.options.category_mask});
    table_.AddField("meta_json", recording_.meta_json);
    out_.EmitEvent(0);
  }

  void WriteNames(const std::vector<NameEntry>& names) {
    if (names.empty()) return;
    GoToMeta();
    tables_.WriteNames(names);
  }

  // --- threads ---
  void WriteThreads() {
    const std::vector<uint32_t>& changed = words_.changed_threads();
    if (changed.empty()) return;
    GoToMeta();
    table_.Write(kThreadsEvent, changed, [this](uint32_t number) {
      const ThreadEntry& thread = recording_.threads[number];
      table_.Cell("index", uint64_t{number});
      table_.Cell("name", thread.name);
      table_.Cell("os_thread_id", thread.os_thread_id);
      table_.Cell("js_thread_id", int64_t{thread.js_thread_id});
    });
    for (const uint32_t number : changed) {
      const int64_t id = recording_.threads[number].os_thread_id;
      const bool is_usable = id > 0 && id < kFirstMadeUpThreadId;
      out_.WriteThread(number, is_usable ? id : kFirstMadeUpThreadId + int64_t{number});
    }
  }
  void WritePauses(const StreamBatch& batch, ClockMap* clock, int64_t origin_ns) {
    const auto& pauses = batch.session.pauses;
    struct Pause {
      size_t index;
      int64_t start_ns, end_ns;
      bool is_unseen;
    };
    std::vector<Pause> changed;
    for (size_t i = pauses_closed_; i < pauses.size(); ++i) {
      const auto [from, to] = pauses[i];
      const bool is_open = to == UINT64_MAX;
      if (is_open && i < pauses_told_) continue;
      const auto& unseen = batch.session.unseen_until;
      changed.push_back({i, clock->Map(from) - origin_ns, is_open ? -1 : clock->Map(to) - origin_ns,
                         std::find(unseen.begin(), unseen.end(), from) != unseen.end()});
      pauses_told_ = i + 1;
      if (!is_open) pauses_closed_ = i + 1;
    }
    if (changed.empty()) return;
    GoToMeta();
    table_.Write(kPausesEvent, changed, [this](const Pause& pause) {
      table_.Cell("index", uint64_t{pause.index});
      table_.Cell("start_ns", pause.start_ns);
      table_.Cell("end_ns", pause.end_ns);
      if (pause.is_unseen) table_.Cell("unseen", uint64_t{1});
    });
    for (const Pause& pause : changed) {
      if (pause.end_ns < 0) continue;
      if (control_track_ == 0) control_track_ = out_.NewTrack(out_.process_track(), "opscope control");
      out_.StartEvent(kBegin);
      out_.event().Varint(event::kTrackUuid, control_track_);
      out_.event().String(event::kName, kPausedEvent);
      out_.EmitEvent(pause.start_ns);
      out_.StartEvent(kEnd);
      out_.event().Varint(event::kTrackUuid, control_track_);
      out_.EmitEvent(pause.end_ns);
    }
  }

  // --- rows ---
  void WriteRows(const StreamBatch& batch, ClockMap* clock, int64_t origin_ns) {
    std::vector<const StreamBatch::Log*> logs(recording_.threads.size());
    for (const StreamBatch::Log& log : batch.logs) {
      if (!log.pieces.empty()) logs[words_.ThreadOf(log)] = &log;
    }
    gpu_.Start();
    auto launch = recording_.launches.begin();
    for (uint32_t t = 0; t < logs.size(); ++t) {
      const bool launches = launch != recording_.launches.end() && launch->thread == t;
      while (launch != recording_.launches.end() && launch->thread == t) ++launch;
      if (logs[t] == nullptr && !launches) continue;
      StartThread(t);
      if (logs[t] != nullptr) records_.Write(t, logs[t]->pieces, batch.session, clock, origin_ns);
      if (launches) gpu_.WriteLaunches(t);
    }
  }
  void StartThread(uint32_t number) {
    is_meta_ = false;
    const uint32_t sequence = kFirstThreadSequence + number;
    if (is_started_[number]) return out_.ContinueSequence(sequence, out_.ThreadTrack(number));
    out_.StartSequence(sequence, out_.ThreadTrack(number));
    is_started_[number] = true;
  }

  // --- GPU ---
  void WriteGpu(const GpuRecords& gpu) {
    if (words_.has_new_gpu_tables()) {
      GoToMeta();
      tables_.WriteGpuTables();
    }
    if (!gpu.ranges.empty()) {
      GoToMeta();
      table_.Write(kRangesEvent, gpu.ranges, [&](const GpuRangeRow& range) {
        table_.Cell("start_ns", range.start_ns);
        table_.Cell("end_ns", range.end_ns);
        table_.Cell("os_thread_id", range.os_thread_id);
        table_.Cell("text", gpu.strings[range.name]);
      });
    }
    if (!gpu.warnings.empty()) {
      GoToMeta();
      tables_.WriteWarnings(gpu.warnings);
    }
    if (!gpu_.HasRows()) return;
    is_meta_ = false;
    if (has_gpu_) {
      out_.ContinueSequence(kStreamGpuSequence, out_.process_track());
    } else {
      out_.StartSequence(kStreamGpuSequence, out_.process_track());
    }
    has_gpu_ = true;
    gpu_.Write();
  }

  // --- counts and the end ---
  void WriteCounts(const StreamBatch& batch) {
    if (batch.counts == counts_) return;
    counts_ = batch.counts;
    GoToMeta();
    table_.StartInstant(kCountsEvent);
    for (const RecorderCount& count : kRecorderCounts) table_.AddField(count.name, counts_.*count.field);
    out_.EmitEvent(0);
  }
  void WriteEnd(const StreamBatch& batch, int64_t duration_ns) {
    GoToMeta();
    struct Unseen {
      uint32_t number, count;
    };
    std::vector<Unseen> unseen;
    for (const StreamBatch::Log& log : batch.logs) {
      if (log.unseen_brackets != 0) unseen.push_back({words_.ThreadOf(log), log.unseen_brackets});
    }
    table_.Write(kThreadsEvent, unseen, [this](const Unseen& thread) {
      table_.Cell("index", uint64_t{thread.number});
      table_.Cell("unseen_brackets", uint64_t{thread.count});
    });
    table_.StartInstant(kEndEvent);
    table_.AddField("duration_ns", duration_ns);
    out_.EmitEvent(0);
  }

  StreamWords words_;
  const Recording& recording_ = words_.recording();
  PacketStream out_;
  TableWriter table_;
  TablePackets tables_;
  RecordPackets records_;
  GpuPackets gpu_;
  bool is_meta_ = true;  // the stream stands at the first sequence
  bool has_gpu_ = false;
  uint64_t control_track_ = 0;
  size_t pauses_told_ = 0, pauses_closed_ = 0;
  RecorderCounts counts_;
  std::vector<bool> is_started_;  // by thread
};

PerfettoStream::PerfettoStream(int fd, std::string meta_json) : file_(fd), meta_json_(std::move(meta_json)) {}
PerfettoStream::~PerfettoStream() = default;

void PerfettoStream::Add(const StreamBatch& batch, const GpuRecords& gpu) {
  if (batch.is_first || trace_ == nullptr) {
    file_.Restart();
    trace_ = std::make_unique<Trace>(batch, meta_json_, &file_.pending());
  }
  trace_->Add(batch, gpu);
}

}  // namespace opscope
