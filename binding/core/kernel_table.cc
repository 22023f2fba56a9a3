// The kernel table: two passes, one to count, one to set the durations of each
// kernel side by side for its percentiles.
#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gpu_tables.h"
#include "id_map.h"
#include "quantile.h"

namespace opscope {
namespace {

// What decides the occupancy of a launch.
struct Shape {
  uint32_t grid[3], block[3];
  uint32_t static_shared, dynamic_shared, executed_shared;
  uint32_t registers;
  bool operator==(const Shape& other) const noexcept { return std::memcmp(this, &other, sizeof *this) == 0; }
};
static_assert(sizeof(Shape) == 40, "compared byte by byte: no padding");

Shape ShapeOf(const KernelRow& row) noexcept {
  return {{row.grid_x, row.grid_y, row.grid_z},
          {row.block_x, row.block_y, row.block_z},
          row.static_shared_bytes,
          row.dynamic_shared_bytes,
          row.executed_shared_bytes,
          row.registers_per_thread};
}
struct HashOfShape {
  size_t operator()(const Shape& shape) const noexcept {
    uint64_t words[5], hash = 0;
    std::memcpy(words, &shape, sizeof shape);
    for (const uint64_t word : words) hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return static_cast<size_t>(hash >> 16);
  }
};

struct ShapeSums {
  int64_t ns = 0;
  uint32_t row = 0;  // the first kernel row that has it
};
// Most kernels have one shape, and most launches the shape of the one before.
struct ShapesOfKernel {
  std::unordered_map<Shape, ShapeSums, HashOfShape> by_shape;
  Shape last{};
  ShapeSums* last_sums = nullptr;
};

// One use; not thread-safe.
class KernelTable {
 public:
  explicit KernelTable(const Recording& recording) : recording_(recording) {}

  std::vector<KernelSums> Build() {
    CountWorkOfLaunches();
    AddUp();
    FindPercentiles();
    for (size_t i = 0; i < sums_.size(); ++i) FindOccupancy(shapes_[i], &sums_[i]);
    std::stable_sort(sums_.begin(), sums_.end(),
                     [](const KernelSums& a, const KernelSums& b) { return a.total_ns > b.total_ns; });
    return std::move(sums_);
  }

 private:
  void CountWorkOfLaunches() {
    work_of_launch_.resize(recording_.launches.size());
    for (const GpuRow& row : recording_.gpu) {
      if (row.launch >= 0 && row.kind != GpuKind::kSync) ++work_of_launch_[static_cast<size_t>(row.launch)];
    }
  }

  void AddUp() {
    const Column<KernelRow>& kernels = recording_.gpu_details.kernels;
    size_t next_kernel = 0;
    group_of_row_.Reset(recording_.gpu.size());
    for (uint32_t i = 0; i < recording_.gpu.size(); ++i) {
      const GpuRow& row = recording_.gpu[i];
      if (row.kind != GpuKind::kKernel) continue;
      const uint64_t key = uint64_t{row.device} << 32 | row.name;
      const uint32_t group = groups_.FindOrInsert(key, static_cast<uint32_t>(sums_.size()));
      if (group == sums_.size()) {
        sums_.push_back({});
        shapes_.emplace_back();
        sums_.back().name = row.name;
        sums_.back().device = row.device;
        sums_.back().min_ns = INT64_MAX;
      }
      group_of_row_[i] = group;
      KernelSums& sums = sums_[group];
      const int64_t ns = row.end_ns - row.start_ns;
      ++sums.calls;
      sums.total_ns += ns;
      sums.min_ns = std::min(sums.min_ns, ns);
      sums.max_ns = std::max(sums.max_ns, ns);
      if (row.launch >= 0) {
        const LaunchRow& launch = recording_.launches[static_cast<size_t>(row.launch)];
        sums.launch_ns +=
            (launch.end_ns - launch.start_ns) / work_of_launch_[static_cast<size_t>(row.launch)];
      }
      while (next_kernel < kernels.size() && kernels[next_kernel].row < i) ++next_kernel;
      if (next_kernel < kernels.size() && kernels[next_kernel].row == i)
        AddShape(static_cast<uint32_t>(next_kernel), ns, &shapes_[group], &sums);
    }
  }

  void AddShape(uint32_t row, int64_t ns, ShapesOfKernel* shapes, KernelSums* sums) {
    const KernelRow& kernel = recording_.gpu_details.kernels[row];
    if (kernel.graph_id != 0 || kernel.graph_node_id != 0) ++sums->graph_calls;
    if (kernel.block_x == 0) return;  // a whole graph
    const Shape shape = ShapeOf(kernel);
    if (shapes->last_sums == nullptr || !(shapes->last == shape)) {
      const auto [found, is_new] = shapes->by_shape.try_emplace(shape);
      if (is_new) found->second.row = row;
      shapes->last = shape;
      shapes->last_sums = &found->second;  // nodes of the map stay where they are
    }
    shapes->last_sums->ns += ns;
  }

  void FindPercentiles() {
    std::vector<size_t> next(sums_.size() + 1);
    for (size_t i = 0; i < sums_.size(); ++i) next[i + 1] = next[i] + sums_[i].calls;
    Column<uint64_t> durations(next.back());
    for (uint32_t i = 0; i < recording_.gpu.size(); ++i) {
      const GpuRow& row = recording_.gpu[i];
      if (row.kind == GpuKind::kKernel)
        durations[next[group_of_row_[i]]++] = static_cast<uint64_t>(row.end_ns - row.start_ns);
    }
    size_t first = 0;
    for (KernelSums& sums : sums_) {
      sums.p50_ns = Percentile(durations.data() + first, sums.calls, 50);
      sums.p99_ns = Percentile(durations.data() + first, sums.calls, 99);
      first += sums.calls;
    }
  }

  // A selection spoils the values that it looks at, hence on a copy.
  int64_t Percentile(const uint64_t* values, size_t count, uint64_t percent) {
    scratch_.assign(values, values + count);
    return static_cast<int64_t>(PercentileOf(scratch_.data(), count, percent));
  }

  const GpuDevice* DeviceOf(uint32_t id) const noexcept {
    for (const GpuDevice& device : recording_.gpu_details.devices) {
      if (device.id == id) return &device;
    }
    return nullptr;
  }

  void FindOccupancy(const ShapesOfKernel& shapes, KernelSums* sums) const {
    sums->configurations = shapes.by_shape.size();
    const GpuDevice* device = DeviceOf(sums->device);
    const ShapeSums* most = nullptr;
    double weighted = 0, all = 0;
    for (const auto& [shape, of_shape] : shapes.by_shape) {
      const bool is_more =
          most == nullptr || of_shape.ns > most->ns || (of_shape.ns == most->ns && of_shape.row < most->row);
      if (is_more) most = &of_shape;
      if (device == nullptr) continue;
      const double ratio = TheoreticalOccupancy(recording_.gpu_details.kernels[of_shape.row], *device).ratio;
      // A shape that took no time at all still counts where there is no other.
      const double weight = static_cast<double>(std::max<int64_t>(of_shape.ns, 1));
      weighted += ratio * weight;
      all += weight;
    }
    if (most == nullptr) return;
    sums->shape = recording_.gpu_details.kernels[most->row];
    if (device == nullptr) return;
    sums->occupancy = TheoreticalOccupancy(sums->shape, *device);
    sums->mean_occupancy = weighted / all;
  }

  const Recording& recording_;
  std::vector<KernelSums> sums_;
  std::vector<ShapesOfKernel> shapes_;   // of each of sums_
  std::vector<int64_t> work_of_launch_;  // GPU rows of each launch
  IdMap groups_;
  Column<uint32_t> group_of_row_;  // set for kernels alone
  std::vector<uint64_t> scratch_;
};

}  // namespace

std::vector<KernelSums> BuildKernelTable(const Recording& recording) {
  return KernelTable(recording).Build();
}

}  // namespace opscope
