// The GPUs of a recording as XSpace numbers them: densely, from 0. And which launch went to which.
#pragma once

#include <cstdint>
#include <vector>

#include "../core/columns.h"

namespace opscope::xplane {

class Devices {
 public:
  explicit Devices(const Recording& recording);

  size_t count() const noexcept { return ids_.size(); }
  uint32_t id(size_t index) const noexcept { return ids_[index]; }
  uint32_t IndexOf(uint32_t id) const noexcept;
  // Null where nothing is known of it.
  const GpuDevice* details(size_t index) const noexcept { return details_[index]; }
  // The device of what the launch caused, or -1.
  int64_t OfLaunch(uint32_t launch) const noexcept {
    return launches_.empty() ? -1 : int64_t{launches_[launch]} - 1;
  }

 private:
  std::vector<uint32_t> ids_;  // ascending
  std::vector<const GpuDevice*> details_;
  std::vector<uint32_t> launches_;  // 1 + index, 0: none
};

// When a GPU row counts as over: with its launch, so that the two stay together.
inline int64_t EndForAge(const Recording& recording, const GpuRow& row) noexcept {
  return row.launch < 0 ? row.end_ns : recording.launches[static_cast<size_t>(row.launch)].end_ns;
}
// Joins a row with its launch. Rows without a number get one of their own, above what CUPTI counts in.
inline uint64_t CorrelationOf(const GpuRow& row, size_t index) noexcept {
  return row.correlation_id != 0 ? row.correlation_id : (uint64_t{1} << 40) + index;
}

}  // namespace opscope::xplane
