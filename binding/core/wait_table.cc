// Where the host waited for a GPU and where it took memory: what belongs to a
// path of spans rather than to a device.
#include <algorithm>
#include <vector>

#include "gpu_tables.h"
#include "id_map.h"
#include "processes.h"

namespace opscope {
namespace {

// Groups rows by the path of their span and a key of the table's own. By hash:
// of 2^32 groups two would meet. Not thread-safe.
class PathGroups {
 public:
  explicit PathGroups(const SpanColumns& spans) : spans_(spans) {}

  // `next` is the number of a new group.
  uint32_t Of(int32_t span, uint64_t key, uint32_t next) {
    uint64_t hash = Mix(key + 1);
    for (int32_t row = span; row != kNoParent; row = spans_.parent[static_cast<size_t>(row)])
      hash = Mix(hash ^ (uint64_t{spans_.name[static_cast<size_t>(row)]} + 1));
    return groups_.FindOrInsert(hash, next);
  }

 private:
  static uint64_t Mix(uint64_t value) noexcept {
    value = (value ^ value >> 32) * 0xD6E8FEB86659FD93u;
    return value ^ value >> 32;
  }
  const SpanColumns& spans_;
  IdMap groups_;
};

void AddWaits(const Recording& recording, std::vector<WaitSums>* waits) {
  PathGroups groups(recording.spans);
  for (const GpuRow& row : recording.gpu) {
    if (row.kind != GpuKind::kSync) continue;
    const uint32_t group = groups.Of(row.span, row.name, static_cast<uint32_t>(waits->size()));
    if (group == waits->size()) {
      waits->push_back({});
      waits->back().name = row.name;
      waits->back().span = row.span;
      waits->back().thread =
          row.launch < 0 ? UINT32_MAX : recording.launches[static_cast<size_t>(row.launch)].thread;
    }
    WaitSums& sums = (*waits)[group];
    ++sums.count;
    sums.total_ns += row.end_ns - row.start_ns;
    sums.max_ns = std::max(sums.max_ns, row.end_ns - row.start_ns);
  }
  std::stable_sort(waits->begin(), waits->end(),
                   [](const WaitSums& a, const WaitSums& b) { return a.total_ns > b.total_ns; });
}

void AddToDevice(const GpuMemoryRow& row, DeviceSums* device) {
  if (row.is_release) {
    ++device->releases;
    device->released_bytes += row.bytes;
    device->live_bytes -= static_cast<int64_t>(row.bytes);
    return;
  }
  ++device->allocations;
  device->allocated_bytes += row.bytes;
  device->live_bytes += static_cast<int64_t>(row.bytes);
  device->peak_bytes =
      std::max(device->peak_bytes, static_cast<uint64_t>(std::max<int64_t>(device->live_bytes, 0)));
}

DeviceSums& DeviceOf(uint32_t id, std::vector<DeviceSums>* devices) {
  auto found =
      std::lower_bound(devices->begin(), devices->end(), id,
                       [](const DeviceSums& device, uint32_t wanted) { return device.device < wanted; });
  if (found == devices->end() || found->device != id) {
    found = devices->insert(found, DeviceSums{});
    found->device = id;
  }
  return *found;
}

void AddAllocations(const Recording& recording, GpuTables* tables) {
  PathGroups groups(recording.spans);
  std::vector<AllocationSums>& memory = tables->memory;
  // What was allocated before the session is not known: its release would make
  // the live bytes negative, so it counts as a release and in nothing else.
  IdMap live(recording.gpu_details.memory.size());
  std::vector<bool> is_live;
  for (const GpuMemoryRow& row : recording.gpu_details.memory) {
    const uint64_t key = uint64_t{row.device} << 8 | static_cast<uint64_t>(row.kind);
    const uint32_t group = groups.Of(row.span, key, static_cast<uint32_t>(memory.size()));
    if (group == memory.size()) {
      memory.push_back({});
      memory.back().span = row.span;
      memory.back().device = row.device;
      memory.back().kind = row.kind;
    }
    AllocationSums& sums = memory[group];
    const uint64_t address = AddressKey(row.address, ProcessOfContext(recording.processes, row.context));
    const uint32_t slot = live.FindOrInsert(address, static_cast<uint32_t>(is_live.size()));
    if (slot == is_live.size()) is_live.push_back(false);
    if (row.is_release) {
      ++sums.releases;
      sums.released_bytes += row.bytes;
    } else {
      ++sums.allocations;
      sums.allocated_bytes += row.bytes;
    }
    DeviceSums& device = DeviceOf(row.device, &tables->devices);
    // Host memory that CUDA hands out is told by path alone.
    if (!IsHostMemory(row.kind) && (!row.is_release || is_live[slot])) AddToDevice(row, &device);
    is_live[slot] = !row.is_release;
  }
  std::stable_sort(memory.begin(), memory.end(), [](const AllocationSums& a, const AllocationSums& b) {
    return a.allocated_bytes > b.allocated_bytes;
  });
}

}  // namespace

void BuildWaitTables(const Recording& recording, GpuTables* tables) {
  AddWaits(recording, &tables->waits);
  AddAllocations(recording, tables);
}

}  // namespace opscope
