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

}  // namespace opscope
