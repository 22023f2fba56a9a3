#include "memory_names.h"

namespace opscope::gpu {

namespace {

const char* const kMemoryNames[kMemoryKindCount] = {"Unknown", "Pageable", "Pinned",        "Device",
                                                    "Array",   "Managed",  "Device Static", "Managed Static"};
const char* const kDirectionNames[kCopyDirectionCount] = {"Unknown", "HtoD", "DtoH", "HtoA", "AtoH", "AtoA",
                                                          "AtoD",    "DtoA", "DtoD", "HtoH", "PtoP"};
const char* const kFillNames[kMemoryKindCount] = {
    "Memset (Unknown)", "Memset (Pageable)", "Memset (Pinned)",        "Memset (Device)",
    "Memset (Array)",   "Memset (Managed)",  "Memset (Device Static)", "Memset (Managed Static)"};

}  // namespace

MemoryKind MemoryKindOf(uint32_t kind) noexcept {
  constexpr MemoryKind kKinds[kMemoryKindCount] = {
      MemoryKind::kUnknown, MemoryKind::kPageable, MemoryKind::kPinned, MemoryKind::kDevice,
      MemoryKind::kArray,   MemoryKind::kManaged,  MemoryKind::kDevice, MemoryKind::kManaged};
  return kind < kMemoryKindCount ? kKinds[kind] : MemoryKind::kUnknown;
}

MemoryKind SideOf(uint32_t direction, bool is_source) noexcept {
  if (direction >= kCopyDirectionCount || direction == 0) return MemoryKind::kUnknown;
  switch (kDirectionNames[direction][is_source ? 0 : 3]) {
    case 'H':
      return MemoryKind::kPageable;
    case 'A':
      return MemoryKind::kArray;
    default:
      return MemoryKind::kDevice;
  }
}

std::string CopyName(uint32_t direction, uint32_t from, uint32_t to) {
  const auto memory = [](uint32_t kind) { return kMemoryNames[kind < kMemoryKindCount ? kind : 0]; };
  return std::string("Memcpy ") + kDirectionNames[direction < kCopyDirectionCount ? direction : 0] + " (" +
         memory(from) + " -> " + memory(to) + ")";
}

const char* FillName(uint32_t kind) noexcept { return kFillNames[kind < kMemoryKindCount ? kind : 0]; }

}  // namespace opscope::gpu
