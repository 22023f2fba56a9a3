#include <cstring>
#include <string>
#include <vector>

#include "doctest.h"
#include "test/gpu_reader_bench.h"

using namespace opscope;
using namespace opscope::gpu;
using namespace opscope::gpu_test;

namespace {

const auto kReleases = {&StrideRow::cuda_11_2, &StrideRow::cuda_11_8, &StrideRow::cuda_12_4,
                        &StrideRow::cuda_13_0};

}  // namespace

TEST_CASE("a kernel is read alike from the records of every release") {
  for (const auto release : kReleases) {
    Bench bench(LayoutOf(release));
    BufferBuilder builder(bench.layout);
    builder.Kernel("_Z4gemmPfS_i", 9, {kEpoch + 1000, kEpoch + 3500}, 13);
    builder.Set(cupti::kernel::kGraphNode, uint64_t{0x500000001}).Set(cupti::kernel::kGraph, 5u);
    builder.Set(cupti::kernel::kQueued, kEpoch + 100).Set(cupti::kernel::kSubmitted, kEpoch + 200);
    bench.Read(builder);
    REQUIRE(bench.store.rows.size() == 1);
    const GpuRow& row = bench.Row(0);
    CHECK(row.start_ns == 1000);
    CHECK(row.end_ns == 3500);
    CHECK(row.correlation_id == 9);
    CHECK(bench.Text(row.name) == "gemm(float*, float*, int)");
    CHECK(row.device == 0);
    CHECK(row.context == 1);
    CHECK(row.stream == 13);
    CHECK(row.launch == -1);
    CHECK(row.span == kNoParent);
    CHECK(row.kind == GpuKind::kKernel);
    CHECK(row.bytes == 0);
    REQUIRE(bench.store.kernels.size() == 1);
    const KernelRow& kernel = bench.store.kernels.column()[0];
    CHECK(kernel.row == 0);
    CHECK(kernel.grid_x == 64);
    CHECK(kernel.grid_y == 2);
    CHECK(kernel.block_x == 256);
    CHECK(kernel.block_z == 1);
    CHECK(kernel.registers_per_thread == 40);
    CHECK(kernel.static_shared_bytes == 1024);
    CHECK(kernel.dynamic_shared_bytes == 2048);
    CHECK(kernel.executed_shared_bytes == 65536);
    CHECK(kernel.local_bytes_per_thread == 16);
    CHECK(kernel.graph_node_id == 0x500000001);
    CHECK(kernel.graph_id == 5);
    CHECK(kernel.queued_ns == kEpoch + 100);
    CHECK(kernel.submitted_ns == kEpoch + 200);
    CHECK(bench.store.counts.lost_bytes == 0);
  }
}

TEST_CASE("a record that ends behind the kernel's name is read without what came later") {
  RecordLayout::Strides strides{};
  strides[10] = 112;
  Bench bench{RecordLayout(strides)};
  BufferBuilder builder(bench.layout);
  builder.Kernel("k", 1, {kEpoch + 1, kEpoch + 2});
  bench.Read(builder);
  REQUIRE(bench.store.kernels.size() == 1);
  CHECK(bench.store.kernels.column()[0].graph_id == 0);
  CHECK(bench.store.kernels.column()[0].executed_shared_bytes == 0);
}

TEST_CASE("copies, peer copies, fills, syncs and graph launches become rows of every release") {
  for (const auto release : {&StrideRow::cuda_11_8, &StrideRow::cuda_12_4, &StrideRow::cuda_13_0}) {
    Bench bench(LayoutOf(release));
    BufferBuilder builder(bench.layout);
    {
      namespace at = cupti::context;
      builder.Add(cupti::Kind::kContext)
          .Set(at::kId, 3u)
          .Set(at::kDevice, 2u)
          .Set(at::kNullStream, uint16_t{7});
    }
    builder.Copy(1, 1, 3, 4096, 2, {kEpoch + 10, kEpoch + 20});
    builder.Copy(2, 0, 0, 64, 3, {kEpoch + 30, kEpoch + 40});
    builder.Copy(10, 3, 3, 1, 4, {kEpoch + 50, kEpoch + 60});
    {
      namespace at = cupti::peer_copy;
      builder.Add(cupti::Kind::kMemcpyPeer)
          .Set(cupti::copy::kDirection, uint8_t{10})
          .Set(cupti::copy::kBytes, uint64_t{256});
      builder.Set(cupti::copy::kStart, kEpoch + 70)
          .Set(cupti::copy::kEnd, kEpoch + 80)
          .Set(at::kCorrelation, 5u);
      builder.Set(at::kFromDevice, 0u)
          .Set(at::kToDevice, 1u)
          .Set(cupti::copy::kDevice, 0u)
          .Set(cupti::copy::kStream, 7u);
      builder.Set(cupti::copy::kContext, 1u);
    }
    {
      namespace at = cupti::fill;
      builder.Add(cupti::Kind::kMemset)
          .Set(at::kBytes, uint64_t{512})
          .Set(at::kStart, kEpoch + 90)
          .Set(at::kEnd, kEpoch + 95);
      builder.Set(at::kDevice, 0u)
          .Set(at::kContext, 1u)
          .Set(at::kStream, 7u)
          .Set(at::kCorrelation, 6u)
          .Set(at::kMemory, uint16_t{6});
    }
    {
      namespace at = cupti::sync;
      builder.Add(cupti::Kind::kSynchronization)
          .Set(at::kType, cupti::kSyncContext)
          .Set(at::kStart, kEpoch + 100);
      builder.Set(at::kEnd, kEpoch + 900)
          .Set(at::kCorrelation, 7u)
          .Set(at::kContext, 3u)
          .Set(at::kStream, cupti::kInvalidId);
    }
    {
      namespace at = cupti::graph;
      builder.Add(cupti::Kind::kGraphTrace)
          .Set(at::kCorrelation, 8u)
          .Set(at::kStart, kEpoch + 200)
          .Set(at::kEnd, kEpoch + 300);
      builder.Set(at::kDevice, 0u).Set(at::kGraph, 4u).Set(at::kContext, 1u).Set(at::kStream, 7u);
    }
    bench.Read(builder);
    REQUIRE(bench.store.rows.size() == 7);
    const auto is = [&](size_t i, GpuKind kind, const char* name, uint64_t id, uint64_t bytes,
                        MemoryKind from, MemoryKind to) {
      CAPTURE(i);
      CHECK(bench.Row(i).kind == kind);
      CHECK(bench.Text(bench.Row(i).name) == name);
      CHECK(bench.Row(i).correlation_id == id);
      CHECK(bench.Row(i).bytes == bytes);
      CHECK(bench.Row(i).from == from);
      CHECK(bench.Row(i).to == to);
    };
    is(0, GpuKind::kCopy, "Memcpy HtoD (Pageable -> Device)", 2, 4096, MemoryKind::kPageable,
       MemoryKind::kDevice);
    is(1, GpuKind::kCopy, "Memcpy DtoH (Unknown -> Unknown)", 3, 64, MemoryKind::kDevice,
       MemoryKind::kPageable);
    is(2, GpuKind::kCopy, "Memcpy PtoP (Device -> Device)", 4, 1, MemoryKind::kDevice, MemoryKind::kPeer);
    is(3, GpuKind::kCopy, "Memcpy PtoP (GPU 0 -> GPU 1)", 5, 256, MemoryKind::kDevice, MemoryKind::kPeer);
    is(4, GpuKind::kFill, "Memset (Device Static)", 6, 512, MemoryKind::kUnknown, MemoryKind::kDevice);
    is(5, GpuKind::kSync, "Context Sync", 7, 0, MemoryKind::kUnknown, MemoryKind::kUnknown);
    is(6, GpuKind::kKernel, "CUDA graph 4", 8, 0, MemoryKind::kUnknown, MemoryKind::kUnknown);
    CHECK(bench.Row(5).device == 2);  // its context's
    CHECK(bench.Row(5).stream == 0);
    CHECK(bench.Row(5).end_ns == 900);
    REQUIRE(bench.store.kernels.size() == 1);
    CHECK(bench.store.kernels.column()[0].row == 6);
    CHECK(bench.store.kernels.column()[0].graph_id == 4);
  }
}

TEST_CASE("calls keep thread, result and stripped name; noise and our own calls are left out") {
  Bench bench(LayoutOf(&StrideRow::cuda_13_0));
  BufferBuilder builder(bench.layout);
  builder.Call(cupti::Kind::kRuntime, 41, 1, {kEpoch + 5, kEpoch + 9}, 1234)
      .Set(cupti::api::kReturnValue, 700u);
  builder.Call(cupti::Kind::kRuntime, 10, 2, {kEpoch + 10, kEpoch + 11});
  builder.Call(cupti::Kind::kDriver, 307, 3, {kEpoch + 12, kEpoch + 14});
  builder.Call(cupti::Kind::kRuntime, 9999, 4, {kEpoch + 15, kEpoch + 16});
  builder.Call(cupti::Kind::kDriver, 17, 5, {kEpoch + 17, kEpoch + 18}, 555);
  bench.Read(builder);
  REQUIRE(bench.store.calls.size() == 3);
  const auto& calls = bench.store.calls.column();
  CHECK(calls[0].start_ns == 5);
  CHECK(calls[0].end_ns == 9);
  CHECK(calls[0].os_thread_id == 1234);
  CHECK(calls[0].result == 700);
  CHECK(bench.Text(calls[0].name) == "cudaMemcpyAsync");
  CHECK(bench.Text(calls[1].name) == "cuLaunchKernel");
  CHECK(bench.Text(calls[2].name) == "cudaCall9999");
  CHECK(bench.store.driver_call_count == 1);
}

TEST_CASE("the driver call inside a runtime call is replaced by it while reading") {
  Bench bench(LayoutOf(&StrideRow::cuda_13_0));
  BufferBuilder builder(bench.layout);
  for (uint32_t id = 1; id <= 3; ++id) {
    builder.Call(cupti::Kind::kDriver, 307, id, {kEpoch + 100 * id + 2, kEpoch + 100 * id + 8});
    builder.Kernel("k", id, {kEpoch + 100 * id + 20, kEpoch + 100 * id + 30});
    if (id != 2) builder.Call(cupti::Kind::kRuntime, 211, id, {kEpoch + 100 * id, kEpoch + 100 * id + 9});
  }
  bench.Read(builder);
  REQUIRE(bench.store.calls.size() == 3);
  const auto& calls = bench.store.calls.column();
  CHECK(bench.Text(calls[0].name) == "cudaLaunchKernel");
  CHECK(calls[0].start_ns == 100);
  CHECK(bench.Text(calls[1].name) == "cuLaunchKernel");
  CHECK(bench.Text(calls[2].name) == "cudaLaunchKernel");
  CHECK(bench.store.driver_call_count == 1);
  CHECK(bench.store.first_call_ns == 100);
}

TEST_CASE(
    "devices, contexts, stream names, ranges, memory and overhead are read, and a repeated record replaces "
    "the first") {
  Bench bench(LayoutOf(&StrideRow::cuda_13_0));
  BufferBuilder builder(bench.layout);
  for (int i = 0; i < 2; ++i) {
    namespace at = cupti::device;
    builder.Add(cupti::Kind::kDevice)
        .Set(at::kId, 0u)
        .Set(at::kName, "NVIDIA Test GPU")
        .Set(at::kMemory, uint64_t{80} << 30);
    builder.Set(at::kMultiprocessors, 132u)
        .Set(at::kComputeMajor, 9u)
        .Set(at::kComputeMinor, 0u)
        .Set(at::kIsMig, uint8_t{0});
    for (uint16_t byte = 0; byte < 16; ++byte)
      builder.Set(cupti::U8{static_cast<uint16_t>(at::kUuid.offset + byte)}, static_cast<uint8_t>(byte * 17));
  }
  {
    namespace at = cupti::name;
    builder.Add(cupti::Kind::kName).Set(at::kObjectKind, cupti::kObjectStream).Set(at::kObjectContext, 1u);
    builder.Set(at::kObjectStream, 13u).Set(at::kName, "decoder");
  }
  const auto marker = [&](uint32_t flags, uint32_t id, uint64_t at_ns, const char* text) {
    namespace at = cupti::marker;
    builder.Add(cupti::Kind::kMarker)
        .Set(at::kFlags, flags)
        .Set(at::kId, id)
        .Set(at::kAt, kEpoch + at_ns)
        .Set(at::kName, text);
    builder.Set(at::kObjectKind, cupti::kObjectThread).Set(at::kObjectThread, 77u);
  };
  marker(cupti::kMarkerStart, 1, 100, "outer");
  marker(cupti::kMarkerStart, 2, 150, "inner");
  marker(cupti::kMarkerInstant, 3, 160, "tick");
  marker(cupti::kMarkerEnd, 2, 170, nullptr);
  marker(cupti::kMarkerEnd, 1, 200, nullptr);
  marker(cupti::kMarkerEnd, 9, 210, nullptr);  // opened before the recording
  const auto memory = [&](uint32_t operation) {
    namespace at = cupti::memory;
    builder.Add(cupti::Kind::kMemory2)
        .Set(at::kOperation, operation)
        .Set(at::kKind, 3u)
        .Set(at::kCorrelation, 11u);
    builder.Set(at::kAddress, uint64_t{0x7f0000000000})
        .Set(at::kBytes, uint64_t{1} << 20)
        .Set(at::kAt, kEpoch + 300);
    builder.Set(at::kDevice, 0u).Set(at::kContext, 1u).Set(at::kStream, cupti::kInvalidId);
  };
  memory(cupti::kMemoryAllocation);
  memory(cupti::kMemoryRelease);
  memory(0);
  {
    namespace at = cupti::overhead;
    builder.Add(cupti::Kind::kOverhead)
        .Set(at::kKind, 5u << 16)
        .Set(at::kStart, kEpoch + 400)
        .Set(at::kEnd, kEpoch + 450);
    builder.Add(cupti::Kind::kOverhead)
        .Set(at::kKind, 1u)
        .Set(at::kStart, uint64_t{0})
        .Set(at::kEnd, uint64_t{0});
  }
  bench.Read(builder);
  const RecordStore& store = bench.store;
  REQUIRE(store.devices.size() == 1);
  CHECK(store.devices[0].name == "NVIDIA Test GPU");
  CHECK(store.devices[0].uuid == "00112233445566778899aabbccddeeff");
  CHECK(store.devices[0].multiprocessors == 132);
  CHECK_FALSE(store.devices[0].is_mig);
  REQUIRE(store.stream_names.size() == 1);
  CHECK(store.stream_names[0].name == "decoder");
  CHECK(store.stream_names[0].stream == 13);
  REQUIRE(store.ranges.size() == 3);
  CHECK(bench.Text(store.ranges[0].name) == "tick");
  CHECK(store.ranges[0].end_ns == store.ranges[0].start_ns);
  CHECK(bench.Text(store.ranges[1].name) == "inner");
  CHECK(store.ranges[2].start_ns == 100);
  CHECK(store.ranges[2].end_ns == 200);
  CHECK(store.ranges[2].os_thread_id == 77);
  REQUIRE(store.memory.size() == 2);
  CHECK(store.memory[0].bytes == 1u << 20);
  CHECK(store.memory[0].kind == MemoryKind::kDevice);
  CHECK_FALSE(store.memory[0].is_release);
  CHECK(store.memory[1].is_release);
  REQUIRE(store.overheads.size() == 1);
  CHECK(store.overheads[0].kind == 5u << 16);
  CHECK(store.counts.zero_time == 0);
}
