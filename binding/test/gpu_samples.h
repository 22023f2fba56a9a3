// Random work of several GPUs, for the tests of formats.
#pragma once

#include <memory>
#include <random>
#include <string>

#include "recording_samples.h"

namespace opscope::test {

// A few spans with launches; kernels with and without details, copies, fills and
// syncs on streams that overlap; memory, overheads, devices with gaps in their numbers.
inline std::shared_ptr<const Recording> RandomGpuRecording(uint32_t seed, uint32_t rows) {
  std::mt19937_64 random(seed);
  const auto below = [&random](uint64_t bound) { return random() % bound; };
  const auto small = [&below](uint64_t bound) { return static_cast<uint32_t>(below(bound)); };
  // Mostly zero or small, now and then anything.
  const auto any32 = [&] { return static_cast<uint32_t>(below(3) == 0 ? random() : below(3)); };
  const auto any64 = [&] { return below(3) == 0 ? random() : below(3); };

  CaptureRowsBuilder b;
  const uint32_t thread = b.Thread("main", 7, 0);
  const uint32_t op = b.Name("op");
  const uint32_t apis[] = {b.String("cudaLaunchKernel"), b.String("cudaMemcpyAsync"),
                           b.String("cudaGraphLaunch"), b.String("cudaMalloc")};
  for (uint64_t i = 0; i < 20; ++i) {
    const auto start = static_cast<int64_t>(i) * 1000;
    b.Span(thread, op, start, start + 900);
    b.rows.launches.Append({start + 100, start + 200, i + 1, apis[below(4)], thread, kNoParent});
  }
  int64_t now = 0;
  for (uint32_t i = 0; i < rows; ++i) {
    now += static_cast<int64_t>(below(50));
    GpuRow row{};
    row.start_ns = now;
    row.end_ns = now + static_cast<int64_t>(below(300));
    row.correlation_id = below(5) == 0 ? random() : below(24);
    row.bytes = any64();
    row.name = b.String("work " + std::to_string(below(6)));
    row.device = small(3);
    row.context = small(3);
    row.stream = small(4);
    row.launch = -1;
    row.span = kNoParent;
    row.kind = static_cast<GpuKind>(below(4));
    row.from = static_cast<MemoryKind>(below(7));
    row.to = static_cast<MemoryKind>(below(7));
    b.rows.gpu.Append(row);
    if (row.kind != GpuKind::kKernel || below(4) == 0) continue;
    KernelRow kernel{};
    kernel.row = i;
    kernel.graph_node_id = any64();
    kernel.queued_ns = any64();
    kernel.submitted_ns = any64();
    kernel.graph_id = any32();
    for (uint32_t* side : {&kernel.grid_x, &kernel.grid_y, &kernel.grid_z, &kernel.block_x, &kernel.block_y,
                           &kernel.block_z, &kernel.static_shared_bytes, &kernel.dynamic_shared_bytes,
                           &kernel.executed_shared_bytes, &kernel.local_bytes_per_thread}) {
      *side = any32();
    }
    kernel.registers_per_thread = static_cast<uint16_t>(any32());
    b.rows.gpu_details.kernels.Append(kernel);
  }

  GpuDetails& details = b.rows.gpu_details;
  for (uint64_t i = below(30); i > 0; --i) {
    const auto start = static_cast<int64_t>(below(5'000));
    details.overheads.Append({start, start + static_cast<int64_t>(below(500)), any32()});
  }
  for (uint64_t i = below(60); i > 0; --i) {
    details.memory.Append({static_cast<int64_t>(below(5'000)), below(4) * 4096, any64(), below(24), small(3),
                           small(3), small(4), kNoParent, static_cast<MemoryKind>(below(7)), below(2) == 0});
  }
  for (uint32_t id = 0; id < 3; ++id) {
    if (below(3) == 0) continue;
    GpuDevice device;
    device.id = id;
    device.name = below(3) == 0 ? "" : "GPU of kind " + std::to_string(below(2));
    device.uuid = below(2) == 0 ? "" : std::string(32, static_cast<char>('a' + below(6)));
    device.memory_bytes = any64();
    device.memory_bandwidth_kb_per_s = any64();
    for (uint32_t* count :
         {&device.compute_major, &device.compute_minor, &device.multiprocessors, &device.copy_engines,
          &device.max_warps_per_sm, &device.max_blocks_per_sm, &device.max_shared_per_sm,
          &device.max_registers_per_sm, &device.max_registers_per_block, &device.max_shared_per_block,
          &device.core_clock_khz}) {
      *count = any32();
    }
    device.is_mig = below(2) == 0;
    details.devices.push_back(device);
  }
  for (uint64_t i = below(4); i > 0; --i) details.contexts.push_back({any32(), any32(), any32()});
  for (uint64_t i = below(4); i > 0; --i) {
    details.stream_names.push_back({small(3), small(4), "stream of " + std::to_string(below(9))});
  }
  return b.Build();
}

}  // namespace opscope::test
