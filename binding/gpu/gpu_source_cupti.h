// The GPU back end of this process: CUPTI on a thread of its own.
#pragma once

#include "core/gpu_source.h"

namespace opscope {

// Created at first use and never destroyed; nothing is loaded before the first
// Start. Stop belongs to a Start that answered `available`. In a process forked
// from one that had started it, every Start is refused.
GpuSource& CuptiSource();

}  // namespace opscope
