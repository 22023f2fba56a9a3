#include <time.h>

#include <cstdlib>
#include <cstring>
#include <mutex>

#include "device.cuh"

namespace gs {
namespace {

thread_local std::string t_error;

}  // namespace

int Fail(int code, const char* what) {
  t_error = std::string(what) + ": " + cudaGetErrorString(static_cast<cudaError_t>(code));
  return code;
}

cudaStream_t Stream(int index) {
  static std::mutex mutex;
  static cudaStream_t streams[kStreams + 1] = {};
  if (index <= 0 || index > kStreams) return nullptr;
  const std::lock_guard<std::mutex> lock(mutex);
  if (streams[index] == nullptr) cudaStreamCreateWithFlags(&streams[index], cudaStreamNonBlocking);
  return streams[index];
}

void* DriverFunction(const char* name) {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found;
#if CUDART_VERSION >= 12050
  const cudaError_t error =
      cudaGetDriverEntryPointByVersion(name, &function, 12000, cudaEnableDefault, &found);
#else
  const cudaError_t error = cudaGetDriverEntryPoint(name, &function, cudaEnableDefault, &found);
#endif
  return error == cudaSuccess && found == cudaDriverEntryPointSuccess ? function : nullptr;
}

int Block(int memory, int slot, size_t bytes, void** block) {
  struct Kept {
    void* memory = nullptr;
    size_t bytes = 0;
  };
  static Kept kept[8][2];
  Kept& own = kept[memory & 7][slot & 1];
  if (own.bytes < bytes) {
    // Smaller ones are left behind: freeing waits for the device, and a run asks for few sizes.
    switch (memory) {
      case kPageable:
        own.memory = std::malloc(bytes);
        if (own.memory == nullptr) return Fail(cudaErrorMemoryAllocation, "malloc");
        std::memset(own.memory, 1, bytes);  // really there, so that no copy pays for the first touch
        break;
      case kPinned:
        GS_TRY(cudaMallocHost(&own.memory, bytes));
        break;
      case kDevice:
        GS_TRY(cudaMalloc(&own.memory, bytes));
        break;
      case kManaged:
        GS_TRY(cudaMallocManaged(&own.memory, bytes));
        std::memset(own.memory, 1, bytes);
        break;
      default:
        return Fail(cudaErrorInvalidValue, "no such kind of memory");
    }
    own.bytes = bytes;
  }
  *block = own.memory;
  return 0;
}

int64_t HostNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace gs

// Of this thread; valid until its next failure.
GS_EXPORT const char* gs_error() { return gs::t_error.c_str(); }

// Makes the context and the streams, so that no test pays for them. 100: no GPU.
GS_EXPORT int gs_open() {
  int count = 0;
  GS_TRY(cudaGetDeviceCount(&count));
  if (count == 0) return gs::Fail(cudaErrorNoDevice, "cudaGetDeviceCount");
  GS_TRY(cudaSetDevice(0));
  GS_TRY(cudaFree(nullptr));
  for (int stream = 1; stream <= gs::kStreams; ++stream) {
    if (gs::Stream(stream) == nullptr) return gs::Fail(cudaErrorUnknown, "cudaStreamCreateWithFlags");
  }
  return 0;
}

// values: devices, driver, runtime, compute major, minor, multiprocessors, threads and blocks per
// multiprocessor, shared bytes and registers per multiprocessor, memory in MiB.
GS_EXPORT int gs_device(char* name, int name_bytes, int* values) {
  cudaDeviceProp properties;
  GS_TRY(cudaGetDeviceProperties(&properties, 0));
  std::strncpy(name, properties.name, static_cast<size_t>(name_bytes) - 1);
  name[name_bytes - 1] = '\0';
  GS_TRY(cudaGetDeviceCount(&values[0]));
  GS_TRY(cudaDriverGetVersion(&values[1]));
  GS_TRY(cudaRuntimeGetVersion(&values[2]));
  values[3] = properties.major;
  values[4] = properties.minor;
  values[5] = properties.multiProcessorCount;
  values[6] = properties.maxThreadsPerMultiProcessor;
  values[7] = properties.maxBlocksPerMultiProcessor;
  values[8] = static_cast<int>(properties.sharedMemPerMultiprocessor);
  values[9] = properties.regsPerMultiprocessor;
  values[10] = static_cast<int>(properties.totalGlobalMem >> 20);
  return 0;
}

GS_EXPORT int gs_sync() {
  GS_TRY(cudaDeviceSynchronize());
  return 0;
}
