#include "occupancy.h"

#include <algorithm>

namespace opscope {
namespace {

constexpr uint64_t kWarpThreads = 32;
constexpr uint64_t kRegisterUnit = 256;     // registers are handed to a warp in such units
constexpr uint64_t kReservedShared = 1024;  // of each block, by the driver, from compute 8.0 on
constexpr uint64_t kUnlimited = UINT32_MAX;

constexpr uint64_t RoundUp(uint64_t value, uint64_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

uint64_t BlocksByRegisters(uint64_t registers_per_thread, uint64_t warps_per_block,
                           const GpuDevice& device) noexcept {
  if (registers_per_thread == 0 || device.max_registers_per_sm == 0) return kUnlimited;
  const bool is_pascal_100 = device.compute_major == 6 && device.compute_minor == 0;
  const uint64_t parts = is_pascal_100 ? 2 : 4;
  const uint64_t per_warp = RoundUp(registers_per_thread * kWarpThreads, kRegisterUnit);
  if (device.max_registers_per_block != 0 &&
      RoundUp(warps_per_block, parts) * per_warp > device.max_registers_per_block)
    return 0;
  return device.max_registers_per_sm / parts / per_warp * parts / warps_per_block;
}

uint64_t BlocksByShared(const KernelRow& kernel, const GpuDevice& device) noexcept {
  const bool has_reserve = device.compute_major >= 8;
  const uint64_t asked = uint64_t{kernel.static_shared_bytes} + kernel.dynamic_shared_bytes;
  const uint64_t per_block = RoundUp(asked + (has_reserve ? kReservedShared : 0), has_reserve ? 128 : 256);
  // What the multiprocessor was really divided into for this launch, where the record tells.
  const uint64_t total =
      kernel.executed_shared_bytes != 0 ? kernel.executed_shared_bytes : device.max_shared_per_sm;
  return per_block == 0 || total == 0 ? kUnlimited : total / per_block;
}

}  // namespace

Occupancy TheoreticalOccupancy(const KernelRow& kernel, const GpuDevice& device) noexcept {
  const uint64_t threads = uint64_t{kernel.block_x} * kernel.block_y * kernel.block_z;
  if (threads == 0 || device.max_warps_per_sm == 0) return {};
  const uint64_t warps = (threads + kWarpThreads - 1) / kWarpThreads;
  struct Bound {
    uint64_t blocks;
    OccupancyLimit limit;
  };
  // The first of equals is named: where a kernel fills all warps, nothing else is worth telling.
  const Bound bounds[] = {
      {device.max_warps_per_sm / warps, OccupancyLimit::kWarps},
      {device.max_blocks_per_sm == 0 ? kUnlimited : device.max_blocks_per_sm, OccupancyLimit::kBlocks},
      {BlocksByRegisters(kernel.registers_per_thread, warps, device), OccupancyLimit::kRegisters},
      {BlocksByShared(kernel, device), OccupancyLimit::kSharedMemory},
  };
  const Bound& least = *std::min_element(std::begin(bounds), std::end(bounds),
                                         [](const Bound& a, const Bound& b) { return a.blocks < b.blocks; });
  Occupancy occupancy;
  occupancy.blocks_per_sm = static_cast<uint32_t>(least.blocks);
  occupancy.warps_per_block = static_cast<uint32_t>(warps);
  occupancy.ratio = static_cast<double>(least.blocks * warps) / device.max_warps_per_sm;
  occupancy.limit = least.limit;
  const double grid = static_cast<double>(kernel.grid_x) * kernel.grid_y * kernel.grid_z;
  const double fit = static_cast<double>(least.blocks) * device.multiprocessors;
  occupancy.waves = fit > 0 ? grid / fit : 0;
  return occupancy;
}

}  // namespace opscope
