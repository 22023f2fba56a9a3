// The entry points of libcupti, built once per release:
//   FAKECUPTI_RELEASE  "13.0", the personality
//   FAKECUPTI_LEVEL    1102, 1108, 1204, 1300: which optional symbols exist
//   FAKECUPTI_INCOMPLETE  leaves out a symbol that every release has
// Prototypes are those of CUPTI's C interface; everything behind them is in
// libfakegpu.so.
#include <string>

#include "../callback_names.h"
#include "../fake_gpu.h"

using fakegpu::FakeGpu;

namespace {

[[maybe_unused]] const bool g_is_loaded = [] {
  FakeGpu::Get().Load(FAKECUPTI_RELEASE);
  return true;
}();

// What all state-changing calls have in common: not from a buffer callback,
// planned failures, the journal.
template <typename Body>
int Call(const char* function, int64_t argument, Body body) {
  FakeGpu& gpu = FakeGpu::Get();
  int result;
  if (fakegpu::InBufferCallback()) {
    gpu.journal.Violation(std::string(function) + " called inside a buffer callback");
    result = fakegpu::kInvalidOperation;
  } else if (const auto planned = gpu.errors.Check(function, argument, gpu.personality)) {
    result = *planned;
  } else if (gpu.IsDriverTooOld()) {
    result = fakegpu::kNotInitialized;
  } else {
    result = body(gpu);
  }
  gpu.journal.Call(function, argument, result);
  return result;
}

int Nothing(FakeGpu&) { return fakegpu::kSuccess; }

const char* ResultName(int result) {
  switch (result) {
    case 0:
      return "CUPTI_SUCCESS";
    case 1:
      return "CUPTI_ERROR_INVALID_PARAMETER";
    case 7:
      return "CUPTI_ERROR_INVALID_OPERATION";
    case 12:
      return "CUPTI_ERROR_MAX_LIMIT_REACHED";
    case 14:
      return "CUPTI_ERROR_NOT_COMPATIBLE";
    case 15:
      return "CUPTI_ERROR_NOT_INITIALIZED";
    case 21:
      return "CUPTI_ERROR_INVALID_KIND";
    case 27:
      return "CUPTI_ERROR_NOT_SUPPORTED";
    case 35:
      return "CUPTI_ERROR_INSUFFICIENT_PRIVILEGES";
    case 39:
      return "CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED";
    case 999:
      return "CUPTI_ERROR_UNKNOWN";
    default:
      return nullptr;
  }
}

}  // namespace

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

FAKE_EXPORT int cuptiGetVersion(uint32_t* version) {
  *version = FakeGpu::Get().personality.version;
  return 0;
}
FAKE_EXPORT int cuptiGetResultString(int result, const char** text) {
  const char* name = ResultName(result);
  if (name == nullptr) return fakegpu::kInvalidParameter;
  *text = name;
  return 0;
}
FAKE_EXPORT int cuptiGetTimestamp(uint64_t* ns) {
  *ns = static_cast<uint64_t>(FakeGpu::Get().clock.DeviceNs());
  return 0;
}
FAKE_EXPORT int cuptiGetCallbackName(int domain, uint32_t id, const char** name) {
  const char* found = fakegpu::CallbackName(domain, id);
  if (found == nullptr) return fakegpu::kInvalidParameter;
  *name = found;
  return 0;
}
FAKE_EXPORT int cuptiActivityGetNextRecord(uint8_t* buffer, size_t valid, void** record) {
  return FakeGpu::Get().NextRecord(buffer, valid, record);
}

FAKE_EXPORT int cuptiActivityRegisterCallbacks(fakegpu::RequestCallback request,
                                               fakegpu::CompleteCallback complete) {
  return Call("cuptiActivityRegisterCallbacks", -1, [&](FakeGpu& gpu) -> int {
    if (request == nullptr || complete == nullptr) return fakegpu::kInvalidParameter;
    gpu.desk.SetCallbacks(request, complete);
    return fakegpu::kSuccess;
  });
}
FAKE_EXPORT int cuptiActivityEnable(uint32_t kind) {
  return Call("cuptiActivityEnable", kind, [&](FakeGpu& gpu) { return gpu.Enable(kind, false); });
}
FAKE_EXPORT int cuptiActivityDisable(uint32_t kind) {
  return Call("cuptiActivityDisable", kind, [&](FakeGpu& gpu) { return gpu.Disable(kind); });
}
FAKE_EXPORT int cuptiActivityFlushAll(uint32_t flag) {
  return Call("cuptiActivityFlushAll", flag, [&](FakeGpu& gpu) { return gpu.FlushAll(flag != 0); });
}
#ifndef FAKECUPTI_INCOMPLETE
FAKE_EXPORT int cuptiActivityGetNumDroppedRecords(const void* context, uint32_t, size_t* dropped) {
  return Call("cuptiActivityGetNumDroppedRecords", -1, [&](FakeGpu& gpu) -> int {
    if (dropped == nullptr) return fakegpu::kInvalidParameter;
    *dropped = gpu.desk.TakeDrops(context);
    return fakegpu::kSuccess;
  });
}
#endif
FAKE_EXPORT int cuptiActivitySetAttribute(uint32_t attribute, size_t* size, void* value) {
  return Call("cuptiActivitySetAttribute", attribute,
              [&](FakeGpu& gpu) { return gpu.session.SetAttribute(attribute, size, value); });
}
FAKE_EXPORT int cuptiActivityGetAttribute(uint32_t attribute, size_t* size, void* value) {
  return Call("cuptiActivityGetAttribute", attribute,
              [&](FakeGpu& gpu) { return gpu.session.GetAttribute(attribute, size, value); });
}
FAKE_EXPORT int cuptiSubscribe(void** handle, fakegpu::ApiCallback callback, void* user) {
  if (handle != nullptr) *handle = nullptr;
  return Call("cuptiSubscribe", -1,
              [&](FakeGpu& gpu) { return gpu.session.Subscribe(handle, callback, user); });
}
FAKE_EXPORT int cuptiUnsubscribe(const void* handle) {
  return Call("cuptiUnsubscribe", -1, [&](FakeGpu& gpu) { return gpu.Unsubscribe(handle); });
}

// Optional, in every release from 11.2 on.
FAKE_EXPORT int cuptiEnableCallback(uint32_t enable, const void* handle, int domain, uint32_t id) {
  return Call("cuptiEnableCallback", id,
              [&](FakeGpu& gpu) { return gpu.session.EnableCallback(enable != 0, handle, domain, id); });
}
FAKE_EXPORT int cuptiSetThreadIdType(int type) {
  return Call("cuptiSetThreadIdType", type, [&](FakeGpu& gpu) { return gpu.session.SetThreadIdType(type); });
}
FAKE_EXPORT int cuptiActivityPushExternalCorrelationId(int kind, uint64_t) {
  return Call("cuptiActivityPushExternalCorrelationId", kind, Nothing);
}
FAKE_EXPORT int cuptiActivityPopExternalCorrelationId(int kind, uint64_t*) {
  return Call("cuptiActivityPopExternalCorrelationId", kind, [](FakeGpu&) { return fakegpu::kQueueEmpty; });
}
FAKE_EXPORT int cuptiActivityFlushPeriod(uint32_t ms) {
  return Call("cuptiActivityFlushPeriod", ms, Nothing);
}
FAKE_EXPORT int cuptiActivityEnableLatencyTimestamps(uint8_t enable) {
  return Call("cuptiActivityEnableLatencyTimestamps", enable, Nothing);
}
FAKE_EXPORT int cuptiActivityRegisterTimestampCallback(uint64_t (*)()) {
  return Call("cuptiActivityRegisterTimestampCallback", -1, [](FakeGpu& gpu) {
    gpu.journal.Violation("a timestamp callback was registered");  // spec section 4: do not
    return fakegpu::kSuccess;
  });
}
FAKE_EXPORT int cuptiGetStreamIdEx(void*, void*, uint8_t, uint32_t* id) {
  *id = 7;
  return 0;
}
FAKE_EXPORT int cuptiFinalize() { return Call("cuptiFinalize", -1, Nothing); }

#if FAKECUPTI_LEVEL >= 1108
FAKE_EXPORT int cuptiActivityEnableAndDump(uint32_t kind) {
  return Call("cuptiActivityEnableAndDump", kind, [&](FakeGpu& gpu) { return gpu.Enable(kind, true); });
}
#endif
#if FAKECUPTI_LEVEL >= 1204
FAKE_EXPORT int cuptiActivityEnableDeviceGraph(uint8_t enable) {
  return Call("cuptiActivityEnableDeviceGraph", enable, Nothing);
}
FAKE_EXPORT int cuptiGetErrorMessage(int result, const char** text) {
  return cuptiGetResultString(result, text);
}
#endif
#if FAKECUPTI_LEVEL >= 1300
FAKE_EXPORT int cuptiActivityEnableRuntimeApi(uint32_t id, uint8_t enable) {
  return Call("cuptiActivityEnableRuntimeApi", id,
              [&](FakeGpu& gpu) { return gpu.session.FilterApi(fakegpu::kRuntimeDomain, id, enable != 0); });
}
FAKE_EXPORT int cuptiActivityEnableDriverApi(uint32_t id, uint8_t enable) {
  return Call("cuptiActivityEnableDriverApi", id,
              [&](FakeGpu& gpu) { return gpu.session.FilterApi(fakegpu::kDriverDomain, id, enable != 0); });
}
FAKE_EXPORT int cuptiActivityEnableHWTrace(uint8_t enable) {
  return Call("cuptiActivityEnableHWTrace", enable, Nothing);
}
FAKE_EXPORT int cuptiActivityEnableAllSyncRecords(uint8_t enable) {
  return Call("cuptiActivityEnableAllSyncRecords", enable, Nothing);
}
FAKE_EXPORT int cuptiActivityEnableCudaEventDeviceTimestamps(uint8_t enable) {
  return Call("cuptiActivityEnableCudaEventDeviceTimestamps", enable, Nothing);
}
FAKE_EXPORT int cuptiActivityEnableAllocationSource(uint8_t enable) {
  return Call("cuptiActivityEnableAllocationSource", enable, Nothing);
}
// Tells the name of the tool that is in the way.
struct SubscriberParameters {
  size_t size;
  const char* name;
  char* holder;
  size_t holder_bytes;
};
FAKE_EXPORT int cuptiSubscribe_v2(void** handle, fakegpu::ApiCallback callback, void* user,
                                  SubscriberParameters* parameters) {
  if (handle != nullptr) *handle = nullptr;
  return Call("cuptiSubscribe_v2", -1, [&](FakeGpu& gpu) -> int {
    if (parameters == nullptr || parameters->size != sizeof(SubscriberParameters))
      return fakegpu::kInvalidParameter;
    const std::string holder = gpu.session.Holder();
    if (parameters->holder != nullptr && parameters->holder_bytes > 0) {
      const size_t bytes = std::min(holder.size(), parameters->holder_bytes - 1);
      std::memcpy(parameters->holder, holder.c_str(), bytes);
      parameters->holder[bytes] = '\0';
    }
    return gpu.session.Subscribe(handle, callback, user);
  });
}
#endif
