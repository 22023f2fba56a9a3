// How much GPU memory is in use, as allocations and releases tell it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "../core/columns.h"

namespace opscope {

// Of what was allocated in the recording: a release of older memory changes
// nothing. Rows come by time. Not thread-safe.
class LiveMemory {
 public:
  // What is counted together: memory of one sort, as seen from one device.
  using Pool = std::pair<uint32_t, MemoryKind>;
  static Pool PoolOf(const GpuMemoryRow& row) noexcept;
  // GPU 0 memory, GPU 0 pinned memory
  static std::string LabelOf(const Pool& pool);

  // Bytes in use in the row's pool after it. Of a merged recording, `process` is the row's.
  uint64_t After(const GpuMemoryRow& row, uint32_t process = 0);

 private:
  std::map<Pool, uint64_t> live_;
  std::unordered_map<uint64_t, uint64_t> blocks_;  // bytes by AddressKey: no two devices share addresses
};

}  // namespace opscope
