// Compares gpu/cupti_abi.h with the headers of an installed toolkit: compiling
// this file is the check. Built only where a toolkit is found, never shipped.
#include <cuda.h>
#include <cupti.h>

#include <cstddef>
#include <type_traits>

#include "gpu/cupti_abi.h"

namespace ours = opscope::cupti;

#if CUDA_VERSION >= 13000
using KernelRecord = CUpti_ActivityKernel10;
using MemoryRecord = CUpti_ActivityMemory4;
using ContextRecord = CUpti_ActivityContext3;
#elif CUDA_VERSION >= 12000
using KernelRecord = CUpti_ActivityKernel9;
using MemoryRecord = CUpti_ActivityMemory3;
using ContextRecord = CUpti_ActivityContext;
#else
using KernelRecord = CUpti_ActivityKernel8;
using MemoryRecord = CUpti_ActivityMemory3;
using ContextRecord = CUpti_ActivityContext;
#endif
#if CUDA_VERSION >= 12080
using CopyRecord = CUpti_ActivityMemcpy6;
using SyncRecord = CUpti_ActivitySynchronization2;
#else
using CopyRecord = CUpti_ActivityMemcpy5;
using SyncRecord = CUpti_ActivitySynchronization;
#endif
#if CUDA_VERSION >= 12040
using OverheadRecord = CUpti_ActivityOverhead3;
#else
using OverheadRecord = CUpti_ActivityOverhead;
#endif
#if CUDA_VERSION >= 12030
using GraphRecord = CUpti_ActivityGraphTrace2;
#else
using GraphRecord = CUpti_ActivityGraphTrace;
#endif
#if CUDA_VERSION >= 12020
using DeviceRecord = CUpti_ActivityDevice5;
#else
using DeviceRecord = CUpti_ActivityDevice4;
#endif

#define OPSCOPE_SAME(field, record, member)                                                         \
  static_assert(ours::field.offset == offsetof(record, member), #record "::" #member " has moved"); \
  static_assert(sizeof(ours::Load(nullptr, ours::field)) == sizeof(record::member),                 \
                #record "::" #member " has another size")

OPSCOPE_SAME(kernel::kRegisters, KernelRecord, registersPerThread);
OPSCOPE_SAME(kernel::kStart, KernelRecord, start);
OPSCOPE_SAME(kernel::kEnd, KernelRecord, end);
OPSCOPE_SAME(kernel::kDevice, KernelRecord, deviceId);
OPSCOPE_SAME(kernel::kContext, KernelRecord, contextId);
OPSCOPE_SAME(kernel::kStream, KernelRecord, streamId);
OPSCOPE_SAME(kernel::kGridX, KernelRecord, gridX);
OPSCOPE_SAME(kernel::kGridY, KernelRecord, gridY);
OPSCOPE_SAME(kernel::kGridZ, KernelRecord, gridZ);
OPSCOPE_SAME(kernel::kBlockX, KernelRecord, blockX);
OPSCOPE_SAME(kernel::kBlockY, KernelRecord, blockY);
OPSCOPE_SAME(kernel::kBlockZ, KernelRecord, blockZ);
OPSCOPE_SAME(kernel::kStaticShared, KernelRecord, staticSharedMemory);
OPSCOPE_SAME(kernel::kDynamicShared, KernelRecord, dynamicSharedMemory);
OPSCOPE_SAME(kernel::kLocalPerThread, KernelRecord, localMemoryPerThread);
OPSCOPE_SAME(kernel::kCorrelation, KernelRecord, correlationId);
OPSCOPE_SAME(kernel::kName, KernelRecord, name);
OPSCOPE_SAME(kernel::kQueued, KernelRecord, queued);
OPSCOPE_SAME(kernel::kSubmitted, KernelRecord, submitted);
OPSCOPE_SAME(kernel::kExecutedShared, KernelRecord, sharedMemoryExecuted);
OPSCOPE_SAME(kernel::kGraphNode, KernelRecord, graphNodeId);
OPSCOPE_SAME(kernel::kGraph, KernelRecord, graphId);

OPSCOPE_SAME(copy::kDirection, CopyRecord, copyKind);
OPSCOPE_SAME(copy::kFrom, CopyRecord, srcKind);
OPSCOPE_SAME(copy::kTo, CopyRecord, dstKind);
OPSCOPE_SAME(copy::kFlags, CopyRecord, flags);
OPSCOPE_SAME(copy::kBytes, CopyRecord, bytes);
OPSCOPE_SAME(copy::kStart, CopyRecord, start);
OPSCOPE_SAME(copy::kEnd, CopyRecord, end);
OPSCOPE_SAME(copy::kDevice, CopyRecord, deviceId);
OPSCOPE_SAME(copy::kContext, CopyRecord, contextId);
OPSCOPE_SAME(copy::kStream, CopyRecord, streamId);
OPSCOPE_SAME(copy::kCorrelation, CopyRecord, correlationId);

OPSCOPE_SAME(copy::kDirection, CUpti_ActivityMemcpyPtoP4, copyKind);
OPSCOPE_SAME(copy::kBytes, CUpti_ActivityMemcpyPtoP4, bytes);
OPSCOPE_SAME(copy::kStart, CUpti_ActivityMemcpyPtoP4, start);
OPSCOPE_SAME(copy::kEnd, CUpti_ActivityMemcpyPtoP4, end);
OPSCOPE_SAME(copy::kDevice, CUpti_ActivityMemcpyPtoP4, deviceId);
OPSCOPE_SAME(copy::kContext, CUpti_ActivityMemcpyPtoP4, contextId);
OPSCOPE_SAME(copy::kStream, CUpti_ActivityMemcpyPtoP4, streamId);
OPSCOPE_SAME(peer_copy::kFromDevice, CUpti_ActivityMemcpyPtoP4, srcDeviceId);
OPSCOPE_SAME(peer_copy::kToDevice, CUpti_ActivityMemcpyPtoP4, dstDeviceId);
OPSCOPE_SAME(peer_copy::kCorrelation, CUpti_ActivityMemcpyPtoP4, correlationId);

OPSCOPE_SAME(fill::kBytes, CUpti_ActivityMemset4, bytes);
OPSCOPE_SAME(fill::kStart, CUpti_ActivityMemset4, start);
OPSCOPE_SAME(fill::kEnd, CUpti_ActivityMemset4, end);
OPSCOPE_SAME(fill::kDevice, CUpti_ActivityMemset4, deviceId);
OPSCOPE_SAME(fill::kContext, CUpti_ActivityMemset4, contextId);
OPSCOPE_SAME(fill::kStream, CUpti_ActivityMemset4, streamId);
OPSCOPE_SAME(fill::kCorrelation, CUpti_ActivityMemset4, correlationId);
OPSCOPE_SAME(fill::kMemory, CUpti_ActivityMemset4, memoryKind);

OPSCOPE_SAME(api::kId, CUpti_ActivityAPI, cbid);
OPSCOPE_SAME(api::kStart, CUpti_ActivityAPI, start);
OPSCOPE_SAME(api::kEnd, CUpti_ActivityAPI, end);
OPSCOPE_SAME(api::kProcess, CUpti_ActivityAPI, processId);
OPSCOPE_SAME(api::kThread, CUpti_ActivityAPI, threadId);
OPSCOPE_SAME(api::kCorrelation, CUpti_ActivityAPI, correlationId);
OPSCOPE_SAME(api::kReturnValue, CUpti_ActivityAPI, returnValue);

OPSCOPE_SAME(sync::kType, SyncRecord, type);
OPSCOPE_SAME(sync::kStart, SyncRecord, start);
OPSCOPE_SAME(sync::kEnd, SyncRecord, end);
OPSCOPE_SAME(sync::kCorrelation, SyncRecord, correlationId);
OPSCOPE_SAME(sync::kContext, SyncRecord, contextId);
OPSCOPE_SAME(sync::kStream, SyncRecord, streamId);

OPSCOPE_SAME(overhead::kKind, OverheadRecord, overheadKind);
OPSCOPE_SAME(overhead::kObjectKind, OverheadRecord, objectKind);
OPSCOPE_SAME(overhead::kStart, OverheadRecord, start);
OPSCOPE_SAME(overhead::kEnd, OverheadRecord, end);
#if CUDA_VERSION >= 12040
OPSCOPE_SAME(overhead::kExtra, OverheadRecord, overheadData);
#endif

OPSCOPE_SAME(graph::kCorrelation, GraphRecord, correlationId);
OPSCOPE_SAME(graph::kStart, GraphRecord, start);
OPSCOPE_SAME(graph::kEnd, GraphRecord, end);
OPSCOPE_SAME(graph::kDevice, GraphRecord, deviceId);
OPSCOPE_SAME(graph::kGraph, GraphRecord, graphId);
OPSCOPE_SAME(graph::kContext, GraphRecord, contextId);
OPSCOPE_SAME(graph::kStream, GraphRecord, streamId);

OPSCOPE_SAME(marker::kFlags, CUpti_ActivityMarker2, flags);
OPSCOPE_SAME(marker::kAt, CUpti_ActivityMarker2, timestamp);
OPSCOPE_SAME(marker::kId, CUpti_ActivityMarker2, id);
OPSCOPE_SAME(marker::kObjectKind, CUpti_ActivityMarker2, objectKind);
OPSCOPE_SAME(marker::kObjectThread, CUpti_ActivityMarker2, objectId.pt.threadId);
OPSCOPE_SAME(marker::kName, CUpti_ActivityMarker2, name);
OPSCOPE_SAME(marker::kDomain, CUpti_ActivityMarker2, domain);

OPSCOPE_SAME(memory::kOperation, MemoryRecord, memoryOperationType);
OPSCOPE_SAME(memory::kKind, MemoryRecord, memoryKind);
OPSCOPE_SAME(memory::kCorrelation, MemoryRecord, correlationId);
OPSCOPE_SAME(memory::kAddress, MemoryRecord, address);
OPSCOPE_SAME(memory::kBytes, MemoryRecord, bytes);
OPSCOPE_SAME(memory::kAt, MemoryRecord, timestamp);
OPSCOPE_SAME(memory::kProcess, MemoryRecord, processId);
OPSCOPE_SAME(memory::kDevice, MemoryRecord, deviceId);
OPSCOPE_SAME(memory::kContext, MemoryRecord, contextId);
OPSCOPE_SAME(memory::kStream, MemoryRecord, streamId);
OPSCOPE_SAME(memory::kName, MemoryRecord, name);

OPSCOPE_SAME(device::kBandwidth, DeviceRecord, globalMemoryBandwidth);
OPSCOPE_SAME(device::kMemory, DeviceRecord, globalMemorySize);
OPSCOPE_SAME(device::kClock, DeviceRecord, coreClockRate);
OPSCOPE_SAME(device::kCopyEngines, DeviceRecord, numMemcpyEngines);
OPSCOPE_SAME(device::kMultiprocessors, DeviceRecord, numMultiprocessors);
OPSCOPE_SAME(device::kMaxWarps, DeviceRecord, maxWarpsPerMultiprocessor);
OPSCOPE_SAME(device::kMaxBlocks, DeviceRecord, maxBlocksPerMultiprocessor);
OPSCOPE_SAME(device::kMaxSharedPerSm, DeviceRecord, maxSharedMemoryPerMultiprocessor);
OPSCOPE_SAME(device::kMaxRegistersPerSm, DeviceRecord, maxRegistersPerMultiprocessor);
OPSCOPE_SAME(device::kMaxRegistersPerBlock, DeviceRecord, maxRegistersPerBlock);
OPSCOPE_SAME(device::kMaxSharedPerBlock, DeviceRecord, maxSharedMemoryPerBlock);
OPSCOPE_SAME(device::kComputeMajor, DeviceRecord, computeCapabilityMajor);
OPSCOPE_SAME(device::kComputeMinor, DeviceRecord, computeCapabilityMinor);
OPSCOPE_SAME(device::kId, DeviceRecord, id);
OPSCOPE_SAME(device::kName, DeviceRecord, name);
OPSCOPE_SAME(device::kIsMig, DeviceRecord, isMigEnabled);
static_assert(ours::device::kUuid.offset == offsetof(DeviceRecord, uuid) && sizeof(DeviceRecord::uuid) == 16);

OPSCOPE_SAME(kResourceContext, CUpti_ResourceData, context);
OPSCOPE_SAME(context::kId, ContextRecord, contextId);
OPSCOPE_SAME(context::kDevice, ContextRecord, deviceId);
OPSCOPE_SAME(context::kNullStream, ContextRecord, nullStreamId);

OPSCOPE_SAME(name::kObjectKind, CUpti_ActivityName, objectKind);
OPSCOPE_SAME(name::kObjectContext, CUpti_ActivityName, objectId.dcs.contextId);
OPSCOPE_SAME(name::kObjectStream, CUpti_ActivityName, objectId.dcs.streamId);
OPSCOPE_SAME(name::kName, CUpti_ActivityName, name);

#define OPSCOPE_EQUAL(mine, theirs) \
  static_assert(static_cast<long long>(ours::mine) == static_cast<long long>(theirs), #theirs)

OPSCOPE_EQUAL(kMaxLimitReached, CUPTI_ERROR_MAX_LIMIT_REACHED);
OPSCOPE_EQUAL(kInvalidParameter, CUPTI_ERROR_INVALID_PARAMETER);
OPSCOPE_EQUAL(kNotCompatible, CUPTI_ERROR_NOT_COMPATIBLE);
OPSCOPE_EQUAL(kNotInitialized, CUPTI_ERROR_NOT_INITIALIZED);
OPSCOPE_EQUAL(kInvalidKind, CUPTI_ERROR_INVALID_KIND);
OPSCOPE_EQUAL(kNotSupported, CUPTI_ERROR_NOT_SUPPORTED);
OPSCOPE_EQUAL(kVirtualizedDevice, CUPTI_ERROR_VIRTUALIZED_DEVICE_NOT_SUPPORTED);
OPSCOPE_EQUAL(kInsufficientPrivileges, CUPTI_ERROR_INSUFFICIENT_PRIVILEGES);
OPSCOPE_EQUAL(kMultipleSubscribers, CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED);
OPSCOPE_EQUAL(kUnknownError, CUPTI_ERROR_UNKNOWN);
OPSCOPE_EQUAL(Kind::kMemcpy, CUPTI_ACTIVITY_KIND_MEMCPY);
OPSCOPE_EQUAL(Kind::kMemset, CUPTI_ACTIVITY_KIND_MEMSET);
OPSCOPE_EQUAL(Kind::kKernel, CUPTI_ACTIVITY_KIND_KERNEL);
OPSCOPE_EQUAL(Kind::kDriver, CUPTI_ACTIVITY_KIND_DRIVER);
OPSCOPE_EQUAL(Kind::kRuntime, CUPTI_ACTIVITY_KIND_RUNTIME);
OPSCOPE_EQUAL(Kind::kDevice, CUPTI_ACTIVITY_KIND_DEVICE);
OPSCOPE_EQUAL(Kind::kContext, CUPTI_ACTIVITY_KIND_CONTEXT);
OPSCOPE_EQUAL(Kind::kConcurrentKernel, CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
OPSCOPE_EQUAL(Kind::kName, CUPTI_ACTIVITY_KIND_NAME);
OPSCOPE_EQUAL(Kind::kMarker, CUPTI_ACTIVITY_KIND_MARKER);
OPSCOPE_EQUAL(Kind::kOverhead, CUPTI_ACTIVITY_KIND_OVERHEAD);
OPSCOPE_EQUAL(Kind::kMemcpyPeer, CUPTI_ACTIVITY_KIND_MEMCPY2);
OPSCOPE_EQUAL(Kind::kStream, CUPTI_ACTIVITY_KIND_STREAM);
OPSCOPE_EQUAL(Kind::kSynchronization, CUPTI_ACTIVITY_KIND_SYNCHRONIZATION);
OPSCOPE_EQUAL(Kind::kMemory2, CUPTI_ACTIVITY_KIND_MEMORY2);
OPSCOPE_EQUAL(Kind::kGraphTrace, CUPTI_ACTIVITY_KIND_GRAPH_TRACE);
OPSCOPE_EQUAL(kCopyPeer, CUPTI_ACTIVITY_MEMCPY_KIND_PTOP);
OPSCOPE_EQUAL(kSyncContext, CUPTI_ACTIVITY_SYNCHRONIZATION_TYPE_CONTEXT_SYNCHRONIZE);
OPSCOPE_EQUAL(kMarkerStart, CUPTI_ACTIVITY_FLAG_MARKER_START);
OPSCOPE_EQUAL(kMarkerEnd, CUPTI_ACTIVITY_FLAG_MARKER_END);
OPSCOPE_EQUAL(kMarkerInstant, CUPTI_ACTIVITY_FLAG_MARKER_INSTANTANEOUS);
OPSCOPE_EQUAL(kObjectThread, CUPTI_ACTIVITY_OBJECT_THREAD);
OPSCOPE_EQUAL(kObjectStream, CUPTI_ACTIVITY_OBJECT_STREAM);
OPSCOPE_EQUAL(kMemoryAllocation, CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_ALLOCATION);
OPSCOPE_EQUAL(kMemoryRelease, CUPTI_ACTIVITY_MEMORY_OPERATION_TYPE_RELEASE);
OPSCOPE_EQUAL(kDriverDomain, CUPTI_CB_DOMAIN_DRIVER_API);
OPSCOPE_EQUAL(kRuntimeDomain, CUPTI_CB_DOMAIN_RUNTIME_API);
OPSCOPE_EQUAL(kResourceDomain, CUPTI_CB_DOMAIN_RESOURCE);
OPSCOPE_EQUAL(kContextCreated, CUPTI_CBID_RESOURCE_CONTEXT_CREATED);
OPSCOPE_EQUAL(kContextDestroyed, CUPTI_CBID_RESOURCE_CONTEXT_DESTROY_STARTING);
OPSCOPE_EQUAL(kSystemThreadId, CUPTI_ACTIVITY_THREAD_ID_TYPE_SYSTEM);
OPSCOPE_EQUAL(kAttributeZeroedBuffers, CUPTI_ACTIVITY_ATTR_ZEROED_OUT_ACTIVITY_BUFFER);
OPSCOPE_EQUAL(kFlushForced, CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
#if CUDA_VERSION >= 12030
OPSCOPE_EQUAL(kAttributePerThreadBuffers, CUPTI_ACTIVITY_ATTR_PER_THREAD_ACTIVITY_BUFFER);
#endif
#if CUDA_VERSION >= 12040
OPSCOPE_EQUAL(kOverheadCommandBufferFull, CUPTI_ACTIVITY_OVERHEAD_COMMAND_BUFFER_FULL);
#endif
#if CUDA_VERSION >= 12080
OPSCOPE_EQUAL(kConfidentialComputing, CUPTI_ERROR_CONFIDENTIAL_COMPUTING_NOT_SUPPORTED);
#endif

// As many arguments, each as wide: enums of theirs are numbers of ours.
template <typename T>
constexpr bool kIsNumber = std::is_integral_v<T> || std::is_enum_v<T>;
template <typename A, typename B>
constexpr bool IsSameWord() {
  if constexpr (std::is_void_v<A> || std::is_void_v<B>) {
    return std::is_void_v<A> && std::is_void_v<B>;
  } else {
    return sizeof(A) == sizeof(B) && kIsNumber<A> == kIsNumber<B>;
  }
}
template <typename Mine, typename Theirs>
struct IsSameCall : std::false_type {};
template <typename R, typename... A, typename S, typename... B>
struct IsSameCall<R (*)(A...), S (*)(B...)> {
  static constexpr bool Compare() {
    if constexpr (sizeof...(A) != sizeof...(B)) {
      return false;
    } else {
      return IsSameWord<R, S>() && (IsSameWord<A, B>() && ...);
    }
  }
  static constexpr bool value = Compare();
};
#define OPSCOPE_CALL(mine, theirs) static_assert(IsSameCall<ours::mine, decltype(&theirs)>::value, #theirs)

OPSCOPE_CALL(GetVersion, cuptiGetVersion);
OPSCOPE_CALL(GetResultString, cuptiGetResultString);
OPSCOPE_CALL(GetTimestamp, cuptiGetTimestamp);
OPSCOPE_CALL(RegisterCallbacks, cuptiActivityRegisterCallbacks);
OPSCOPE_CALL(OfKind, cuptiActivityEnable);
OPSCOPE_CALL(OfKind, cuptiActivityDisable);
OPSCOPE_CALL(OfKind, cuptiActivityEnableAndDump);
OPSCOPE_CALL(FlushAll, cuptiActivityFlushAll);
OPSCOPE_CALL(GetNextRecord, cuptiActivityGetNextRecord);
OPSCOPE_CALL(GetNumDroppedRecords, cuptiActivityGetNumDroppedRecords);
OPSCOPE_CALL(SetAttribute, cuptiActivitySetAttribute);
OPSCOPE_CALL(Subscribe, cuptiSubscribe);
OPSCOPE_CALL(Unsubscribe, cuptiUnsubscribe);
OPSCOPE_CALL(GetCallbackName, cuptiGetCallbackName);
OPSCOPE_CALL(EnableCallback, cuptiEnableCallback);
OPSCOPE_CALL(SetThreadIdType, cuptiSetThreadIdType);
#if CUDA_VERSION >= 12050
OPSCOPE_CALL(EnableApi, cuptiActivityEnableRuntimeApi);
OPSCOPE_CALL(EnableApi, cuptiActivityEnableDriverApi);
#endif
#if CUDA_VERSION >= 13000
OPSCOPE_CALL(SubscribeV2, cuptiSubscribe_v2);
static_assert(offsetof(ours::SubscribeParameters, bytes) == offsetof(CUpti_SubscriberParams, structSize));
static_assert(offsetof(ours::SubscribeParameters, name) == offsetof(CUpti_SubscriberParams, subscriberName));
static_assert(offsetof(ours::SubscribeParameters, holder) ==
              offsetof(CUpti_SubscriberParams, oldSubscriberName));
static_assert(offsetof(ours::SubscribeParameters, holder_bytes) ==
              offsetof(CUpti_SubscriberParams, oldSubscriberSize));
static_assert(sizeof(ours::SubscribeParameters) == CUpti_SubscriberParams_STRUCT_SIZE);
#endif
static_assert(IsSameCall<ours::BufferRequested, CUpti_BuffersCallbackRequestFunc>::value);
static_assert(IsSameCall<ours::BufferCompleted, CUpti_BuffersCallbackCompleteFunc>::value);
static_assert(IsSameCall<ours::Callback, CUpti_CallbackFunc>::value);
