// What CUPTI's memory kinds and copy directions are called, and what they mean.
#pragma once

#include <cstdint>
#include <string>

#include "core/columns.h"

namespace opscope::gpu {

constexpr uint32_t kCopyDirectionCount = 11, kMemoryKindCount = 8;

// Numbers beyond the tables are "unknown" in all of these.
MemoryKind MemoryKindOf(uint32_t kind) noexcept;
// What a direction says about a side of a copy, where its memory kind does not.
MemoryKind SideOf(uint32_t direction, bool is_source) noexcept;
// "Memcpy HtoD (Pageable -> Device)", as other tools for PyTorch write it.
std::string CopyName(uint32_t direction, uint32_t from, uint32_t to);
// "Memset (Device)"; lives for ever.
const char* FillName(uint32_t kind) noexcept;

}  // namespace opscope::gpu
