#include "session_end.h"

#include <sys/mman.h>
#include <unistd.h>

#include <iterator>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "core/gpu_attach.h"
#include "core/merge.h"
#include "core/recorder.h"
#include "format/byte_sink.h"
#include "format/perfetto_reader.h"
#include "format/perfetto_stream.h"

namespace opscope {

namespace {

// A service's stop may wait for the kernels under way; an exit may not.
constexpr uint64_t kWaitDeadlineMs = 10'000;
constexpr uint64_t kExitDeadlineMs = 2'000;

// Releases the session's chunks also when the merge runs out of memory.
class SessionRelease {
 public:
  explicit SessionRelease(int id) noexcept : id_(id) {}
  SessionRelease(const SessionRelease&) = delete;
  SessionRelease& operator=(const SessionRelease&) = delete;
  ~SessionRelease() { Recorder::Get().ReleaseSession(id_); }

 private:
  int id_;
};

GpuRecords StopGpu(SessionEnd* end, int64_t window_start_ns, const GpuPlace* since) {
  GpuSource* gpu = std::exchange(end->gpu, nullptr);
  if (gpu == nullptr) return {};
  const bool waits = end->waits_for_gpu;
  return gpu->Stop(window_start_ns, waits, waits ? kWaitDeadlineMs : kExitDeadlineMs, since);
}

// The logs alone no longer hold the recording: it is the file read again, with what could not be written.
Status ReadBack(SessionEnd* end, std::shared_ptr<Recording>* recording) {
  const MergeInput& input = end->input;
  ClockMap clock(input.clock_points);
  const int64_t start_ns =
      static_cast<int64_t>(input.clock_points.front().ns) + clock.Map(input.session.start_ticks);
  const Status written = end->writer->Finish(StopGpu(end, start_ns, &end->writer->place()));
  auto& sink = static_cast<PerfettoStream&>(end->writer->sink());
  std::vector<std::string> paths{"/proc/self/fd/" + std::to_string(sink.fd())};
  const int rest = written.ok() ? -1 : memfd_create("opscope", MFD_CLOEXEC);
  if (rest >= 0) {
    ByteSink bytes(rest);
    bytes.Append(sink.pending());
    static_cast<void>(bytes.Finish());
    paths.push_back("/proc/self/fd/" + std::to_string(rest));
  }
  RawRows rows;
  std::unique_ptr<StreamedLogs> logs;
  Status status = ReadPerfetto(paths, &rows, &logs);
  if (rest >= 0) close(rest);
  if (status.ok() && logs == nullptr) status = Status::Error(Code::kFileFormat, "it holds another recording");
  if (status.ok()) *recording = MergeStreamed(std::move(*logs), std::move(rows));
  return status;
}

std::shared_ptr<Recording> Merge(SessionEnd* end) {
  std::shared_ptr<Recording> recording = MergeLogs(end->input);
  if (end->gpu != nullptr) {
    AttachGpu(StopGpu(end, recording->origin_clock_ns, nullptr), recording.get(),
              end->input.session.options.category_mask);
  }
  return recording;
}

}  // namespace

std::shared_ptr<const Recording> EndSession(SessionEnd* end) {
  const int id = end->input.session.id;
  SessionRelease release(id);
  std::vector<Warning> warnings;
  if (end->writer != nullptr) {
    end->writer->Halt();
    if (const uint64_t count = end->writer->rotated_count(); count != 0)
      warnings.push_back(
          {"rotated-files", "earlier parts of the recording are in files of their own", count});
  }
  std::shared_ptr<Recording> recording;
  if (end->is_readable && Recorder::Get().IsPartial(id)) {
    if (const Status status = ReadBack(end, &recording); !status.ok()) {
      warnings.push_back(
          {"stream-lost", "the file of the recording cannot be read again: " + status.detail, 1});
    }
  } else {
    recording = Merge(end);
    // If the complete file cannot be written, the stream is what there is.
    if (end->writer != nullptr) static_cast<void>(end->writer->Finish({}));
  }
  if (recording == nullptr) recording = Merge(end);
  recording->meta_json = std::move(end->meta_json);
  recording->warnings.insert(recording->warnings.end(), std::make_move_iterator(warnings.begin()),
                             std::make_move_iterator(warnings.end()));
  return recording;
}

}  // namespace opscope
