#include "gpu_tables.h"

#include <algorithm>

#include "id_map.h"

namespace opscope {
namespace {

// Shorter or smaller copies tell more of the start-up than of the link.
constexpr int64_t kMinRateNs = 1'000;
constexpr uint64_t kMinRateBytes = 4096;

void AddCopies(const Recording& recording, std::vector<CopySums>* copies) {
  IdMap groups;
  int32_t last_blocking = -1;
  for (const GpuRow& row : recording.gpu) {
    if (row.kind != GpuKind::kCopy || row.span == kNoParent) continue;
    const uint32_t name = recording.spans.name[static_cast<size_t>(row.span)];
    const uint64_t key = uint64_t{name} << 32 | uint64_t{row.device} << 8 |
                         static_cast<uint64_t>(row.from) << 4 | static_cast<uint64_t>(row.to);
    const uint32_t group = groups.FindOrInsert(key, static_cast<uint32_t>(copies->size()));
    if (group == copies->size()) {
      copies->push_back({});
      copies->back().name = name;
      copies->back().device = row.device;
      copies->back().from = row.from;
      copies->back().to = row.to;
    }
    CopySums& sums = (*copies)[group];
    const int64_t ns = row.end_ns - row.start_ns;
    ++sums.copies;
    sums.bytes += row.bytes;
    sums.gpu_ns += ns;
    if (ns >= kMinRateNs && row.bytes >= kMinRateBytes)
      sums.peak_bytes_per_ns =
          std::max(sums.peak_bytes_per_ns, static_cast<double>(row.bytes) / static_cast<double>(ns));
    if (row.launch < 0 || row.launch == last_blocking) continue;
    const LaunchRow& launch = recording.launches[static_cast<size_t>(row.launch)];
    if (!IsBlockingCopy(row, launch)) continue;
    last_blocking = row.launch;
    ++sums.blocking;
    sums.blocking_ns += launch.end_ns - launch.start_ns;
  }
  std::stable_sort(copies->begin(), copies->end(),
                   [](const CopySums& a, const CopySums& b) { return a.gpu_ns > b.gpu_ns; });
}

void AddOverheads(const Recording& recording, std::vector<GpuTables::Overhead>* overheads) {
  for (const GpuOverheadRow& row : recording.gpu_details.overheads) {
    auto found = std::find_if(overheads->begin(), overheads->end(),
                              [&row](const GpuTables::Overhead& known) { return known.kind == row.kind; });
    if (found == overheads->end()) found = overheads->insert(found, {row.kind, {}});
    ++found->sum.count;
    found->sum.ns += row.end_ns - row.start_ns;
  }
  std::stable_sort(overheads->begin(), overheads->end(),
                   [](const auto& a, const auto& b) { return a.sum.ns > b.sum.ns; });
}

}  // namespace

GpuTables BuildGpuTables(const Recording& recording) {
  GpuTables tables;
  tables.rows = recording.gpu.size();
  for (const GpuRow& row : recording.gpu) {
    if (row.span == kNoParent) {
      ++tables.orphans;
    } else if (row.launch >= 0) {
      const LaunchRow& launch = recording.launches[static_cast<size_t>(row.launch)];
      tables.by_exclusion += (launch.flags & kByExclusion) != 0 ? 1 : 0;
    }
  }
  tables.kernels = BuildKernelTable(recording);
  BuildDeviceTables(recording, &tables);
  BuildWaitTables(recording, &tables);
  AddCopies(recording, &tables.copies);
  AddOverheads(recording, &tables.overheads);
  return tables;
}

}  // namespace opscope
