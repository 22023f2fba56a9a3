// The fields of GPU details by name, for formats that hold them by name.
#pragma once

#include <array>
#include <cstdint>

#include "../core/columns.h"

namespace opscope {

struct DeviceCount {
  const char* name;
  uint32_t GpuDevice::*field;
};
constexpr std::array<DeviceCount, 11> kDeviceCounts = {{
    {"compute_major", &GpuDevice::compute_major},
    {"compute_minor", &GpuDevice::compute_minor},
    {"multiprocessors", &GpuDevice::multiprocessors},
    {"copy_engines", &GpuDevice::copy_engines},
    {"max_warps_per_sm", &GpuDevice::max_warps_per_sm},
    {"max_blocks_per_sm", &GpuDevice::max_blocks_per_sm},
    {"max_shared_per_sm", &GpuDevice::max_shared_per_sm},
    {"max_registers_per_sm", &GpuDevice::max_registers_per_sm},
    {"max_registers_per_block", &GpuDevice::max_registers_per_block},
    {"max_shared_per_block", &GpuDevice::max_shared_per_block},
    {"core_clock_khz", &GpuDevice::core_clock_khz},
}};

}  // namespace opscope
