// What people call the things of a GPU, the same in every format.
#pragma once

#include "../core/columns.h"

namespace opscope {

const char* GpuKindName(GpuKind kind) noexcept;
const char* MemoryKindName(MemoryKind kind) noexcept;

}  // namespace opscope
