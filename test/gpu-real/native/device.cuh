// What the entry points of the suite's kernels share: how a failure is told, and streams, memory and driver
// functions that are made once. Entry points return 0 or CUDA's error code; gs_error() has the sentence.
// Everything may be called from several threads at once, except where an entry point says otherwise.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <string>

#define GS_EXPORT extern "C" __attribute__((visibility("default")))

namespace gs {

// Remembers the sentence for gs_error() of this thread; returns the code.
int Fail(int code, const char* what);

#define GS_TRY(call)                                                                                 \
  do {                                                                                               \
    if (const int gs_code = static_cast<int>(call); gs_code != 0) return ::gs::Fail(gs_code, #call); \
  } while (0)

constexpr int kStreams = 8;
// 0: the legacy default stream. 1 to 8: streams that do not wait for it. Null when it cannot be made.
cudaStream_t Stream(int index);

// A function of the driver by its name, so that nothing links against libcuda. Null where there is none.
void* DriverFunction(const char* name);

// Numbers of CUPTI's memory kinds.
enum Memory : int { kPageable = 1, kPinned = 2, kDevice = 3, kManaged = 5 };
// One block for each kind and slot, kept until a larger one is asked for. One thread at a time.
int Block(int memory, int slot, size_t bytes, void** block);

// CLOCK_MONOTONIC.
int64_t HostNs();

__device__ inline unsigned long long GlobalNs() {
  unsigned long long ns;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
  return ns;
}

}  // namespace gs
