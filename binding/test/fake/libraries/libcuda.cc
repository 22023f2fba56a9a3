// The entry points of the driver library that a profiler may ask. Failures:
// FAKECUDA_ERRORS="cuInit=100" (no device), "cuInit=803", "cuInit=999",
// "cuda-all=34" (a stub); FAKECUDA_DRIVER=10020 is too old.
#include <cstdio>
#include <cstring>

#include "../fake_gpu.h"

using fakegpu::FakeGpu;

namespace {

constexpr int kInvalidValue = 1, kNotInitialized = 3, kInvalidContext = 201, kInvalidDevice = 101;

thread_local const void* t_context = nullptr;
std::atomic<bool> g_is_initialised{false};

template <typename Body>
int Call(const char* function, int64_t argument, bool needs_init, Body body) {
  FakeGpu& gpu = FakeGpu::Get();
  int result;
  if (fakegpu::InBufferCallback()) {
    gpu.journal.Violation(std::string(function) + " called inside a buffer callback");
    result = kInvalidValue;
  } else if (const auto planned = gpu.errors.Check(function, argument, gpu.personality)) {
    result = *planned;
  } else if (needs_init && !g_is_initialised) {
    result = kNotInitialized;
  } else {
    result = body(gpu);
  }
  gpu.journal.Call(function, argument, result);
  return result;
}

bool HasDevice(FakeGpu& gpu, int device) {
  return device >= 0 && static_cast<uint32_t>(device) < gpu.world.DeviceCount();
}

}  // namespace

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

FAKE_EXPORT int cuInit(unsigned) {
  return Call("cuInit", -1, false, [](FakeGpu& gpu) {
    if (gpu.world.DeviceCount() == 0) return 100;
    g_is_initialised = true;
    return 0;
  });
}
FAKE_EXPORT int cuDriverGetVersion(int* version) {
  return Call("cuDriverGetVersion", -1, false, [&](FakeGpu& gpu) {
    *version = gpu.driver_version;
    return 0;
  });
}
FAKE_EXPORT int cuDeviceGetCount(int* count) {
  return Call("cuDeviceGetCount", -1, true, [&](FakeGpu& gpu) {
    *count = static_cast<int>(gpu.world.DeviceCount());
    return 0;
  });
}
FAKE_EXPORT int cuDeviceGet(int* device, int ordinal) {
  return Call("cuDeviceGet", ordinal, true, [&](FakeGpu& gpu) {
    if (!HasDevice(gpu, ordinal)) return kInvalidDevice;
    *device = ordinal;
    return 0;
  });
}
FAKE_EXPORT int cuDeviceGetName(char* name, int bytes, int device) {
  return Call("cuDeviceGetName", device, true, [&](FakeGpu& gpu) {
    if (!HasDevice(gpu, device)) return kInvalidDevice;
    const char* text = gpu.world.Device(static_cast<uint32_t>(device)).name;
    std::snprintf(name, static_cast<size_t>(bytes), "%s", text == nullptr ? "Fake H200" : text);
    return 0;
  });
}
FAKE_EXPORT int cuDeviceGetUuid_v2(uint8_t* uuid, int device) {
  return Call("cuDeviceGetUuid_v2", device, true, [&](FakeGpu& gpu) {
    if (!HasDevice(gpu, device)) return kInvalidDevice;
    std::memcpy(uuid, gpu.world.Device(static_cast<uint32_t>(device)).uuid, 16);
    return 0;
  });
}
FAKE_EXPORT int cuDeviceGetUuid(uint8_t* uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }
FAKE_EXPORT int cuDeviceTotalMem_v2(size_t* bytes, int device) {
  return Call("cuDeviceTotalMem_v2", device, true, [&](FakeGpu& gpu) {
    if (!HasDevice(gpu, device)) return kInvalidDevice;
    *bytes = gpu.world.Device(static_cast<uint32_t>(device)).memory_bytes;
    return 0;
  });
}
FAKE_EXPORT int cuDeviceGetAttribute(int* value, int attribute, int device) {
  return Call("cuDeviceGetAttribute", attribute, true, [&](FakeGpu& gpu) {
    if (!HasDevice(gpu, device)) return kInvalidDevice;
    const fakegpu::DeviceFields fields = gpu.world.Device(static_cast<uint32_t>(device));
    switch (attribute) {
      case 16:
        *value = static_cast<int>(fields.multiprocessors);
        return 0;
      case 13:
        *value = static_cast<int>(fields.clock_khz);
        return 0;
      case 40:
        *value = static_cast<int>(fields.copy_engines);
        return 0;
      case 75:
        *value = static_cast<int>(fields.major);
        return 0;
      case 76:
        *value = static_cast<int>(fields.minor);
        return 0;
      case 111:
        *value = 1024;
        return 0;  // shared memory that the driver keeps per block
      default:
        return kInvalidValue;
    }
  });
}

FAKE_EXPORT int cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* is_active) {
  return Call("cuDevicePrimaryCtxGetState", device, true, [&](FakeGpu& gpu) {
    if (!HasDevice(gpu, device)) return kInvalidDevice;
    *flags = 0;
    *is_active = gpu.world.PrimaryContext(static_cast<uint32_t>(device)) != nullptr;
    return 0;
  });
}
FAKE_EXPORT int cuDevicePrimaryCtxRetain(const void** context, int device) {
  return Call("cuDevicePrimaryCtxRetain", device, true, [&](FakeGpu& gpu) {
    if (!HasDevice(gpu, device)) return kInvalidDevice;
    const auto id = static_cast<uint32_t>(device);
    if (gpu.world.PrimaryContext(id) == nullptr) {
      // The real one makes the context, which costs seconds and memory.
      gpu.journal.Violation("a primary context was created by asking for it");
      gpu.world.AddContext(id + 1, id, 7);
    }
    *context = gpu.world.PrimaryContext(id);
    return 0;
  });
}
FAKE_EXPORT int cuDevicePrimaryCtxRelease_v2(int device) {
  return Call("cuDevicePrimaryCtxRelease_v2", device, true, [](FakeGpu&) { return 0; });
}
FAKE_EXPORT int cuDevicePrimaryCtxRelease(int device) { return cuDevicePrimaryCtxRelease_v2(device); }

FAKE_EXPORT int cuCtxGetCurrent(const void** context) {
  return Call("cuCtxGetCurrent", -1, true, [&](FakeGpu&) {
    *context = t_context;
    return 0;
  });
}
FAKE_EXPORT int cuCtxSetCurrent(const void* context) {
  return Call("cuCtxSetCurrent", -1, true, [&](FakeGpu& gpu) {
    if (context != nullptr && gpu.world.ContextOf(context) == nullptr) return kInvalidContext;
    t_context = context;
    return 0;
  });
}
FAKE_EXPORT int cuCtxPushCurrent_v2(const void* context) {
  return Call("cuCtxPushCurrent_v2", -1, true, [&](FakeGpu& gpu) {
    if (gpu.world.ContextOf(context) == nullptr) return kInvalidContext;
    t_context = context;
    return 0;
  });
}
FAKE_EXPORT int cuCtxPopCurrent_v2(const void** context) {
  return Call("cuCtxPopCurrent_v2", -1, true, [&](FakeGpu&) {
    if (context != nullptr) *context = t_context;
    t_context = nullptr;
    return 0;
  });
}
FAKE_EXPORT int cuCtxSynchronize() {
  return Call("cuCtxSynchronize", -1, true, [](FakeGpu& gpu) {
    const fakegpu::FakeContext* context = gpu.world.ContextOf(t_context);
    if (context == nullptr) return kInvalidContext;
    gpu.Synchronize(context->id);
    return 0;
  });
}
FAKE_EXPORT int cuGetErrorName(int error, const char** name) {
  *name = error == 0 ? "CUDA_SUCCESS" : "CUDA_ERROR";
  return 0;
}
FAKE_EXPORT int cuGetErrorString(int error, const char** text) { return cuGetErrorName(error, text); }
