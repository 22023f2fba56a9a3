#include "live_memory.h"

#include <algorithm>

#include "../core/processes.h"
#include "gpu_labels.h"

namespace opscope {

LiveMemory::Pool LiveMemory::PoolOf(const GpuMemoryRow& row) noexcept {
  const bool is_own = row.kind == MemoryKind::kUnknown || row.kind == MemoryKind::kArray;
  return {row.device, is_own ? MemoryKind::kDevice : row.kind};
}

std::string LiveMemory::LabelOf(const Pool& pool) {
  std::string label = "GPU " + std::to_string(pool.first);
  if (pool.second != MemoryKind::kDevice) label.append(" ").append(MemoryKindName(pool.second));
  return label + " memory";
}

uint64_t LiveMemory::After(const GpuMemoryRow& row, uint32_t process) {
  uint64_t& live = live_[PoolOf(row)];
  // Rows without addresses are believed; the others release what was allocated there.
  uint64_t freed = row.is_release ? row.bytes : 0;
  if (row.address != 0) {
    // Allocated anew without a release: that record was lost.
    const uint64_t key = AddressKey(row.address, process);
    const auto block = blocks_.find(key);
    freed = block == blocks_.end() ? 0 : block->second;
    if (block != blocks_.end()) blocks_.erase(block);
    if (!row.is_release) blocks_[key] = row.bytes;
  }
  live -= std::min(live, freed);
  if (!row.is_release) live += row.bytes;
  return live;
}

}  // namespace opscope
