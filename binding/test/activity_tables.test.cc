#include <algorithm>
#include <string>
#include <vector>

#include "core/gpu_tables.h"
#include "doctest.h"
#include "raw_rows_builder.h"

namespace {

using namespace opscope;
using opscope::test::Random;
using opscope::test::RowsBuilder;

constexpr int64_t kUs = 1'000;

struct Gpu : RowsBuilder {
  Gpu() { Thread("main"); }
  GpuRow& Row(GpuKind kind, const std::string& name, int64_t start, int64_t end, uint64_t id = 0) {
    GpuRow row{};
    row.start_ns = start;
    row.end_ns = end;
    row.correlation_id = id;
    row.name = String(name);
    row.kind = kind;
    rows.gpu.Append(row);
    return rows.gpu[rows.gpu.size() - 1];
  }
  GpuRow& Kernel(const std::string& name, int64_t start, int64_t end, uint64_t id = 0) {
    return Row(GpuKind::kKernel, name, start, end, id);
  }
  GpuRow& Copy(MemoryKind from, MemoryKind to, uint64_t bytes, int64_t start, int64_t end, uint64_t id = 0) {
    GpuRow& row = Row(GpuKind::kCopy, "copy", start, end, id);
    row.from = from;
    row.to = to;
    row.bytes = bytes;
    return row;
  }
  // Of the kernel added last.
  KernelRow& Shape(uint32_t grid, uint32_t block, uint16_t registers = 0, uint32_t dynamic_shared = 0) {
    KernelRow kernel{};
    kernel.row = static_cast<uint32_t>(rows.gpu.size() - 1);
    kernel.grid_x = grid;
    kernel.block_x = block;
    kernel.grid_y = kernel.grid_z = kernel.block_y = kernel.block_z = 1;
    kernel.registers_per_thread = registers;
    kernel.dynamic_shared_bytes = dynamic_shared;
    rows.gpu_details.kernels.Append(kernel);
    return rows.gpu_details.kernels[rows.gpu_details.kernels.size() - 1];
  }
  GpuTables Tables() { return BuildGpuTables(*Build()); }
};

// Figures of NVIDIA's own tables of compute capabilities (CUDA C++ programming
// guide, "Technical Specifications per Compute Capability").
GpuDevice Hopper() {
  GpuDevice device;
  device.compute_major = 9;
  device.multiprocessors = 132;
  device.max_warps_per_sm = 64;
  device.max_blocks_per_sm = 32;
  device.max_registers_per_sm = device.max_registers_per_block = 65536;
  device.max_shared_per_sm = 228 * 1024;
  return device;
}
GpuDevice Turing() {
  GpuDevice device = Hopper();
  device.compute_major = 7;
  device.compute_minor = 5;
  device.multiprocessors = 40;
  device.max_warps_per_sm = 32;
  device.max_blocks_per_sm = 16;
  device.max_shared_per_sm = 64 * 1024;
  return device;
}
Occupancy Of(const GpuDevice& device, uint32_t block, uint16_t registers, uint32_t shared,
             uint32_t executed_shared = 0) {
  KernelRow kernel{};
  kernel.grid_x = 264;
  kernel.grid_y = kernel.grid_z = kernel.block_y = kernel.block_z = 1;
  kernel.block_x = block;
  kernel.registers_per_thread = registers;
  kernel.dynamic_shared_bytes = shared;
  kernel.executed_shared_bytes = executed_shared;
  return TheoreticalOccupancy(kernel, device);
}
void CheckOccupancy(const Occupancy& is, uint32_t blocks, double ratio, OccupancyLimit limit) {
  CHECK(is.blocks_per_sm == blocks);
  CHECK(is.ratio == doctest::Approx(ratio));
  CHECK(is.limit == limit);
}

}  // namespace

TEST_CASE("occupancy: each bound is the limit where it is the least, by hand-worked launches") {
  // 8 warps a block. 32 registers: 1,024 a warp, 16 warps in a quarter, 64 in all.
  CheckOccupancy(Of(Hopper(), 256, 32, 0), 8, 1.0, OccupancyLimit::kWarps);
  // 64 registers: 2,048 a warp, 8 in a quarter of 16,384, 32 in all: 4 blocks.
  CheckOccupancy(Of(Hopper(), 256, 64, 0), 4, 0.5, OccupancyLimit::kRegisters);
  // 72 registers: 2,304 a warp, 7 in a quarter, 28 in all: 3 blocks of 8, not 3.5.
  CheckOccupancy(Of(Hopper(), 256, 72, 0), 3, 0.375, OccupancyLimit::kRegisters);
  // 48 KiB and the driver's 1 KiB: 4 of them in 228 KiB.
  CheckOccupancy(Of(Hopper(), 256, 32, 48 * 1024), 4, 0.5, OccupancyLimit::kSharedMemory);
  // One warp a block: 32 blocks is all that there may be.
  CheckOccupancy(Of(Hopper(), 32, 32, 0), 32, 0.5, OccupancyLimit::kBlocks);
  // The carve-out of this launch was smaller than the device's most.
  CheckOccupancy(Of(Hopper(), 256, 32, 48 * 1024, 100 * 1024), 2, 0.25, OccupancyLimit::kSharedMemory);
  // Compute 7.5 reserves nothing: 32 KiB fit twice in 64.
  CheckOccupancy(Of(Turing(), 256, 32, 32 * 1024), 2, 0.5, OccupancyLimit::kSharedMemory);
  // ... and hands it out in units of 256 bytes: 10,880 take 11,008, five times.
  CheckOccupancy(Of(Turing(), 64, 16, 10'880), 5, 10.0 / 32, OccupancyLimit::kSharedMemory);
  // The reserve decides: 57 KiB would fit four times, 58 fit three.
  CheckOccupancy(Of(Hopper(), 256, 32, 57 * 1024), 3, 0.375, OccupancyLimit::kSharedMemory);
  // Compute 6.0 has two parts: 88 registers, 2,816 a warp, 11 in each half; in quarters 20 would fit.
  GpuDevice pascal = Hopper();
  pascal.compute_major = 6;
  CheckOccupancy(Of(pascal, 32, 88, 0), 22, 22.0 / 64, OccupancyLimit::kRegisters);
  // A block that is no multiple of a warp: 3 warps of 33 to 96 threads.
  CHECK(Of(Hopper(), 65, 16, 0).warps_per_block == 3);
}

TEST_CASE("occupancy: a block that cannot run at all fits no times, and nothing is known of no device") {
  // 1,024 threads with 80 registers want 2,560 a warp x 32 warps, more than a block may have.
  CheckOccupancy(Of(Hopper(), 1024, 80, 0), 0, 0, OccupancyLimit::kRegisters);
  CHECK(Of(GpuDevice{}, 256, 32, 0).limit == OccupancyLimit::kUnknown);
  CHECK(Of(Hopper(), 0, 32, 0).limit == OccupancyLimit::kUnknown);
}

TEST_CASE("occupancy: waves are the grid over what the whole device holds") {
  CHECK(Of(Hopper(), 256, 64, 0).waves == doctest::Approx(264.0 / (4 * 132)));
}

TEST_CASE("kernels: calls of a name on a device add up, the longest total first") {
  Gpu gpu;
  gpu.Launch(0, "cudaLaunchKernel", 0, 4, 1);
  gpu.Kernel("relu", 10, 20, 1);
  gpu.Kernel("gemm", 20, 120);
  gpu.Kernel("gemm", 130, 180);
  gpu.Kernel("gemm", 200, 210).device = 1;
  const auto kernels = gpu.Tables().kernels;
  REQUIRE(kernels.size() == 3);
  CHECK(kernels[0].calls == 2);
  CHECK(kernels[0].total_ns == 150);
  CHECK(kernels[0].min_ns == 50);
  CHECK(kernels[0].max_ns == 100);
  CHECK(kernels[0].p50_ns == 75);
  CHECK(kernels[0].p99_ns == 100);  // 99.5
  CHECK(kernels[1].launch_ns == 4);
  CHECK(kernels[2].device == 1);
}

TEST_CASE("kernels: occupancy is the mean over launch shapes by time; the shape shown took the most") {
  Gpu gpu;
  gpu.rows.gpu_details.devices = {Hopper()};
  gpu.Kernel("gemm", 0, 100);
  gpu.Shape(10, 256, 32);  // all warps
  gpu.Kernel("gemm", 200, 500);
  gpu.Shape(20, 256, 64);  // half of them
  gpu.Kernel("gemm", 600, 700);
  gpu.Shape(10, 256, 32);
  gpu.Kernel("other", 800, 801);
  const auto kernels = gpu.Tables().kernels;
  CHECK(kernels[0].configurations == 2);
  CHECK(kernels[0].shape.grid_x == 20);
  CHECK(kernels[0].mean_occupancy == doctest::Approx((200 * 1.0 + 300 * 0.5) / 500));
  CHECK(kernels[0].occupancy.limit == OccupancyLimit::kRegisters);
  CHECK(kernels[1].configurations == 0);
  CHECK(kernels[1].occupancy.limit == OccupancyLimit::kUnknown);
}

TEST_CASE("kernels: nodes of a graph are told apart, and share the host time of its launch") {
  Gpu gpu;
  gpu.Launch(0, "cudaGraphLaunch", 0, 10, 1);
  gpu.Kernel("gemm", 20, 30, 1);
  gpu.Shape(1, 32).graph_id = 7;
  gpu.Kernel("gemm", 30, 40, 1);
  gpu.Shape(1, 32).graph_node_id = 8;
  const auto kernels = gpu.Tables().kernels;
  CHECK(kernels[0].graph_calls == 2);
  CHECK(kernels[0].launch_ns == 10);
}

TEST_CASE("devices: kernels that overlap are busy once and concurrent, copies beside them overlap") {
  Gpu gpu;
  gpu.Kernel("a", 0, 100);
  gpu.Kernel("b", 50, 150).stream = 8;
  gpu.Copy(MemoryKind::kPinned, MemoryKind::kDevice, 1000, 100, 200);
  gpu.Copy(MemoryKind::kDevice, MemoryKind::kPageable, 3000, 300, 400);
  const DeviceSums device = gpu.Tables().devices.at(0);
  CHECK(device.busy_ns == 300);
  CHECK(device.last_ns - device.first_ns == 400);
  CHECK(device.kernel_sum_ns == 200);
  CHECK(device.kernel_ns == 150);
  CHECK(device.depth_ns[0] == 100);
  CHECK(device.depth_ns[1] == 50);
  CHECK(device.copy_ns == 200);
  CHECK(device.overlap_ns == 50);
  CHECK(device.ways[static_cast<size_t>(CopyWay::kToDevice)].overlap_ns == 50);
  CHECK(device.ways[static_cast<size_t>(CopyWay::kToHost)].bytes == 3000);
  CHECK(device.pageable_bytes == 3000);
  CHECK(device.streams == 2);
}

TEST_CASE("devices: busy, concurrency, overlap and gaps are what counting every ns gives") {
  constexpr size_t kTime = 300;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Gpu gpu;
    std::vector<int> kernels(kTime), copies(kTime);
    std::array<int64_t, 2> range = {kTime, 0};
    const auto count = 1 + random.Below(12);
    for (auto i = count; i > 0; --i) {
      const auto start = static_cast<int64_t>(random.Below(kTime - 40));
      const auto end = start + 1 + static_cast<int64_t>(random.Below(40));
      const bool is_kernel = random.Below(2) == 0;
      if (is_kernel) gpu.Kernel("k", start, end);
      if (!is_kernel) gpu.Copy(MemoryKind::kPinned, MemoryKind::kDevice, 1, start, end);
      for (auto at = static_cast<size_t>(start); at < static_cast<size_t>(end); ++at)
        ++(is_kernel ? kernels : copies)[at];
      range = {std::min(range[0], start), std::max(range[1], end)};
    }
    int64_t busy = 0, overlap = 0, idle = 0, gaps = 0;
    std::array<int64_t, DeviceSums::kDepths> depth{};
    for (auto at = static_cast<size_t>(range[0]); at < static_cast<size_t>(range[1]); ++at) {
      const bool is_busy = kernels[at] + copies[at] > 0;
      busy += is_busy;
      overlap += kernels[at] > 0 && copies[at] > 0;
      if (kernels[at] > 0) ++depth[std::min<size_t>(static_cast<size_t>(kernels[at]), depth.size()) - 1];
      idle += !is_busy;
      gaps += !is_busy && kernels[at - 1] + copies[at - 1] > 0;
    }
    const GpuTables tables = gpu.Tables();
    const DeviceSums& device = tables.devices.at(0);
    CAPTURE(seed);
    CHECK(device.busy_ns == busy);
    CHECK(tables.busy_ns == busy);
    CHECK(device.overlap_ns == overlap);
    CHECK(device.depth_ns == depth);
    int64_t gap_ns = 0, gap_count = 0;
    for (const CountAndTime& cause : device.gaps) {
      gap_ns += cause.ns;
      gap_count += static_cast<int64_t>(cause.count);
    }
    CHECK(gap_ns == idle);
    CHECK(gap_count == gaps);
    CHECK(tables.gaps.size() == static_cast<size_t>(gaps));
  }
}

namespace {
// Two kernels with 100 us between them; the second is launched at `launch`.
GpuTables AfterGap(int64_t launch, int64_t wait_end, int64_t gap_end = 110 * kUs) {
  Gpu gpu;
  gpu.Span(0, "predict", 0, 200 * kUs);
  gpu.Span(0, "postprocess", 20 * kUs, 80 * kUs);
  gpu.Launch(0, "cudaLaunchKernel", 1 * kUs, 2 * kUs, 1);
  gpu.Launch(0, "cudaStreamSynchronize", 3 * kUs, wait_end, 2);
  gpu.Launch(0, "cudaLaunchKernel", launch, launch + kUs, 3);
  gpu.Kernel("a", 3 * kUs, 10 * kUs, 1);
  if (wait_end != 0) gpu.Row(GpuKind::kSync, "Stream Sync", 3 * kUs, wait_end, 2);
  gpu.Kernel("b", gap_end, gap_end + 10 * kUs, 3);
  return gpu.Tables();
}
}  // namespace

TEST_CASE("gaps: the cause is what the next launch waited for") {
  CHECK(AfterGap(100 * kUs, 0).gaps.at(0).cause == GapCause::kHost);
  CHECK(AfterGap(100 * kUs, 12 * kUs).gaps.at(0).cause == GapCause::kSync);
  CHECK(AfterGap(5 * kUs, 0).gaps.at(0).cause == GapCause::kPending);
  CHECK(AfterGap(11 * kUs, 0, 14 * kUs).gaps.at(0).cause == GapCause::kLaunch);
  Gpu gpu;
  gpu.Kernel("a", 0, 10);
  gpu.Kernel("b", 100 * kUs, 101 * kUs);
  CHECK(gpu.Tables().gaps.at(0).cause == GapCause::kUnknown);
}

TEST_CASE("gaps: what the launching thread did halfway to the launch is told") {
  const GpuTables tables = AfterGap(100 * kUs, 0);
  CHECK(tables.gaps.at(0).host_ns == 90 * kUs);
  CHECK(tables.gaps.at(0).host_span == 1);                 // postprocess, at 55 us
  CHECK(AfterGap(20 * kUs, 0).gaps.at(0).host_span == 0);  // predict, at 15 us
  CHECK(AfterGap(5 * kUs, 0).gaps.at(0).host_span == kNoParent);
}

TEST_CASE("gaps: the longest are kept, all are counted") {
  Gpu gpu;
  for (int64_t i = 0; i < 1500; ++i) gpu.Kernel("k", i * 10'000 - i, i * 10'000 + 10);
  const GpuTables tables = gpu.Tables();
  CHECK(tables.gaps.size() == GpuTables::kMaxGaps);
  uint64_t count = 0;
  for (const CountAndTime& cause : tables.devices[0].gaps) count += cause.count;
  CHECK(count == 1499);
  // Each gap is one ns shorter than the one before.
  CHECK(tables.gaps.front().start_ns == 10);
  CHECK(tables.gaps.back().start_ns == 999 * 10'000 + 10);
}

TEST_CASE("launches: latency is signed, and a kernel that finds the GPU idle is launch-bound") {
  Gpu gpu;
  gpu.Launch(0, "cudaLaunchKernel", 0, 10, 1);
  gpu.Launch(0, "cudaLaunchKernel", 90, 100, 2);
  gpu.Launch(0, "cudaLaunchKernel", 200, 300, 3);
  gpu.Launch(0, "cudaGraphLaunch", 400, 410, 4);
  gpu.Kernel("k", 40, 50, 1);
  gpu.Kernel("k", 102, 260, 2);
  gpu.Kernel("k", 250, 290, 3);
  gpu.Kernel("k", 900, 910, 4);
  const DeviceSums device = gpu.Tables().devices.at(0);
  CHECK(device.launches == 3);
  CHECK(device.early_launches == 1);
  CHECK(device.launch_min_ns == -50);
  CHECK(device.launch_p50_ns == 2);
  CHECK(device.launch_bound == 1);
}

TEST_CASE("waits: of host calls alone, by path; a copy that its call waited for is one too") {
  Gpu gpu;
  gpu.Span(0, "a", 0, 100);
  gpu.Span(0, "b", 200, 300);
  gpu.Launch(0, "cudaStreamSynchronize", 10, 60, 1);
  gpu.Launch(0, "cudaStreamSynchronize", 210, 230, 2);
  gpu.Launch(0, "cudaStreamWaitEvent", 240, 241, 3);
  gpu.Launch(0, "cudaMemcpy", 250, 290, 4);
  gpu.Row(GpuKind::kSync, "Stream Sync", 10, 60, 1);
  gpu.Row(GpuKind::kSync, "Stream Sync", 210, 230, 2);
  gpu.Row(GpuKind::kSync, "Stream Wait Event", 240, 280, 3);
  gpu.Copy(MemoryKind::kPageable, MemoryKind::kDevice, 64, 255, 285, 4);
  const GpuTables tables = gpu.Tables();
  CHECK(tables.devices.at(0).waits.count == 2);
  CHECK(tables.devices.at(0).waits.ns == 70);
  CHECK(tables.devices.at(0).blocking_copies.count == 1);
  CHECK(tables.devices.at(0).blocking_copies.ns == 40);
  REQUIRE(tables.waits.size() == 3);
  CHECK(tables.waits[0].total_ns == 50);
  CHECK(tables.waits[0].span == 0);
  CHECK(tables.copies.at(0).blocking == 1);
}

TEST_CASE("waits: a call that makes several copies waits once") {
  Gpu gpu;
  gpu.Launch(0, "cudaMemcpy", 0, 100, 1);
  gpu.Copy(MemoryKind::kPageable, MemoryKind::kDevice, 64, 10, 40, 1);
  gpu.Copy(MemoryKind::kPageable, MemoryKind::kDevice, 64, 50, 90, 1);
  const GpuTables tables = gpu.Tables();
  CHECK(tables.devices.at(0).blocking_copies.count == 1);
  CHECK(tables.devices.at(0).blocking_copies.ns == 100);
  CHECK(tables.copies.at(0).blocking == 1);
  CHECK(tables.copies.at(0).copies == 2);
}

TEST_CASE("memory: live and peak bytes of what the session allocated, by path and device") {
  Gpu gpu;
  gpu.Span(0, "load", 0, 100);
  gpu.Launch(0, "cudaMalloc", 10, 20, 1);
  const auto memory = [&gpu](int64_t at, uint64_t address, uint64_t bytes, bool is_release, uint64_t id = 0) {
    gpu.rows.gpu_details.memory.Append(
        {at, address, bytes, id, 0, 1, 7, kNoParent, MemoryKind::kDevice, is_release});
  };
  memory(15, 0x1000, 100, false, 1);
  memory(30, 0x2000, 50, false);
  memory(40, 0x1000, 100, true);
  memory(50, 0x9000, 700, true);  // taken before the session: no part of its live bytes
  memory(60, 0x3000, 20, false);
  const GpuTables tables = gpu.Tables();
  const DeviceSums& device = tables.devices.at(0);
  CHECK(device.peak_bytes == 150);
  CHECK(device.live_bytes == 70);
  CHECK(device.allocations == 3);
  REQUIRE(tables.memory.size() == 2);
  CHECK(tables.memory[0].span == 0);
  CHECK(tables.memory[0].allocated_bytes == 100);
  CHECK(tables.memory[1].span == kNoParent);
  CHECK(tables.memory[1].released_bytes == 800);
}

TEST_CASE("a device that did nothing has a row, and a recording without a GPU has none") {
  Gpu gpu;
  gpu.rows.gpu_details.devices = {Hopper()};
  REQUIRE(gpu.Tables().devices.size() == 1);
  Gpu none;
  const GpuTables tables = none.Tables();
  CHECK(tables.devices.empty());
  CHECK(tables.rows == 0);
}
