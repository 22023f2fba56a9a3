// The numbers of CUPTI's and the driver's C interface that the fake speaks.
// Kept apart from those of binding/gpu on purpose: a wrong number there must
// not be wrong here as well.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fakegpu {

enum Kind : uint32_t {
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
  kMemcpy2 = 22,
  kStream = 37,
  kSynchronization = 38,
  kExternalCorrelation = 39,
  kMemory2 = 49,
  kGraphTrace = 51,
};
constexpr uint32_t kKindLimit = 64;

enum Result : int {
  kSuccess = 0,
  kInvalidParameter = 1,
  kInvalidOperation = 7,
  kSizeNotSufficient = 10,
  kMaxLimitReached = 12,
  kNotCompatible = 14,
  kNotInitialized = 15,
  kQueueEmpty = 18,
  kInvalidKind = 21,
  kMultipleSubscribers = 39,
  kUnknown = 999,
};

enum Attribute : uint32_t {
  kZeroedBuffers = 5,
  kPinnedBuffers = 8,
  kPerThreadBuffers = 9,
  kAttributeLimit = 11
};
enum Domain : int { kDriverDomain = 1, kRuntimeDomain = 2, kResourceDomain = 3 };
enum ResourceId : uint32_t { kContextCreated = 1, kContextDestroyStarting = 2 };
enum ObjectKind : uint32_t { kObjectThread = 2, kObjectDevice = 3, kObjectContext = 4, kObjectStream = 5 };
enum ThreadIdType : int { kThreadIdDefault = 0, kThreadIdSystem = 1 };
enum MarkerFlag : uint32_t { kMarkerInstant = 1, kMarkerStart = 2, kMarkerEnd = 4 };

using RequestCallback = void (*)(uint8_t** buffer, size_t* size, size_t* max_records);
using CompleteCallback = void (*)(void* context, uint32_t stream, uint8_t* buffer, size_t size, size_t valid);
using ApiCallback = void (*)(void* user, int domain, uint32_t callback_id, const void* data);

// What a callback of the resource domain is shown.
struct ResourceData {
  void* context;
  void* handle;
  void* descriptor;
};
// What an API callback is shown.
struct CallbackData {
  int site;  // 0 enter, 1 exit
  const char* function;
  const void* parameters;
  void* return_value;
  const char* symbol;
  void* context;
  uint32_t context_id;
  uint64_t* correlation_data;
  uint32_t correlation_id;
};

}  // namespace fakegpu
