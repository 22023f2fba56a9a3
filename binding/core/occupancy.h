// How much of a multiprocessor a kernel can fill.
#pragma once

#include <cstdint>

#include "columns.h"

namespace opscope {

// What keeps more blocks of a kernel off a multiprocessor.
enum class OccupancyLimit : uint8_t {
  kUnknown = 0,  // the device or the kernel's shape was not recorded
  kWarps = 1,
  kBlocks = 2,
  kRegisters = 3,
  kSharedMemory = 4,
};

struct Occupancy {
  double ratio = 0;  // warps that fit, of those a multiprocessor holds: 0 to 1
  double waves = 0;  // blocks of the grid over blocks that fit on the whole device
  uint32_t blocks_per_sm = 0;
  uint32_t warps_per_block = 0;
  OccupancyLimit limit = OccupancyLimit::kUnknown;
};

// The theoretical occupancy: what the launch and the device allow, whatever
// runs beside it. By the rules of NVIDIA's occupancy calculator (the CUDA C++
// programming guide, "Occupancy Calculator"): registers are handed out by the
// warp, from one of the parts of a multiprocessor; shared memory by the block.
Occupancy TheoreticalOccupancy(const KernelRow& kernel, const GpuDevice& device) noexcept;

}  // namespace opscope
