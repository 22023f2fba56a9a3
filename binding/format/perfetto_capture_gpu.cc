#include "perfetto_capture_gpu.h"

#include "perfetto_schema.h"

namespace opscope {

using namespace perfetto;

bool CapturedGpu::AddRow(std::string_view event, int64_t start_ns) {
  GpuRow row{};
  row.start_ns = start_ns;
  row.launch = -1;
  row.span = kNoParent;
  uint64_t name_iid = 0, stage = 0;
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
      case gpu::kLaunch: {
        wire::Reader args(in.bytes());
        while (args.Next()) {
          if (args.field() != gpu::kLaunchArgs) continue;
          std::string_view name;
          uint64_t value = 0;
          wire::Reader arg(args.bytes());
          while (arg.Next()) {
            if (arg.field() == gpu::kArgName) name = arg.bytes();
            if (arg.field() == gpu::kArgUint) value = arg.value();
          }
          const bool is_memory = value <= static_cast<uint64_t>(MemoryKind::kPeer);
          if (name == "device") row.device = static_cast<uint32_t>(value);
          if (name == "stream") row.stream = static_cast<uint32_t>(value);
          if (name == "bytes") row.bytes = value;
          if (name == "from" && is_memory) row.from = static_cast<MemoryKind>(value);
          if (name == "to" && is_memory) row.to = static_cast<MemoryKind>(value);
          if (name == "correlation") row.correlation_id = value;
        }
        break;
      }
      default:
        break;
    }
  }
  row.name = strings_.OfName(name_iid);
  if (in.damaged() || row.name == NumberTable::kAbsent || stage - 1 > 3) return false;
  row.kind = static_cast<GpuKind>(stage - 1);
  rows_.gpu.Append(row);
  return true;
}

}  // namespace opscope
