// Buffers that CUPTI 13.0 filled on an H200, decoded without it. What each scene
// did is known by construction: tests/20-raw-buffers.mjs of test/gpu-real plays them.
#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <unordered_map>

#include "doctest.h"
#include "gpu/api_names.h"
#include "gpu/raw_capture.h"
#include "test/json_reader.h"

using namespace opscope;
using namespace opscope::gpu;
using opscope::test::Json;
using opscope::test::JsonReader;

namespace {

const std::string kFolder = std::string(OPSCOPE_TEST_FIXTURES) + "/gpu-h200/raw/";

Json Truth() {
  std::ifstream file(kFolder + "scenes.json");
  std::stringstream text;
  text << file.rdbuf();
  Json truth;
  REQUIRE(JsonReader(text.str()).Read(&truth));
  return truth;
}

GpuRecords Replay(const std::string& scene) {
  GpuRecords records;
  REQUIRE(DecodeRawCapture(kFolder + scene + ".opscraw", &records).ok());
  CHECK(records.warnings.empty());
  return records;
}

size_t Count(const GpuRecords& records, GpuKind kind) {
  return static_cast<size_t>(std::count_if(records.rows.begin(), records.rows.end(),
                                           [kind](const GpuRow& row) { return row.kind == kind; }));
}

std::map<std::string, size_t> CallCounts(const GpuRecords& records) {
  std::map<std::string, size_t> counts;
  for (const GpuApiCall& call : records.calls) ++counts[records.strings[call.name]];
  return counts;
}

double KernelUs(const GpuRecords& records) {
  double ns = 0;
  for (const GpuRow& row : records.rows) {
    if (row.kind == GpuKind::kKernel) ns += static_cast<double>(row.end_ns - row.start_ns);
  }
  return ns / 1000;
}

}  // namespace

TEST_CASE("buffers of an H200 hold what each scene did, all of it with the call that caused it") {
  const Json truth = Truth();
  REQUIRE(truth["scenes"].members.size() == 8);
  for (const auto& [scene, known] : truth["scenes"].members) {
    CAPTURE(scene);
    const GpuRecords records = Replay(scene);
    CHECK(static_cast<double>(Count(records, GpuKind::kKernel)) == known["kernels"].number);
    CHECK(static_cast<double>(Count(records, GpuKind::kCopy)) == known["copies"].number);
    if (known.Has("fills"))
      CHECK(static_cast<double>(Count(records, GpuKind::kFill)) == known["fills"].number);
    if (known.Has("waits"))
      CHECK(static_cast<double>(Count(records, GpuKind::kSync)) >= known["waits"].number);
    CHECK(static_cast<double>(records.memory.size()) ==
          known["allocations"].number + known["releases"].number);

    std::unordered_map<uint64_t, const GpuApiCall*> calls;
    for (const GpuApiCall& call : records.calls) calls[call.correlation_id] = &call;
    size_t without_call = 0, before_call = 0;
    for (const GpuRow& row : records.rows) {
      if (row.kind == GpuKind::kSync) continue;
      const auto call = calls.find(row.correlation_id);
      without_call += call == calls.end();
      before_call += call != calls.end() && row.start_ns < call->second->start_ns;
      CHECK(row.end_ns > row.start_ns);
    }
    CHECK(without_call == 0);
    CHECK(before_call == 0);
  }
}

TEST_CASE("kernels of an H200 last as long as its events say, less what events add") {
  const Json scenes = Truth()["scenes"];
  // 50 spins of 20 us, each between two events that are 1.3 us apart with nothing between.
  const double spins = KernelUs(Replay("spins"));
  CHECK(spins > 50 * 20);
  CHECK(spins < scenes["spins"]["eventUs"].number);
  // Ten replays of 20 nodes of 5 us between two events; between nodes an H200 takes a microsecond or two.
  const double graph = KernelUs(Replay("graph"));
  CHECK(graph > 200 * 5);
  CHECK(graph < scenes["graph"]["eventUs"].number);
}

TEST_CASE("each form of launch on an H200 has the call that a program makes") {
  const std::map<std::string, size_t> counts = CallCounts(Replay("forms"));
  // <<<>>> of a program built by CUDA 13's nvcc is a cudaLaunchKernel here, as one called by name is.
  CHECK(counts.at("cudaLaunchKernel") == 20);
  for (const char* name :
       {"cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx", "cudaLaunchCooperativeKernel"}) {
    CAPTURE(std::string(name));
    CHECK(counts.at(name) == 10);
  }
  const std::map<std::string, size_t> fills = CallCounts(Replay("fills"));
  for (const char* name : {"cudaMemset", "cudaMemsetAsync", "cuMemsetD16", "cuMemsetD32"}) {
    CAPTURE(std::string(name));
    CHECK(fills.at(name) == 1);
  }
}

TEST_CASE("nodes of a graph on an H200 carry the number of their launch, and those of graph and node") {
  const GpuRecords records = Replay("graph");
  std::map<uint64_t, size_t> nodes_of_launch, launches_of_node;
  for (const KernelRow& kernel : records.kernels) {
    CHECK(kernel.graph_id != 0);
    ++nodes_of_launch[records.rows[kernel.row].correlation_id];
    ++launches_of_node[kernel.graph_node_id];
  }
  CHECK(nodes_of_launch.size() == 10);
  CHECK(launches_of_node.size() == 20);
  for (const GpuApiCall& call : records.calls) {
    if (ClassifyApi(records.strings[call.name]) == ApiClass::kGraphLaunch)
      CHECK(nodes_of_launch[call.correlation_id] == 20);
  }
}

TEST_CASE("copies, fills and blocks of an H200 are as long as was asked for") {
  std::map<std::string, uint64_t> bytes;
  const GpuRecords copies = Replay("copies");
  for (const GpuRow& row : copies.rows) {
    if (row.kind == GpuKind::kCopy) bytes[copies.strings[row.name]] += row.bytes;
  }
  const uint64_t twice = 2 * 65'537;
  CHECK(bytes == std::map<std::string, uint64_t>{{"Memcpy DtoD (Device -> Device)", 65'537},
                                                 {"Memcpy DtoH (Device -> Pageable)", twice},
                                                 {"Memcpy DtoH (Device -> Pinned)", twice},
                                                 {"Memcpy HtoD (Pageable -> Device)", twice},
                                                 {"Memcpy HtoD (Pinned -> Device)", twice}});
  for (const GpuRow& row : Replay("fills").rows) {
    if (row.kind == GpuKind::kFill) CHECK(row.bytes == 40'000);
  }
  size_t releases = 0;
  for (const GpuMemoryRow& row : Replay("memory").memory) {
    CHECK(row.bytes == 1u << 20);
    CHECK(row.kind == MemoryKind::kDevice);
    releases += row.is_release;
  }
  CHECK(releases == 10);
}

TEST_CASE("an H200 tells its name and its limits") {
  const Json machine = Truth()["machine"];
  const GpuRecords records = Replay("spins");
  REQUIRE(records.devices.size() == 1);
  const GpuDevice& device = records.devices[0];
  CHECK(device.name == machine["name"].text);
  CHECK(device.multiprocessors == static_cast<uint32_t>(machine["multiprocessors"].number));
  CHECK(std::to_string(device.compute_major) + "." + std::to_string(device.compute_minor) ==
        machine["compute"].text);
  CHECK(device.max_warps_per_sm == 64);
  CHECK(device.max_blocks_per_sm == 32);
  CHECK(device.max_registers_per_sm == 65'536);
}
