// The binary interface of CUPTI 11.0 to 13.x in our own words: signatures,
// numbers, and where the fields of each activity record lie. No vendor header
// is included, so that one binary serves every machine; test/abi_check.cc
// compares this file with the headers of an installed toolkit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace opscope::cupti {

using Result = int32_t;
constexpr Result kSuccess = 0;
constexpr Result kInvalidParameter = 1;
constexpr Result kMaxLimitReached = 12;  // GetNextRecord: no further record fits in the valid bytes
constexpr Result kNotCompatible = 14;
constexpr Result kNotInitialized = 15;
constexpr Result kInvalidKind = 21;
constexpr Result kNotSupported = 27;
constexpr Result kVirtualizedDevice = 33;
constexpr Result kInsufficientPrivileges = 35;
constexpr Result kLegacyProfiler = 38;
constexpr Result kMultipleSubscribers = 39;
constexpr Result kVirtualizedPrivileges = 40;
constexpr Result kConfidentialComputing = 41;
constexpr Result kMigDevice = 43;
constexpr Result kWslDevice = 45;
constexpr Result kUnknownError = 999;

enum class Kind : uint32_t {
  kMemcpy = 1,
  kMemset = 2,
  kKernel = 3,
  kDriver = 4,
  kRuntime = 5,
  kDevice = 8,
  kContext = 9,
  kConcurrentKernel = 10,
  kName = 11,
  kMarker = 12,
  kOverhead = 17,
  kMemcpyPeer = 22,
  kStream = 37,
  kSynchronization = 38,
  kMemory2 = 49,
  kGraphTrace = 51,
};
constexpr uint32_t kKindLimit = 64;  // above every kind of 13.x

constexpr uint32_t kDriverDomain = 1, kRuntimeDomain = 2, kResourceDomain = 3;
constexpr uint32_t kContextCreated = 1, kContextDestroyed = 2;  // ids of that domain; the second comes before
constexpr uint32_t kSystemThreadId = 1;  // gettid; the default cuts pthread_self to 32 bits
constexpr uint32_t kFlushComplete = 0, kFlushForced = 1;
constexpr uint32_t kAttributeZeroedBuffers = 5, kAttributePerThreadBuffers = 9;  // both uint8_t
constexpr uint32_t kInvalidId = 0xFFFFFFFF;

constexpr uint8_t kCopyHostToDevice = 1, kCopyDeviceToHost = 2, kCopyHostToArray = 3, kCopyArrayToHost = 4,
                  kCopyArrayToArray = 5, kCopyArrayToDevice = 6, kCopyDeviceToArray = 7,
                  kCopyDeviceToDevice = 8, kCopyHostToHost = 9, kCopyPeer = 10;
constexpr uint32_t kSyncEvent = 1, kSyncStreamWait = 2, kSyncStream = 3, kSyncContext = 4;
constexpr uint32_t kMarkerInstant = 1, kMarkerStart = 2, kMarkerEnd = 4;
constexpr uint32_t kObjectThread = 2, kObjectStream = 5;
constexpr uint32_t kMemoryAllocation = 1, kMemoryRelease = 2;
constexpr uint32_t kOverheadCommandBufferFull = 6u << 16;

// Lent to the caller by the library or the program; opaque.
using Context = void*;
using Subscriber = void*;

// What the second form of Subscribe takes, from 13.0 on.
struct SubscribeParameters {
  size_t bytes = sizeof(SubscribeParameters);  // tells the library which fields there are
  const char* name = nullptr;                  // ours
  char* holder = nullptr;                      // where it writes who is subscribed, if that is in the way
  size_t holder_bytes = 0;                     // 64 are enough for every name
};

extern "C" {
using BufferRequested = void (*)(uint8_t** buffer, size_t* bytes, size_t* max_records);
using BufferCompleted = void (*)(Context context, uint32_t stream, uint8_t* buffer, size_t bytes,
                                 size_t valid_bytes);
using Callback = void (*)(void* user, uint32_t domain, uint32_t id, const void* what);

using GetVersion = Result (*)(uint32_t* version);
using GetResultString = Result (*)(Result result, const char** text);
using GetTimestamp = Result (*)(uint64_t* ns);
using RegisterCallbacks = Result (*)(BufferRequested requested, BufferCompleted completed);
using OfKind = Result (*)(Kind kind);  // Enable, Disable, EnableAndDump
using FlushAll = Result (*)(uint32_t flag);
using GetNextRecord = Result (*)(uint8_t* buffer, size_t valid_bytes, uint8_t** record);
using GetNumDroppedRecords = Result (*)(Context context, uint32_t stream, size_t* dropped);
using SetAttribute = Result (*)(uint32_t attribute, size_t* bytes, void* value);
using Subscribe = Result (*)(Subscriber* subscriber, Callback callback, void* user);
using SubscribeV2 = Result (*)(Subscriber* subscriber, Callback callback, void* user,
                               SubscribeParameters* parameters);
using Unsubscribe = Result (*)(Subscriber subscriber);
using GetCallbackName = Result (*)(uint32_t domain, uint32_t id, const char** name);
using EnableCallback = Result (*)(uint32_t is_enabled, Subscriber subscriber, uint32_t domain, uint32_t id);
using SetThreadIdType = Result (*)(uint32_t type);
using EnableApi = Result (*)(uint32_t id, uint8_t is_enabled);  // EnableRuntimeApi, EnableDriverApi
}

// One field of a record. Records only grow: the newest struct begins with all
// older ones byte for byte, so a field exists if it ends inside the stride.
template <typename T>
struct Field {
  uint16_t offset;
  constexpr uint16_t end() const noexcept { return static_cast<uint16_t>(offset + sizeof(T)); }
};
template <typename T>
inline T Load(const uint8_t* record, Field<T> field) noexcept {
  T value;
  std::memcpy(&value, record + field.offset, sizeof(T));
  return value;
}
using U8 = Field<uint8_t>;
using U16 = Field<uint16_t>;
using U32 = Field<uint32_t>;
using U64 = Field<uint64_t>;
using Text = Field<const char*>;

constexpr U32 kKindField{0};
// What a callback of the resource domain is given begins with the context.
constexpr Field<Context> kResourceContext{0};

// Offsets. Each "from" is the bar before the fields that a later struct
// version added, with the CUDA release that first emits it and its stride.
// kRequired is where the last field lies that a reader cannot do without.
namespace kernel {  // kKernel, kConcurrentKernel; from 11.0: 160
constexpr U16 kRegisters{6};
constexpr U64 kStart{16}, kEnd{24};
constexpr U32 kDevice{40}, kContext{44}, kStream{48};
constexpr U32 kGridX{52}, kGridY{56}, kGridZ{60}, kBlockX{64}, kBlockY{68}, kBlockZ{72};
constexpr U32 kStaticShared{76}, kDynamicShared{80}, kLocalPerThread{84}, kCorrelation{92};
constexpr Text kName{104};
constexpr U64 kQueued{120}, kSubmitted{128};
constexpr U32 kExecutedShared{140};
constexpr U64 kGraphNode{144};
constexpr U32 kGraph{156};
// from 11.2: 168, 11.6: 176, 11.8: 200, 12.0: 208, 13.0: 216
constexpr uint16_t kRequired = kName.end();
}  // namespace kernel

namespace copy {  // kMemcpy; from 11.0: 72
constexpr U8 kDirection{4}, kFrom{5}, kTo{6}, kFlags{7};
constexpr U64 kBytes{8}, kStart{16}, kEnd{24};
constexpr U32 kDevice{32}, kContext{36}, kStream{40}, kCorrelation{44};
// from 11.1: 80, 11.6: 88, 12.8: 96
constexpr uint16_t kRequired = kCorrelation.end();
}  // namespace copy

namespace peer_copy {  // kMemcpyPeer; as copy up to its stream; from 11.0: 80
constexpr U32 kFromDevice{44}, kToDevice{52}, kCorrelation{60};
// from 11.1: 88, 11.6: 96
constexpr uint16_t kRequired = kCorrelation.end();
}  // namespace peer_copy

namespace fill {  // kMemset; from 11.0: 72
constexpr U64 kBytes{8}, kStart{16}, kEnd{24};
constexpr U32 kDevice{32}, kContext{36}, kStream{40}, kCorrelation{44};
constexpr U16 kMemory{50};
// from 11.1: 80, 11.6: 88
constexpr uint16_t kRequired = kCorrelation.end();
}  // namespace fill

namespace api {  // kRuntime, kDriver; 40 throughout
constexpr U32 kId{4};
constexpr U64 kStart{8}, kEnd{16};
constexpr U32 kProcess{24}, kThread{28}, kCorrelation{32}, kReturnValue{36};
constexpr uint16_t kRequired = kCorrelation.end();
}  // namespace api

namespace sync {  // kSynchronization; from 11.0: 40, 12.8: 56
constexpr U32 kType{4};
constexpr U64 kStart{8}, kEnd{16};
constexpr U32 kCorrelation{24}, kContext{28}, kStream{32};
constexpr uint16_t kRequired = kStream.end();
}  // namespace sync

namespace overhead {  // from 11.0: 40
constexpr U32 kKind{4}, kObjectKind{8};
constexpr U64 kStart{24}, kEnd{32};
// from 12.2: 48, 12.4: 56
constexpr Field<void*> kExtra{48};
constexpr uint16_t kRequired = kEnd.end();
}  // namespace overhead

namespace graph {  // kGraphTrace; from 11.7: 48, 12.3: 56
constexpr U32 kCorrelation{4};
constexpr U64 kStart{8}, kEnd{16};
constexpr U32 kDevice{24}, kGraph{28}, kContext{32}, kStream{36};
constexpr uint16_t kRequired = kStream.end();
}  // namespace graph

namespace marker {  // 56 throughout
constexpr U32 kFlags{4};
constexpr U64 kAt{8};
constexpr U32 kId{16}, kObjectKind{20}, kObjectThread{28};
constexpr Text kName{40}, kDomain{48};
constexpr uint16_t kRequired = kName.end();
}  // namespace marker

namespace memory {  // kMemory2; from 11.2: 112, 11.6: 120, 12.6: 128
constexpr U32 kOperation{4}, kKind{8}, kCorrelation{12};
constexpr U64 kAddress{16}, kBytes{24}, kAt{32};
constexpr U32 kProcess{48}, kDevice{52}, kContext{56}, kStream{60};
constexpr Text kName{64};
constexpr uint16_t kRequired = kStream.end();
}  // namespace memory

namespace device {  // from 11.0: 144
constexpr U64 kBandwidth{8}, kMemory{16};
constexpr U32 kClock{36}, kCopyEngines{40}, kMultiprocessors{44}, kMaxWarps{52}, kMaxBlocks{56};
constexpr U32 kMaxSharedPerSm{60}, kMaxRegistersPerSm{64}, kMaxRegistersPerBlock{68}, kMaxSharedPerBlock{72};
constexpr U32 kComputeMajor{104}, kComputeMinor{108}, kId{112};
constexpr U8 kUuid{120};  // the first of 16
constexpr Text kName{136};
// from 11.6: 176, 12.2: 184
constexpr U8 kIsMig{145};
constexpr uint16_t kRequired = kName.end();
}  // namespace device

namespace context {  // from 11.0: 16, 12.4: 24, 12.5: 32
constexpr U32 kId{4}, kDevice{8};
constexpr U16 kNullStream{14};
constexpr uint16_t kRequired = kNullStream.end();
}  // namespace context

namespace name {  // 32 throughout
constexpr U32 kObjectKind{4}, kObjectContext{12}, kObjectStream{16};
constexpr Text kName{24};
constexpr uint16_t kRequired = kName.end();
}  // namespace name

}  // namespace opscope::cupti
