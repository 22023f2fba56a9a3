#include "perfetto_launch.h"

#include "gpu_labels.h"

namespace opscope {

using namespace perfetto;

namespace {

MemoryKind MemoryOf(uint64_t value, std::string_view text) noexcept {
  if (!text.empty()) return MemoryKindOf(text);
  return value <= static_cast<uint64_t>(MemoryKind::kPeer) ? static_cast<MemoryKind>(value)
                                                           : MemoryKind::kUnknown;
}

}  // namespace

uint32_t LaunchView::ArgNamed(std::string_view name) noexcept {
  for (uint32_t arg = 1; arg < launch_arg::kEnd; ++arg) {
    if (name == kLaunchArgNames[arg]) return arg;
  }
  return launch_arg::kUnknown;
}

void LaunchView::ReadSides(std::string_view bytes, uint32_t* x, uint32_t* y, uint32_t* z) noexcept {
  wire::Reader in(bytes);
  while (in.Next()) {
    const auto value = static_cast<uint32_t>(in.value());
    if (in.field() == gpu::kX) *x = value;
    if (in.field() == gpu::kY) *y = value;
    if (in.field() == gpu::kZ) *z = value;
  }
}

void LaunchView::Set(uint32_t arg, uint64_t value, std::string_view text) noexcept {
  const auto count = static_cast<uint32_t>(value);
  switch (arg) {
    case launch_arg::kDevice:
      device = count;
      has_device = true;
      break;
    case launch_arg::kStream:
      stream = count;
      has_stream = true;
      break;
    case launch_arg::kBytes:
      bytes = value;
      break;
    case launch_arg::kFrom:
      from = MemoryOf(value, text);
      break;
    case launch_arg::kTo:
      to = MemoryOf(value, text);
      break;
    case launch_arg::kCorrelation:
      correlation_id = value;
      has_correlation = true;
      break;
    case launch_arg::kRegisters:
      kernel.registers_per_thread = static_cast<uint16_t>(value);
      break;
    case launch_arg::kStaticShared:
      kernel.static_shared_bytes = count;
      break;
    case launch_arg::kDynamicShared:
      kernel.dynamic_shared_bytes = count;
      break;
    case launch_arg::kExecutedShared:
      kernel.executed_shared_bytes = count;
      break;
    case launch_arg::kLocalPerThread:
      kernel.local_bytes_per_thread = count;
      break;
    case launch_arg::kGraph:
      kernel.graph_id = count;
      break;
    case launch_arg::kGraphNode:
      kernel.graph_node_id = value;
      break;
    case launch_arg::kQueuedNs:
      kernel.queued_ns = value;
      break;
    case launch_arg::kSubmittedNs:
      kernel.submitted_ns = value;
      break;
    default:
      break;
  }
}

}  // namespace opscope
