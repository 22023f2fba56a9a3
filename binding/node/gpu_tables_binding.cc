#include "gpu_tables_binding.h"

#include <string>
#include <vector>

namespace opscope {
namespace {

// One object, field by field.
class Row {
 public:
  explicit Row(Napi::Env env) : object_(Napi::Object::New(env)) {}
  template <typename T>
  Row& Number(const char* key, T value) {
    object_.Set(key, static_cast<double>(value));
    return *this;
  }
  template <typename T>
  Row& Value(const char* key, const T& value) {
    object_.Set(key, value);
    return *this;
  }
  Napi::Object Take() const { return object_; }

 private:
  Napi::Object object_;
};

template <typename Rows, typename Make>
Napi::Array List(Napi::Env env, const Rows& rows, Make make) {
  Napi::Array array = Napi::Array::New(env, rows.size());
  uint32_t index = 0;
  for (const auto& row : rows) {
    Napi::HandleScope scope(env);
    array.Set(index++, make(row));
  }
  return array;
}

Napi::Object CountAndTimeValue(Napi::Env env, const CountAndTime& sum) {
  return Row(env).Number("count", sum.count).Number("ns", sum.ns).Take();
}

Napi::Array Numbers(Napi::Env env, const std::vector<uint32_t>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, values[i]);
  return array;
}

Napi::Object KernelValue(Napi::Env env, const Recording& recording, const KernelSums& sums) {
  Row row(env);
  row.Value("name", recording.strings[sums.name])
      .Number("device", sums.device)
      .Number("calls", sums.calls)
      .Number("graphCalls", sums.graph_calls)
      .Number("configurations", sums.configurations)
      .Number("totalNs", sums.total_ns)
      .Number("minNs", sums.min_ns)
      .Number("maxNs", sums.max_ns)
      .Number("p50Ns", sums.p50_ns)
      .Number("p99Ns", sums.p99_ns)
      .Number("launchNs", sums.launch_ns)
      .Number("meanOccupancy", sums.mean_occupancy)
      .Number("limit", static_cast<uint8_t>(sums.occupancy.limit))
      .Number("blocksPerSm", sums.occupancy.blocks_per_sm)
      .Number("warpsPerBlock", sums.occupancy.warps_per_block)
      .Number("waves", sums.occupancy.waves);
  const KernelRow& shape = sums.shape;
  row.Value("grid", Numbers(env, {shape.grid_x, shape.grid_y, shape.grid_z}))
      .Value("block", Numbers(env, {shape.block_x, shape.block_y, shape.block_z}))
      .Number("registersPerThread", shape.registers_per_thread)
      .Number("staticSharedBytes", shape.static_shared_bytes)
      .Number("dynamicSharedBytes", shape.dynamic_shared_bytes);
  return row.Take();
}

Napi::Object WayValue(Napi::Env env, const WaySums& way) {
  return Row(env)
      .Number("copies", way.copies)
      .Number("bytes", way.bytes)
      .Number("gpuNs", way.gpu_ns)
      .Number("unionNs", way.union_ns)
      .Number("overlapNs", way.overlap_ns)
      .Take();
}

// What CUPTI told of the device itself, where it did.
void AddProperties(const Recording& recording, uint32_t id, Row* row) {
  for (const GpuDevice& device : recording.gpu_details.devices) {
    if (device.id != id) continue;
    const bool is_merged = !recording.processes.empty();
    if (is_merged) row->Number("process", device.process).Number("ordinal", device.ordinal);
    // A merge lists all devices, those of which nothing is known too.
    if (is_merged && device.name.empty() && device.uuid.empty()) return;
    row->Value("name", device.name)
        .Value("uuid", device.uuid)
        .Number("memoryBytes", device.memory_bytes)
        .Number("memoryBandwidthKBps", device.memory_bandwidth_kb_per_s)
        .Value("computeCapability",
               std::to_string(device.compute_major) + "." + std::to_string(device.compute_minor))
        .Number("multiprocessors", device.multiprocessors)
        .Number("copyEngines", device.copy_engines)
        .Value("isMig", device.is_mig);
    return;
  }
}

Napi::Object DeviceValue(Napi::Env env, const Recording& recording, const DeviceSums& sums) {
  Row row(env);
  row.Number("device", sums.device)
      .Number("firstNs", sums.first_ns)
      .Number("lastNs", sums.last_ns)
      .Number("busyNs", sums.busy_ns)
      .Number("kernels", sums.kernels)
      .Number("copies", sums.copies)
      .Number("fills", sums.fills)
      .Number("kernelSumNs", sums.kernel_sum_ns)
      .Number("kernelNs", sums.kernel_ns)
      .Number("copyNs", sums.copy_ns)
      .Number("fillSumNs", sums.fill_sum_ns)
      .Number("overlapNs", sums.overlap_ns)
      .Value("depthNs", List(env, sums.depth_ns,
                             [env](int64_t ns) { return Napi::Number::New(env, static_cast<double>(ns)); }))
      .Value("ways", List(env, sums.ways, [env](const WaySums& way) { return WayValue(env, way); }))
      .Number("pageableBytes", sums.pageable_bytes)
      .Number("launches", sums.launches)
      .Number("earlyLaunches", sums.early_launches)
      .Number("launchMinNs", sums.launch_min_ns)
      .Number("launchP50Ns", sums.launch_p50_ns)
      .Number("launchP99Ns", sums.launch_p99_ns)
      .Number("launchBound", sums.launch_bound)
      .Value("tiny", CountAndTimeValue(env, sums.tiny))
      .Value("waits", CountAndTimeValue(env, sums.waits))
      .Value("blockingCopies", CountAndTimeValue(env, sums.blocking_copies))
      .Value("gaps",
             List(env, sums.gaps, [env](const CountAndTime& sum) { return CountAndTimeValue(env, sum); }))
      .Number("streams", sums.streams)
      .Number("allocations", sums.allocations)
      .Number("allocatedBytes", sums.allocated_bytes)
      .Number("releases", sums.releases)
      .Number("releasedBytes", sums.released_bytes)
      .Number("peakBytes", sums.peak_bytes)
      .Number("liveBytes", sums.live_bytes);
  AddProperties(recording, sums.device, &row);
  return row.Take();
}

Napi::Object CopyValue(Napi::Env env, const CopySums& sums) {
  return Row(env)
      .Number("name", sums.name)
      .Number("device", sums.device)
      .Number("from", static_cast<uint8_t>(sums.from))
      .Number("to", static_cast<uint8_t>(sums.to))
      .Number("copies", sums.copies)
      .Number("bytes", sums.bytes)
      .Number("gpuNs", sums.gpu_ns)
      .Number("peakBytesPerNs", sums.peak_bytes_per_ns)
      .Number("blocking", sums.blocking)
      .Number("blockingNs", sums.blocking_ns)
      .Take();
}

Napi::Object GapValue(Napi::Env env, const Recording& recording, const GapRow& gap) {
  const GpuRow &before = recording.gpu[gap.before], &after = recording.gpu[gap.after];
  return Row(env)
      .Number("device", gap.device)
      .Number("startNs", gap.start_ns)
      .Number("endNs", gap.end_ns)
      .Number("hostNs", gap.host_ns)
      .Number("cause", static_cast<uint8_t>(gap.cause))
      .Number("hostSpan", gap.host_span)
      .Number("spanBefore", before.span)
      .Number("spanAfter", after.span)
      .Value("before", recording.strings[before.name])
      .Value("after", recording.strings[after.name])
      .Take();
}

Napi::Object WaitValue(Napi::Env env, const Recording& recording, const WaitSums& sums) {
  return Row(env)
      .Value("name", recording.strings[sums.name])
      .Number("span", sums.span)
      .Number("thread", sums.thread == UINT32_MAX ? -1.0 : static_cast<double>(sums.thread))
      .Number("count", sums.count)
      .Number("totalNs", sums.total_ns)
      .Number("maxNs", sums.max_ns)
      .Take();
}

Napi::Object AllocationValue(Napi::Env env, const AllocationSums& sums) {
  return Row(env)
      .Number("span", sums.span)
      .Number("device", sums.device)
      .Number("kind", static_cast<uint8_t>(sums.kind))
      .Number("allocations", sums.allocations)
      .Number("allocatedBytes", sums.allocated_bytes)
      .Number("releases", sums.releases)
      .Number("releasedBytes", sums.released_bytes)
      .Take();
}

}  // namespace

Napi::Object GpuTablesValue(Napi::Env env, const Recording& recording, const GpuTables& tables) {
  return Row(env)
      .Number("rows", tables.rows)
      .Number("orphans", tables.orphans)
      .Number("byExclusion", tables.by_exclusion)
      .Number("busyNs", tables.busy_ns)
      .Value("kernels", List(env, tables.kernels,
                             [&](const KernelSums& sums) { return KernelValue(env, recording, sums); }))
      .Value("copies", List(env, tables.copies, [&](const CopySums& sums) { return CopyValue(env, sums); }))
      .Value("waits",
             List(env, tables.waits, [&](const WaitSums& sums) { return WaitValue(env, recording, sums); }))
      .Value("memory",
             List(env, tables.memory, [&](const AllocationSums& sums) { return AllocationValue(env, sums); }))
      .Value("gaps", List(env, tables.gaps, [&](const GapRow& gap) { return GapValue(env, recording, gap); }))
      .Value("devices", List(env, tables.devices,
                             [&](const DeviceSums& sums) { return DeviceValue(env, recording, sums); }))
      .Value("overheads", List(env, tables.overheads,
                               [&](const GpuTables::Overhead& overhead) {
                                 return Row(env)
                                     .Number("kind", overhead.kind)
                                     .Number("count", overhead.sum.count)
                                     .Number("ns", overhead.sum.ns)
                                     .Take();
                               }))
      .Take();
}

}  // namespace opscope
