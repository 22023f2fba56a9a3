#include "chrome_stream.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "../core/merge.h"
#include "chrome_gpu.h"
#include "chrome_head.h"
#include "chrome_lines.h"
#include "chrome_records.h"
#include "span_rows.h"
#include "stream_gpu_filter.h"
#include "stream_words.h"

namespace opscope {

namespace {

// 200 KB, which a flush writes again: 1 MB/s at most with the usual interval.
constexpr size_t kMostOpen = 1000;

}  // namespace

// One file.
class ChromeStream::Trace {
 public:
  Trace(const StreamBatch& batch, const std::string& meta_json, ByteSink* sink, StreamGpuFilter filter)
      : words_(batch, meta_json),
        sink_(*sink),
        out_(words_.recording(), sink, JsonLines::LongNames::kInFirstEvent),
        line_(out_.line()),
        records_(&out_),
        gpu_(&out_),
        filter_(std::move(filter)) {
    HeadLines(&out_).WriteStart();
    out_.WriteProcess(out_.pid(), "node", 0);
  }

  void Add(const StreamBatch& batch, const GpuRecords& all_gpu) {
    ClockMap clock(batch.clock_points);
    const int64_t origin_ns = words_.OriginOn(batch);
    const GpuRecords gpu = filter_.Kept(all_gpu, batch, &clock);
    words_.Add(batch, gpu);
    out_.Grow();
    gpu_.Start();
    WriteThreads();
    WritePauses(batch, &clock, origin_ns);
    WriteRows(batch, &clock, origin_ns);
    WriteRanges(gpu);
    gpu_.Write();
    gpu_.Forward();
    counts_ = batch.counts;
    gpu_warnings_.insert(gpu_warnings_.end(), gpu.warnings.begin(), gpu.warnings.end());
    if (batch.has_more) return;
    records_.EndSweep();
    const bool is_stopped = batch.session.stop_ticks != UINT64_MAX;
    now_ns_ = is_stopped
                  ? clock.Map(batch.session.stop_ticks) - origin_ns
                  : static_cast<int64_t>(batch.clock_points.back().ns) - words_.recording().origin_clock_ns;
    if (!is_stopped || is_stopped_) return;
    is_stopped_ = true;
    unfinished_ = records_.open_count();
    records_.Finish(now_ns_);
  }

  // What stands behind the lines at this moment.
  std::string Footer() {
    ByteSink footer = ByteSink::ToMemory(kMostOpen);
    if (!is_stopped_) {
      out_.WriteTo(&footer);
      records_.WriteOpen(now_ns_, kMostOpen);
      if (paused_since_ns_ >= 0)
        out_.WritePause(out_.pid(), control_tid_, {paused_since_ns_, std::max(now_ns_, paused_since_ns_)});
      out_.WriteTo(&sink_);
    }
    const uint64_t unfinished = is_stopped_ ? unfinished_ : records_.open_count();
    line_ = "\n],\"opscope\":{";
    out_.Key("stopped");
    line_ += is_stopped_ ? "true" : "false";
    out_.AddNumber("duration_ns", now_ns_);
    out_.AddUnsigned("spans", records_.row_count());
    out_.AddUnsigned("dropped", counts_.dropped_spans);
    out_.AddUnsigned("unfinished", unfinished);
    std::vector<Warning> warnings = WarningsOf(counts_, unfinished);
    warnings.insert(warnings.end(), gpu_warnings_.begin(), gpu_warnings_.end());
    HeadLines tables(&out_);
    tables.AddWarnings(warnings);
    tables.AddGpuTables();
    line_ += "}}\n";
    footer.Append(line_);
    return std::string(footer.view());
  }

  StreamGpuFilter TakeFilter() {
    filter_.Restart();
    return std::move(filter_);
  }

 private:
  int64_t TidOf(uint32_t thread) {
    while (tids_.size() <= thread) {
      const int64_t id = words_.recording().threads[tids_.size()].os_thread_id;
      const bool is_usable = id > 0 && id < kFirstMadeUpThreadId && used_ids_.insert(id).second;
      tids_.push_back(is_usable ? id : out_.NewTid());
    }
    return tids_[thread];
  }

  void WriteThreads() {
    for (const uint32_t number : words_.changed_threads()) out_.WriteThread(TidOf(number), number);
  }

  void WritePauses(const StreamBatch& batch, ClockMap* clock, int64_t origin_ns) {
    const auto& pauses = batch.session.pauses;
    if (control_tid_ == 0 && !pauses.empty()) {
      control_tid_ = out_.NewTid();
      out_.WriteTrack(out_.pid(), control_tid_, "opscope control", -1);
    }
    paused_since_ns_ = -1;
    for (; pauses_written_ < pauses.size(); ++pauses_written_) {
      const auto [from, to] = pauses[pauses_written_];
      const int64_t from_ns = std::max<int64_t>(clock->Map(from) - origin_ns, 0);
      if (to == UINT64_MAX) {
        paused_since_ns_ = from_ns;
        return;
      }
      out_.WritePause(out_.pid(), control_tid_, {from_ns, std::max(clock->Map(to) - origin_ns, from_ns)});
    }
  }

  void WriteRows(const StreamBatch& batch, ClockMap* clock, int64_t origin_ns) {
    for (const StreamBatch::Log& log : batch.logs) {
      const uint32_t thread = words_.ThreadOf(log);
      if (!log.pieces.empty())
        records_.Write(thread, TidOf(thread), log.pieces, batch.session, clock, origin_ns);
    }
    records_.EndBatch();
    uint32_t last = UINT32_MAX;
    for (const LaunchRow& launch : words_.recording().launches) {
      if (launch.thread == last) continue;
      last = launch.thread;
      gpu_.WriteLaunches(last, TidOf(last));
    }
  }

  void WriteRanges(const GpuRecords& gpu) {
    const int64_t origin_ns = words_.recording().origin_clock_ns;
    for (const GpuRangeRow& range : gpu.ranges) {
      const int64_t start_ns = range.start_ns - origin_ns;
      records_.WriteRange(TidOf(words_.ThreadOf(range.os_thread_id)), gpu.strings[range.name], start_ns,
                          std::max(range.end_ns - origin_ns, start_ns));
    }
  }

  StreamWords words_;
  ByteSink& sink_;
  JsonLines out_;
  std::string& line_;
  RecordLines records_;
  GpuLines gpu_;
  StreamGpuFilter filter_;
  std::vector<int64_t> tids_;  // by thread
  std::unordered_set<int64_t> used_ids_;
  size_t pauses_written_ = 0;
  int64_t control_tid_ = 0;
  int64_t paused_since_ns_ = -1;
  int64_t now_ns_ = 0;
  RecorderCounts counts_;
  std::vector<Warning> gpu_warnings_;
  uint64_t unfinished_ = 0;
  bool is_stopped_ = false;
};

ChromeStream::ChromeStream(int fd, std::string meta_json) : file_(fd), meta_json_(std::move(meta_json)) {}
ChromeStream::~ChromeStream() = default;

void ChromeStream::Add(const StreamBatch& batch, const GpuRecords& gpu) {
  if (batch.is_first || trace_ == nullptr) {
    file_.Restart();
    StreamGpuFilter filter;
    if (trace_ != nullptr) filter = trace_->TakeFilter();
    trace_ = std::make_unique<Trace>(batch, meta_json_, &file_.pending(), std::move(filter));
  }
  trace_->Add(batch, gpu);
}

Status ChromeStream::Flush() {
  if (trace_ == nullptr) return Status::Ok();
  std::string footer = trace_->Footer();
  // The file must not get shorter: it would have a torn end for a moment.
  const size_t bytes = file_.pending().view().size() + footer.size();
  if (bytes < file_.footer_bytes()) footer.append(file_.footer_bytes() - bytes, ' ');
  return file_.Flush(footer);
}

}  // namespace opscope
