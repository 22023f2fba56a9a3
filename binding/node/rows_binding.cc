#include "rows_binding.h"

#include <cmath>
#include <cstring>

#include "typed_array.h"

namespace opscope {

namespace {

double NumberOf(const Napi::Object& object, const char* key) {
  return object.Get(key).ToNumber().DoubleValue();
}
std::string TextOf(const Napi::Object& object, const char* key) { return object.Get(key).ToString(); }
// Of a merged recording; the first where none is told.
uint32_t ProcessOf(const Napi::Object& object) {
  return object.Has("process") ? static_cast<uint32_t>(NumberOf(object, "process")) : 0;
}
uint64_t BitsOf(const Napi::Object& object, const char* key) {
  bool lossless = false;
  const Napi::Value value = object.Get(key);
  return value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
}

template <typename Visit>
void ForEach(const Napi::Object& object, const char* key, Visit visit) {
  const Napi::Value value = object.Get(key);
  if (!value.IsArray()) return;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    Napi::HandleScope scope(object.Env());
    visit(array.Get(i));
  }
}

int64_t RoundNs(double ns) noexcept { return static_cast<int64_t>(std::llround(ns)); }

Column<int64_t> ReadTimes(const Napi::Object& object, const char* key) {
  const Column<double> values = ReadColumn<double>(object, key);
  Column<int64_t> times(values.size());
  for (size_t i = 0; i < values.size(); ++i) times[i] = std::isnan(values[i]) ? kOpenEnd : RoundNs(values[i]);
  return times;
}

// One row per element of the shortest column: a missing column gives no rows.
template <typename Row, typename Make>
Column<Row> Zip(size_t count, Make make) {
  Column<Row> rows(count);
  for (size_t i = 0; i < count; ++i) rows[i] = make(i);
  return rows;
}

void ReadSpans(const Napi::Object& spans, RawRows* rows) {
  rows->span_thread = ReadColumn<uint32_t>(spans, "thread");
  rows->span_name = ReadColumn<uint32_t>(spans, "name");
  rows->span_start_ns = ReadTimes(spans, "startNs");
  rows->span_end_ns = ReadTimes(spans, "endNs");
  rows->span_flags = ReadColumn<uint8_t>(spans, "flags");
  rows->span_id = ReadColumn<uint64_t>(spans, "spanId");
  rows->span_parent_id = ReadColumn<uint64_t>(spans, "parentId");
  rows->span_trace_high = ReadColumn<uint64_t>(spans, "traceIdHigh");
  rows->span_trace_low = ReadColumn<uint64_t>(spans, "traceIdLow");
  rows->span_parent = ReadColumn<int32_t>(spans, "parent");
}

void ReadGpu(const Napi::Object& gpu, RawRows* rows) {
  const auto kind = ReadColumn<uint8_t>(gpu, "kind");
  const auto from = ReadColumn<uint8_t>(gpu, "from");
  const auto to = ReadColumn<uint8_t>(gpu, "to");
  const auto name = ReadColumn<uint32_t>(gpu, "name");
  const auto device = ReadColumn<uint32_t>(gpu, "device");
  const auto context = ReadColumn<uint32_t>(gpu, "context");
  const auto stream = ReadColumn<uint32_t>(gpu, "stream");
  const auto start = ReadTimes(gpu, "startNs");
  const auto end = ReadTimes(gpu, "endNs");
  const auto correlation = ReadColumn<uint64_t>(gpu, "correlationId");
  const auto bytes = ReadColumn<double>(gpu, "bytes");
  rows->gpu = Zip<GpuRow>(kind.size(), [&](size_t i) {
    GpuRow row{};
    row.start_ns = start[i];
    row.end_ns = end[i];
    row.correlation_id = correlation[i];
    row.bytes = static_cast<uint64_t>(bytes[i]);
    row.name = name[i];
    row.device = device[i];
    row.context = context[i];
    row.stream = stream[i];
    row.launch = -1;
    row.span = kNoParent;
    row.kind = static_cast<GpuKind>(kind[i]);
    row.from = static_cast<MemoryKind>(from[i]);
    row.to = static_cast<MemoryKind>(to[i]);
    return row;
  });
}

void ReadKernels(const Napi::Object& kernels, GpuDetails* details) {
  const auto row = ReadColumn<uint32_t>(kernels, "row");
  details->kernels.Reset(row.size());
  details->kernels.Fill(KernelRow{});
  for (size_t i = 0; i < row.size(); ++i) details->kernels[i].row = row[i];
  const auto read = [&]<typename From, typename To>(const char* key, To KernelRow::*field) {
    const auto values = ReadColumn<From>(kernels, key);
    for (size_t i = 0; i < values.size() && i < row.size(); ++i)
      details->kernels[i].*field = static_cast<To>(values[i]);
  };
  read.operator()<uint64_t>("graphNodeId", &KernelRow::graph_node_id);
  read.operator()<uint64_t>("queuedNs", &KernelRow::queued_ns);
  read.operator()<uint64_t>("submittedNs", &KernelRow::submitted_ns);
  read.operator()<uint32_t>("graphId", &KernelRow::graph_id);
  read.operator()<uint32_t>("gridX", &KernelRow::grid_x);
  read.operator()<uint32_t>("gridY", &KernelRow::grid_y);
  read.operator()<uint32_t>("gridZ", &KernelRow::grid_z);
  read.operator()<uint32_t>("blockX", &KernelRow::block_x);
  read.operator()<uint32_t>("blockY", &KernelRow::block_y);
  read.operator()<uint32_t>("blockZ", &KernelRow::block_z);
  read.operator()<uint32_t>("registersPerThread", &KernelRow::registers_per_thread);
  read.operator()<uint32_t>("staticSharedBytes", &KernelRow::static_shared_bytes);
  read.operator()<uint32_t>("dynamicSharedBytes", &KernelRow::dynamic_shared_bytes);
  read.operator()<uint32_t>("executedSharedBytes", &KernelRow::executed_shared_bytes);
  read.operator()<uint32_t>("localBytesPerThread", &KernelRow::local_bytes_per_thread);
}

void ReadGpuMemory(const Napi::Object& memory, GpuDetails* details) {
  const auto at = ReadTimes(memory, "atNs");
  const auto bytes = ReadColumn<double>(memory, "bytes");
  const auto address = ReadColumn<uint64_t>(memory, "address");
  const auto correlation = ReadColumn<uint64_t>(memory, "correlationId");
  const auto device = ReadColumn<uint32_t>(memory, "device");
  const auto context = ReadColumn<uint32_t>(memory, "context");
  const auto stream = ReadColumn<uint32_t>(memory, "stream");
  const auto kind = ReadColumn<uint8_t>(memory, "kind");
  const auto is_release = ReadColumn<uint8_t>(memory, "isRelease");
  details->memory = Zip<GpuMemoryRow>(at.size(), [&](size_t i) {
    GpuMemoryRow row{};
    row.at_ns = at[i];
    row.address = address[i];
    row.bytes = static_cast<uint64_t>(bytes[i]);
    row.correlation_id = correlation[i];
    row.device = device[i];
    row.context = context[i];
    row.stream = stream[i];
    row.span = kNoParent;
    row.kind = static_cast<MemoryKind>(kind[i]);
    row.is_release = is_release[i] != 0;
    return row;
  });
}

GpuDevice ReadGpuDevice(const Napi::Object& object) {
  const auto count = [&object](const char* key) { return static_cast<uint32_t>(NumberOf(object, key)); };
  GpuDevice device;
  device.id = count("id");
  device.name = TextOf(object, "name");
  device.uuid = TextOf(object, "uuid");
  device.memory_bytes = static_cast<uint64_t>(NumberOf(object, "memoryBytes"));
  device.memory_bandwidth_kb_per_s = static_cast<uint64_t>(NumberOf(object, "memoryBandwidthKBps"));
  device.compute_major = count("computeMajor");
  device.compute_minor = count("computeMinor");
  device.multiprocessors = count("multiprocessors");
  device.copy_engines = count("copyEngines");
  device.max_warps_per_sm = count("maxWarpsPerSm");
  device.max_blocks_per_sm = count("maxBlocksPerSm");
  device.max_shared_per_sm = count("maxSharedBytesPerSm");
  device.max_registers_per_sm = count("maxRegistersPerSm");
  device.max_registers_per_block = count("maxRegistersPerBlock");
  device.max_shared_per_block = count("maxSharedBytesPerBlock");
  device.core_clock_khz = count("coreClockKhz");
  device.is_mig = object.Get("isMig").ToBoolean();
  device.process = ProcessOf(object);
  device.ordinal = object.Has("ordinal") ? count("ordinal") : 0;
  return device;
}

void ReadGpuDetails(const Napi::Object& object, GpuDetails* details) {
  ReadKernels(object.Get("kernels").As<Napi::Object>(), details);
  ReadGpuMemory(object.Get("memory").As<Napi::Object>(), details);
  const auto overheads = object.Get("overheads").As<Napi::Object>();
  const auto start = ReadTimes(overheads, "startNs");
  const auto end = ReadTimes(overheads, "endNs");
  const auto kind = ReadColumn<uint32_t>(overheads, "kind");
  const auto process = ReadColumn<uint32_t>(overheads, "process");
  details->overheads = Zip<GpuOverheadRow>(kind.size(), [&](size_t i) {
    return GpuOverheadRow{start[i], end[i], kind[i], process.empty() ? 0 : process[i]};
  });
  ForEach(object, "devices", [&](const Napi::Value& value) {
    details->devices.push_back(ReadGpuDevice(value.As<Napi::Object>()));
  });
  ForEach(object, "contexts", [&](const Napi::Value& value) {
    const auto context = value.As<Napi::Object>();
    details->contexts.push_back({static_cast<uint32_t>(NumberOf(context, "id")),
                                 static_cast<uint32_t>(NumberOf(context, "device")),
                                 static_cast<uint32_t>(NumberOf(context, "nullStream"))});
  });
  ForEach(object, "streamNames", [&](const Napi::Value& value) {
    const auto stream = value.As<Napi::Object>();
    details->stream_names.push_back({static_cast<uint32_t>(NumberOf(stream, "context")),
                                     static_cast<uint32_t>(NumberOf(stream, "stream")),
                                     TextOf(stream, "name")});
  });
}

}  // namespace

RawRows ReadRawRows(const Napi::Object& object) {
  RawRows rows;
  ForEach(object, "processes", [&](const Napi::Value& value) {
    const auto given = value.As<Napi::Object>();
    ProcessEntry process;
    process.host = TextOf(given, "host");
    process.name = TextOf(given, "name");
    process.meta_json = TextOf(given, "metaJson");
    process.id = static_cast<int64_t>(NumberOf(given, "id"));
    process.start_ns = RoundNs(NumberOf(given, "startNs"));
    process.duration_ns = RoundNs(NumberOf(given, "durationNs"));
    process.origin_epoch_ns = static_cast<int64_t>(BitsOf(given, "originEpochNs"));
    process.origin_clock_ns = static_cast<int64_t>(BitsOf(given, "originClockNs"));
    process.dropped = static_cast<uint64_t>(NumberOf(given, "dropped"));
    process.first_context = static_cast<uint32_t>(NumberOf(given, "firstContext"));
    rows.processes.push_back(std::move(process));
  });
  ForEach(object, "threads", [&](const Napi::Value& value) {
    const auto thread = value.As<Napi::Object>();
    rows.threads.push_back({TextOf(thread, "name"), static_cast<int64_t>(NumberOf(thread, "osThreadId")),
                            static_cast<int32_t>(NumberOf(thread, "jsThreadId")), ProcessOf(thread)});
  });
  ForEach(object, "names", [&](const Napi::Value& value) {
    const auto name = value.As<Napi::Object>();
    rows.names.push_back({TextOf(name, "text"), TextOf(name, "instance"),
                          static_cast<Category>(NumberOf(name, "category")),
                          static_cast<Role>(NumberOf(name, "role"))});
  });
  ForEach(object, "strings", [&](const Napi::Value& value) { rows.strings.push_back(value.ToString()); });
  ReadSpans(object.Get("spans").As<Napi::Object>(), &rows);
  ForEach(object, "attributes", [&](const Napi::Value& value) {
    const auto attribute = value.As<Napi::Object>();
    AttributeRow row{};
    row.row = static_cast<uint32_t>(NumberOf(attribute, "span"));
    row.key = static_cast<uint32_t>(NumberOf(attribute, "key"));
    row.type = static_cast<AttributeType>(NumberOf(attribute, "type"));
    const double number = NumberOf(attribute, "value");
    if (row.type == AttributeType::kDouble) {
      row.number = number;
    } else {
      row.integer = static_cast<int64_t>(number);
    }
    rows.attributes.Append(row);
  });
  ForEach(object, "links", [&](const Napi::Value& value) {
    const auto link = value.As<Napi::Object>();
    rows.links.Append({BitsOf(link, "traceIdHigh"), BitsOf(link, "traceIdLow"), BitsOf(link, "spanId"),
                       static_cast<uint32_t>(NumberOf(link, "span"))});
  });
  {
    const auto marks = object.Get("marks").As<Napi::Object>();
    const auto thread = ReadColumn<uint32_t>(marks, "thread");
    const auto name = ReadColumn<uint32_t>(marks, "name");
    const auto at = ReadTimes(marks, "atNs");
    const auto span = ReadColumn<int32_t>(marks, "span");
    rows.marks = Zip<MarkRow>(thread.size(), [&](size_t i) {
      return MarkRow{at[i], name[i], thread[i], span.empty() ? kNoParent : span[i]};
    });
  }
  {
    const auto counters = object.Get("counters").As<Napi::Object>();
    const auto thread = ReadColumn<uint32_t>(counters, "thread");
    const auto name = ReadColumn<uint32_t>(counters, "name");
    const auto at = ReadTimes(counters, "atNs");
    const auto value = ReadColumn<double>(counters, "value");
    rows.counters = Zip<CounterRow>(thread.size(), [&](size_t i) {
      return CounterRow{at[i], value[i], name[i], thread[i]};
    });
  }
  {
    const auto launches = object.Get("launches").As<Napi::Object>();
    const auto thread = ReadColumn<uint32_t>(launches, "thread");
    const auto name = ReadColumn<uint32_t>(launches, "name");
    const auto start = ReadTimes(launches, "startNs");
    const auto end = ReadTimes(launches, "endNs");
    const auto correlation = ReadColumn<uint64_t>(launches, "correlationId");
    rows.launches = Zip<LaunchRow>(thread.size(), [&](size_t i) {
      return LaunchRow{start[i], end[i], correlation[i], name[i], thread[i], kNoParent};
    });
  }
  ReadGpu(object.Get("gpu").As<Napi::Object>(), &rows);
  ReadGpuDetails(object.Get("gpuDetails").As<Napi::Object>(), &rows.gpu_details);
  ForEach(object, "warnings", [&](const Napi::Value& value) {
    const auto warning = value.As<Napi::Object>();
    rows.warnings.push_back({TextOf(warning, "code"), TextOf(warning, "detail"),
                             static_cast<uint64_t>(NumberOf(warning, "count"))});
  });
  rows.duration_ns = RoundNs(NumberOf(object, "durationNs"));
  rows.origin_epoch_ns = static_cast<int64_t>(BitsOf(object, "originEpochNs"));
  rows.origin_clock_ns = static_cast<int64_t>(BitsOf(object, "originClockNs"));
  ForEach(object, "pauses", [&](const Napi::Value& value) {
    const auto pause = value.As<Napi::Object>();
    rows.pauses.push_back(
        {RoundNs(NumberOf(pause, "startNs")), RoundNs(NumberOf(pause, "endNs")), ProcessOf(pause)});
  });
  if (object.Get("returns").IsObject()) {
    const auto returns = object.Get("returns").As<Napi::Object>();
    const auto row = ReadColumn<uint32_t>(returns, "row");
    const auto at = ReadTimes(returns, "returnNs");
    rows.span_returns = Zip<AsyncRow>(row.size(), [&](size_t i) { return AsyncRow{at[i], row[i]}; });
  }
  rows.process_id = static_cast<int64_t>(NumberOf(object, "processId"));
  rows.dropped = static_cast<uint64_t>(NumberOf(object, "dropped"));
  rows.meta_json = TextOf(object, "metaJson");
  return rows;
}

}  // namespace opscope
