#include "perfetto_capture_gpu.h"

#include "gpu_labels.h"
#include "perfetto_launch.h"
#include "perfetto_schema.h"

namespace opscope {

using namespace perfetto;

bool CapturedGpu::AddRow(std::string_view event, int64_t start_ns) {
  GpuRow row{};
  row.start_ns = start_ns;
  row.launch = -1;
  row.span = kNoParent;
  uint64_t name_iid = 0, stage = 0;
  LaunchView launch;
  wire::Reader in(event);
  while (in.Next()) {
    switch (in.field()) {
      case gpu::kDuration:
        // Sums of what a file says may wrap, but must not be undefined.
        row.end_ns = static_cast<int64_t>(static_cast<uint64_t>(start_ns) + in.value());
        break;
      case gpu::kContext:
        row.context = in.value() == kContextZero ? 0 : static_cast<uint32_t>(in.value());
        break;
      case gpu::kSubmissionId:
        row.correlation_id = in.value();
        break;
      case gpu::kStageIid:
        stage = in.value();
        break;
      case gpu::kNameIid:
        name_iid = in.value();
        break;
      case gpu::kLaunch:
        launch.Parse(in.bytes(), [](uint64_t iid) { return static_cast<uint32_t>(iid); });
        break;
      default:
        break;
    }
  }
  row.name = strings_.OfName(name_iid);
  if (in.damaged() || row.name == NumberTable::kAbsent || stage - 1 > 3) return false;
  row.kind = static_cast<GpuKind>(stage - 1);
  row.device = launch.device;
  row.stream = launch.stream;
  row.bytes = launch.bytes;
  row.from = launch.from;
  row.to = launch.to;
  if (launch.has_correlation) row.correlation_id = launch.correlation_id;
  if (launch.has_kernel && row.kind == GpuKind::kKernel) {
    launch.kernel.row = static_cast<uint32_t>(rows_.gpu.size());
    rows_.gpu_details.kernels.Append(launch.kernel);
  }
  rows_.gpu.Append(row);
  return true;
}

bool CapturedGpu::AddEvent(const EventView& event, std::string_view bytes, int64_t at_ns) {
  GpuDetails& details = rows_.gpu_details;
  switch (event.type) {
    case kBegin: {
      const std::optional<uint32_t> kind = OverheadKindOf(bytes);
      if (!kind) return false;
      open_track_ = event.track_uuid;
      details.overheads.Append(
          {at_ns, at_ns, *kind, static_cast<uint32_t>(AnnotationView::NumberOf(bytes, kProcessCell))});
      return true;
    }
    case kEnd:
      if (open_track_ == 0 || event.track_uuid != open_track_) return false;
      open_track_ = 0;
      details.overheads[details.overheads.size() - 1].end_ns = at_ns;
      return true;
    case kCounterValueType:
      return AddMemory(bytes, at_ns);
    default:
      return false;
  }
}

std::optional<uint32_t> CapturedGpu::OverheadKindOf(std::string_view event) noexcept {
  wire::Reader in(event);
  while (in.Next()) {
    if (in.field() != event::kAnnotations) continue;
    AnnotationView note;
    note.Parse(in.bytes());
    if (note.name_iid == gpu_note::kOverhead) return static_cast<uint32_t>(note.value);
  }
  return std::nullopt;
}

bool CapturedGpu::AddMemory(std::string_view event, int64_t at_ns) {
  GpuMemoryRow row{};
  row.at_ns = at_ns;
  row.span = kNoParent;
  bool has_bytes = false;
  wire::Reader in(event);
  while (in.Next()) {
    if (in.field() != event::kAnnotations) continue;
    AnnotationView note;
    note.Parse(in.bytes());
    switch (note.name_iid) {
      case gpu_note::kBytes:
        row.bytes = note.value;
        has_bytes = true;
        break;
      case gpu_note::kAddress:
        row.address = note.value;
        break;
      case gpu_note::kKind:
        row.kind = MemoryKindOf(note.text);
        break;
      case gpu_note::kRelease:
        row.is_release = true;
        break;
      case gpu_note::kDevice:
        row.device = static_cast<uint32_t>(note.value);
        break;
      case gpu_note::kContext:
        row.context = static_cast<uint32_t>(note.value);
        break;
      case gpu_note::kStream:
        row.stream = static_cast<uint32_t>(note.value);
        break;
      case gpu_note::kCorrelation:
        row.correlation_id = note.value;
        break;
      default:
        break;
    }
  }
  if (!has_bytes) return false;
  rows_.gpu_details.memory.Append(row);
  return true;
}

}  // namespace opscope
