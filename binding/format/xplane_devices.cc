#include "xplane_devices.h"

#include <algorithm>

namespace opscope::xplane {

Devices::Devices(const Recording& recording) {
  const auto see = [this](uint32_t id) {
    if (ids_.empty() || ids_.back() != id) ids_.push_back(id);
  };
  for (const GpuDevice& device : recording.gpu_details.devices) see(device.id);
  for (const GpuRow& row : recording.gpu) see(row.device);
  for (const GpuMemoryRow& row : recording.gpu_details.memory) see(row.device);
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());

  details_.resize(ids_.size());
  for (const GpuDevice& device : recording.gpu_details.devices) details_[IndexOf(device.id)] = &device;
  if (recording.gpu.empty()) return;
  launches_.resize(recording.launches.size());
  for (const GpuRow& row : recording.gpu) {
    if (row.launch < 0 || row.kind == GpuKind::kSync) continue;
    uint32_t& device = launches_[static_cast<size_t>(row.launch)];
    if (device == 0) device = IndexOf(row.device) + 1;
  }
}

uint32_t Devices::IndexOf(uint32_t id) const noexcept {
  return static_cast<uint32_t>(std::lower_bound(ids_.begin(), ids_.end(), id) - ids_.begin());
}

}  // namespace opscope::xplane
