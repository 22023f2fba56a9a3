// The GPU back end of platforms that have no CUPTI: macOS, Windows.
#pragma once

#include "core/gpu_source.h"

namespace opscope {

// Refuses every Start, with the reason "unsupported-platform". Any thread.
GpuSource& NoGpuSource();

}  // namespace opscope
