// Field numbers of XSpace (openxla/xla, xla/tsl/profiler/protobuf/xplane.proto), and the names by which its
// readers know what they need.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace opscope::xplane {

namespace space {
constexpr uint32_t kPlanes = 1, kErrors = 2, kWarnings = 3, kHostnames = 4;
}  // namespace space
namespace plane {
constexpr uint32_t kId = 1, kName = 2, kLines = 3, kEventMetadata = 4, kStatMetadata = 5, kStats = 6;
}  // namespace plane
namespace line {
constexpr uint32_t kId = 1, kName = 2, kTimestampNs = 3, kEvents = 4;
}  // namespace line
namespace event {
constexpr uint32_t kMetadataId = 1, kOffsetPs = 2, kDurationPs = 3, kStats = 4;
}  // namespace event
// The arm of the oneof matters: a reader that wants another one reads 0.
namespace stat {
constexpr uint32_t kMetadataId = 1, kDouble = 2, kUint64 = 3, kInt64 = 4, kString = 5, kRef = 7;
}  // namespace stat
namespace metadata {
constexpr uint32_t kId = 1, kName = 2, kDisplayName = 4, kStats = 5;
}  // namespace metadata
namespace map_entry {
constexpr uint32_t kKey = 1, kValue = 2;
}  // namespace map_entry

constexpr const char* kHostPlane = "/host:CPU";
constexpr const char* kDevicePlane = "/device:GPU:";
constexpr const char* kTaskPlane = "Task Environment";
constexpr const char* kCounterLine = "_counters_";

// Stats with a meaning: the first part is the readers', the second is ours and read back by loadCapture().
enum class StatName : uint8_t {
  kDeviceId,
  kCorrelationId,
  kKernelDetails,
  kMemcpyDetails,
  kMemsetDetails,
  kContextId,
  kTfOp,
  kOccupancyPct,
  kCudaGraphId,
  kCudaGraphNodeId,
  kIsRoot,
  kStepNum,
  kProducerType,
  kProducerId,
  kConsumerType,
  kConsumerId,
  kBytesReserved,
  kBytesAllocated,
  kBytesAvailable,
  kPeakBytesInUse,
  kRequestedBytes,
  kAllocationBytes,
  kAddress,
  kFragmentation,
  kAllocatorName,
  kDeviceVendor,
  kGpuDeviceName,
  kClockRate,
  kCoreCount,
  kMemoryBandwidth,
  kMemorySize,
  kComputeCapMajor,
  kComputeCapMinor,
  kProfileStartTime,
  kProfileStopTime,

  kCategory,
  kRole,
  kInstance,
  kAsync,
  kSyncPart,
  kUnfinished,
  kError,
  kTimed,
  kBracket,
  kMark,
  kMadeUp,
  kValue,
  kTraceId,
  kSpanId,
  kParentSpanId,
  kLink,
  kKind,
  kFrom,
  kTo,
  kDevice,
  kContext,
  kStream,
  kCorrelation,
  kOverhead,
  kDeviceOrdinal,
  kDeviceUuid,
  kIsMig,
  kOpscope,
  kProcessId,
  kOriginClockNs,
  kDropped,
  kLanes,
  kThreads,
  kMeta,
};
constexpr size_t kStatNameCount = static_cast<size_t>(StatName::kMeta) + 1;
constexpr std::array<const char*, kStatNameCount> kStatNames = {
    "device_id",
    "correlation_id",
    "kernel_details",
    "memcpy_details",
    "Memset_details",
    "context_id",
    "tf_op",
    "theoretical_occupancy_pct",
    "cuda_graph_id",
    "cuda_graph_node_id",
    "_r",
    "step_num",
    "_pt",
    "_p",
    "_ct",
    "_c",
    "bytes_reserved",
    "bytes_allocated",
    "bytes_available",
    "peak_bytes_in_use",
    "requested_bytes",
    "allocation_bytes",
    "addr",
    "fragmentation",
    "allocator_name",
    "device_vendor",
    "gpu_device_name",
    "clock_rate",
    "core_count",
    "memory_bandwidth",
    "memory_size",
    "compute_cap_major",
    "compute_cap_minor",
    "profile_start_time",
    "profile_stop_time",
    "opscope.category",
    "opscope.role",
    "opscope.instance",
    "opscope.async",
    "opscope.sync_part",
    "opscope.unfinished",
    "opscope.error",
    "opscope.timed",
    "opscope.bracket",
    "opscope.mark",
    "opscope.made_up",
    "value",
    "opscope.trace_id",
    "opscope.span_id",
    "opscope.parent_span_id",
    "opscope.link",
    "opscope.kind",
    "opscope.from",
    "opscope.to",
    "opscope.device",
    "opscope.context",
    "opscope.stream",
    "opscope.correlation",
    "opscope.overhead",
    "opscope.device_ordinal",
    "opscope.device_uuid",
    "opscope.is_mig",
    "opscope.version",
    "opscope.process_id",
    "opscope.origin_clock_ns",
    "opscope.dropped",
    "opscope.lanes",
    "opscope.threads",
    "opscope.meta",
};

// Names of stats that readers act on beside those above: an attribute of a user's must not be one.
constexpr std::array<std::string_view, 24> kReadersStats = {
    "group_id",
    "step_name",
    "is_eager",
    "iter_num",
    "flow",
    "_a",
    "hlo_op",
    "hlo_module",
    "program_id",
    "symbol_id",
    "flops",
    "bytes_accessed",
    "nvtx_range",
    "memalloc_details",
    "MemFree_details",
    "region_type",
    "index_on_host",
    "data_type",
    "shape",
    "source",
    "occupancy_min_grid_size",
    "occupancy_suggested_block_size",
    "cuda_graph_exec_id",
    "profile_options",
};
// What is put before the name of such an attribute.
constexpr const char* kUserStat = "user.";

}  // namespace opscope::xplane
