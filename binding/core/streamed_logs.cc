#include "streamed_logs.h"

#include <iterator>
#include <utility>

#include "gpu_attach.h"
#include "merge.h"
#include "record.h"

namespace opscope {

namespace {

// The clock of the records is the session's own: one tick is one ns.
MergeInput InputOf(StreamedLogs&& logs, const RawRows& rows) {
  MergeInput input;
  const auto origin = static_cast<uint64_t>(rows.origin_clock_ns);
  const auto ticks = [origin](int64_t ns) { return origin + static_cast<uint64_t>(ns); };
  input.clock_points = {{origin, origin}};
  Session& session = input.session;
  session.options.category_mask = logs.category_mask;
  session.start_ticks = origin;
  session.stop_ticks = ticks(rows.duration_ns);
  session.start_epoch_ns = rows.origin_epoch_ns;
  for (const StreamedPause& pause : logs.pauses) {
    const uint64_t end = pause.end_ns < 0 ? session.stop_ticks : ticks(pause.end_ns);
    session.pauses.emplace_back(ticks(pause.start_ns), end);
    if (pause.is_unseen) session.unseen_until.push_back(ticks(pause.start_ns));
  }
  for (const StreamedThread& thread : logs.threads) {
    if (thread.words.empty() && thread.unseen_brackets == 0) continue;
    LogSnapshot log;
    if (!thread.words.empty()) {
      log.pieces.push_back({thread.words.data(), static_cast<uint32_t>(thread.words.size()), 0,
                            TicksOf(thread.words.front())});
    }
    log.os_thread_id = thread.os_thread_id;
    log.js_thread_id = thread.js_thread_id;
    log.thread_name = thread.name;
    log.unseen_brackets = thread.unseen_brackets;
    input.logs.push_back(std::move(log));
  }
  input.names = std::move(logs.names);
  input.counts = logs.counts;
  input.process_id = rows.process_id;
  return input;
}

GpuRecords GpuOf(const StreamedLogs& logs, RawRows&& rows) {
  GpuRecords gpu;
  const int64_t origin_ns = rows.origin_clock_ns;
  gpu.strings = std::move(rows.strings);
  for (const LaunchRow& launch : rows.launches) {
    gpu.calls.Append({launch.start_ns + origin_ns, launch.end_ns + origin_ns, launch.correlation_id,
                      logs.threads[launch.thread].os_thread_id, launch.name, 0});
  }
  gpu.rows = std::move(rows.gpu);
  for (GpuRow& row : gpu.rows) {
    row.start_ns += origin_ns;
    row.end_ns += origin_ns;
  }
  GpuDetails& details = rows.gpu_details;
  gpu.kernels = std::move(details.kernels);
  gpu.overheads = std::move(details.overheads);
  for (GpuOverheadRow& row : gpu.overheads) {
    row.start_ns += origin_ns;
    row.end_ns += origin_ns;
  }
  gpu.memory = std::move(details.memory);
  for (GpuMemoryRow& row : gpu.memory) row.at_ns += origin_ns;
  const auto first_text = static_cast<uint32_t>(gpu.strings.size());
  gpu.strings.insert(gpu.strings.end(), logs.range_texts.begin(), logs.range_texts.end());
  for (GpuRangeRow range : logs.ranges) {
    range.name += first_text;
    gpu.ranges.Append(range);
  }
  gpu.devices = std::move(details.devices);
  gpu.contexts = std::move(details.contexts);
  gpu.stream_names = std::move(details.stream_names);
  return gpu;
}

}  // namespace

std::shared_ptr<Recording> MergeStreamed(StreamedLogs&& logs, RawRows&& rows) {
  const std::shared_ptr<Recording> recording = MergeLogs(InputOf(std::move(logs), rows));
  recording->meta_json = std::move(rows.meta_json);
  std::vector<Warning> warnings = std::move(rows.warnings);
  AttachGpu(GpuOf(logs, std::move(rows)), recording.get(), logs.category_mask);
  recording->warnings.insert(recording->warnings.end(), std::make_move_iterator(warnings.begin()),
                             std::make_move_iterator(warnings.end()));
  return recording;
}

}  // namespace opscope
