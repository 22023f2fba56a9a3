#include "gpu_labels.h"

namespace opscope {

const char* GpuKindName(GpuKind kind) noexcept {
  switch (kind) {
    case GpuKind::kKernel:
      return "kernel";
    case GpuKind::kCopy:
      return "copy";
    case GpuKind::kFill:
      return "fill";
    case GpuKind::kSync:
      return "sync";
  }
  return "kernel";
}

Category CategoryOf(GpuKind kind) noexcept {
  switch (kind) {
    case GpuKind::kKernel:
      return Category::kDevice;
    case GpuKind::kCopy:
    case GpuKind::kFill:
      return Category::kMemcpy;
    case GpuKind::kSync:
      return Category::kSync;
  }
  return Category::kDevice;
}

const char* MemoryKindName(MemoryKind kind) noexcept {
  switch (kind) {
    case MemoryKind::kUnknown:
      return "unknown";
    case MemoryKind::kPageable:
      return "pageable";
    case MemoryKind::kPinned:
      return "pinned";
    case MemoryKind::kDevice:
      return "device";
    case MemoryKind::kArray:
      return "array";
    case MemoryKind::kManaged:
      return "managed";
    case MemoryKind::kPeer:
      return "peer";
  }
  return "unknown";
}

MemoryKind MemoryKindOf(std::string_view name) noexcept {
  for (auto value = static_cast<uint8_t>(MemoryKind::kPeer); value != 0; --value) {
    if (name == MemoryKindName(static_cast<MemoryKind>(value))) return static_cast<MemoryKind>(value);
  }
  return MemoryKind::kUnknown;
}

// CUpti_ActivityOverheadKind of CUDA 11.0 to 13.0.
std::string OverheadLabel(uint32_t kind) {
  switch (kind) {
    case 1:
      return "compiler";
    case 1u << 16:
      return "buffer flush";
    case 2u << 16:
      return "instrumentation";
    case 3u << 16:
      return "resource";
    case 4u << 16:
      return "module load";
    case 5u << 16:
      return "lazy function load";
    case 6u << 16:
      return "command buffer full";
    case 7u << 16:
      return "activity buffer request";
    case 8u << 16:
      return "unified memory start";
    default:
      return "overhead " + std::to_string(kind);
  }
}

std::string PlaceOfDevice(const Recording& recording, const GpuDevice& device) {
  if (recording.processes.empty()) return "";
  const std::string& host = recording.processes[device.process].host;
  return (host.empty() ? "" : host + " ") + "GPU " + std::to_string(device.ordinal);
}

GpuLabels::GpuLabels(const Recording& recording) {
  const GpuDetails& details = recording.gpu_details;
  for (const GpuDevice& device : details.devices) {
    std::string& label = devices_[device.id] = "";
    for (const std::string& part : {PlaceOfDevice(recording, device), device.name})
      if (!part.empty()) label.append(" · ").append(part);
  }
  for (const GpuStreamName& stream : details.stream_names)
    streams_[{stream.context, stream.stream}] = stream.name;
}

std::string GpuLabels::OfDevice(uint32_t device) const {
  std::string label = "GPU " + std::to_string(device);
  const auto known = devices_.find(device);
  if (known != devices_.end()) label += known->second;
  return label;
}

std::string GpuLabels::OfStream(uint32_t context, uint32_t stream) const {
  std::string label = "stream " + std::to_string(stream);
  const auto known = streams_.find({context, stream});
  if (known != streams_.end() && !known->second.empty())
    label.append(" \"").append(known->second).append("\"");
  return label;
}

}  // namespace opscope
