// The cold half of the reader: what devices, contexts and streams are, NVTX
// ranges, memory, and what the tool itself cost.
#include <algorithm>
#include <cstdlib>

#include "activity_reader.h"
#include "memory_names.h"

namespace opscope::gpu {

namespace {

using cupti::Kind;
using cupti::Load;

// A range that is opened and never closed must not grow the table for ever.
constexpr size_t kMaxOpenRanges = 1u << 16;

template <typename T, typename Is>
T& FindOrAdd(std::vector<T>* list, Is is) {
  const auto found = std::find_if(list->begin(), list->end(), is);
  return found != list->end() ? *found : list->emplace_back();
}

std::string TextOf(const char* text) { return text == nullptr ? "" : ReadableName(text); }

std::string HexOf(const uint8_t* bytes, size_t count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (size_t i = 0; i < count; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex.find_first_not_of('0') == std::string::npos ? "" : hex;
}

}  // namespace

void ActivityReader::DecodeOverhead(const uint8_t* record) {
  namespace at = cupti::overhead;
  GpuOverheadRow row{};
  row.kind = Load(record, at::kKind);
  if (source_.owns_pointers && row.kind == cupti::kOverheadCommandBufferFull &&
      source_.layout.Has(Kind::kOverhead, at::kExtra)) {
    std::free(Load(record, at::kExtra));
  }
  const uint64_t start = Load(record, at::kStart);
  // Without times where CUPTI could not tell them, which is no fault.
  if (start != 0 && MapTimes(start, Load(record, at::kEnd), &row.start_ns, &row.end_ns))
    store_.overheads.Append(row);
}

void ActivityReader::DecodeMarker(const uint8_t* record) {
  namespace at = cupti::marker;
  const uint32_t flags = Load(record, at::kFlags), id = Load(record, at::kId);
  const uint64_t when = Load(record, at::kAt);
  int64_t start_ns = 0, end_ns = 0;
  if (!MapTimes(when, when, &start_ns, &end_ns)) return;
  if ((flags & (cupti::kMarkerStart | cupti::kMarkerInstant)) != 0) {
    const bool has_thread = Load(record, at::kObjectKind) == cupti::kObjectThread;
    const int64_t thread_id = has_thread ? int64_t{Load(record, at::kObjectThread)} : 0;
    const uint32_t name = store_.texts.InternPointer(Load(record, at::kName));
    if ((flags & cupti::kMarkerInstant) != 0) {
      store_.ranges.Append({start_ns, start_ns, thread_id, name});
    } else if (open_ranges_.size() < kMaxOpenRanges) {
      open_ranges_[id] = {start_ns, thread_id, name};
    }
    return;
  }
  const auto open = open_ranges_.find(id);
  if ((flags & cupti::kMarkerEnd) == 0 || open == open_ranges_.end()) return;
  // Buffers of two threads may come in either order, but a range's ends are on one.
  store_.ranges.Append({open->second.start_ns, std::max(start_ns, open->second.start_ns),
                        open->second.thread_id, open->second.name});
  open_ranges_.erase(open);
}

void ActivityReader::DecodeMemory(const uint8_t* record) {
  namespace at = cupti::memory;
  const uint64_t when = Load(record, at::kAt);
  const uint32_t operation = Load(record, at::kOperation);
  if (operation != cupti::kMemoryAllocation && operation != cupti::kMemoryRelease) return;
  GpuMemoryRow row{};
  int64_t end_ns = 0;
  if (!MapTimes(when, when, &row.at_ns, &end_ns)) return;
  row.address = Load(record, at::kAddress);
  row.bytes = Load(record, at::kBytes);
  row.correlation_id = epoch_.Widen(Load(record, at::kCorrelation));
  row.device = Load(record, at::kDevice);
  row.context = Load(record, at::kContext);
  const uint32_t stream = Load(record, at::kStream);
  row.stream = stream == cupti::kInvalidId ? 0 : stream;
  row.kind = MemoryKindOf(Load(record, at::kKind));
  row.is_release = operation == cupti::kMemoryRelease;
  store_.memory.Append(row);
}

void ActivityReader::DecodeDevice(const uint8_t* record) {
  namespace at = cupti::device;
  const uint32_t id = Load(record, at::kId);
  GpuDevice& device = FindOrAdd(&store_.devices, [id](const GpuDevice& one) { return one.id == id; });
  device.id = id;
  // CUPTI never frees the name; a few bytes a device and session.
  device.name = TextOf(Load(record, at::kName));
  device.uuid = HexOf(record + at::kUuid.offset, 16);
  device.memory_bytes = Load(record, at::kMemory);
  device.memory_bandwidth_kb_per_s = Load(record, at::kBandwidth);
  device.compute_major = Load(record, at::kComputeMajor);
  device.compute_minor = Load(record, at::kComputeMinor);
  device.multiprocessors = Load(record, at::kMultiprocessors);
  device.copy_engines = Load(record, at::kCopyEngines);
  device.max_warps_per_sm = Load(record, at::kMaxWarps);
  device.max_blocks_per_sm = Load(record, at::kMaxBlocks);
  device.max_shared_per_sm = Load(record, at::kMaxSharedPerSm);
  device.max_registers_per_sm = Load(record, at::kMaxRegistersPerSm);
  device.max_registers_per_block = Load(record, at::kMaxRegistersPerBlock);
  device.max_shared_per_block = Load(record, at::kMaxSharedPerBlock);
  device.core_clock_khz = Load(record, at::kClock);
  device.is_mig = source_.layout.Has(Kind::kDevice, at::kIsMig) && Load(record, at::kIsMig) == 1;
}

void ActivityReader::DecodeContext(const uint8_t* record) {
  namespace at = cupti::context;
  const uint32_t id = Load(record, at::kId);
  GpuContext& context = FindOrAdd(&store_.contexts, [id](const GpuContext& one) { return one.id == id; });
  context = {id, Load(record, at::kDevice), Load(record, at::kNullStream)};
}

void ActivityReader::DecodeName(const uint8_t* record) {
  namespace at = cupti::name;
  if (Load(record, at::kObjectKind) != cupti::kObjectStream) return;
  const uint32_t context = Load(record, at::kObjectContext), stream = Load(record, at::kObjectStream);
  GpuStreamName& name = FindOrAdd(&store_.stream_names, [context, stream](const GpuStreamName& one) {
    return one.context == context && one.stream == stream;
  });
  name = {context, stream, TextOf(Load(record, at::kName))};
}

}  // namespace opscope::gpu
