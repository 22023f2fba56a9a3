// Kernels whose number and length are known without any profiler.
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "device.cuh"

using gs::Stream;

// Busy for `ns` of the GPU's own timer; tells how long it really was, which its record cannot be shorter
// than.
extern "C" __global__ void gs_spin_kernel(unsigned long long ns, float* inside_us) {
  const unsigned long long begin = gs::GlobalNs();
  unsigned long long now = begin;
  while (now - begin < ns) now = gs::GlobalNs();
  if (inside_us != nullptr) *inside_us = static_cast<float>(now - begin) / 1000.0f;
}

// One kernel for each form of launch, so that each is counted by its name.
extern "C" __global__ void gs_empty_runtime() {}
extern "C" __global__ void gs_empty_plain() {}
extern "C" __global__ void gs_empty_ex() {}
extern "C" __global__ void gs_empty_driver() {}
extern "C" __global__ void gs_empty_driver_ex() {}
extern "C" __global__ void gs_empty_cooperative() {}

namespace {

enum Form : int { kRuntime, kPlain, kEx, kDriver, kDriverEx, kCooperative };

using LaunchKernel = CUresult (*)(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                                  unsigned, CUstream, void**, void**);
using LaunchKernelEx = CUresult (*)(const CUlaunchConfig*, CUfunction, void**, void**);

CUfunction FunctionOf(const void* symbol) {
  cudaFunction_t function = nullptr;
  if (cudaGetFuncBySymbol(&function, symbol) != cudaSuccess) return nullptr;
  return reinterpret_cast<CUfunction>(function);
}

int LaunchOne(int form, cudaStream_t stream) {
  static const auto launch_kernel = reinterpret_cast<LaunchKernel>(gs::DriverFunction("cuLaunchKernel"));
  static const auto launch_kernel_ex =
      reinterpret_cast<LaunchKernelEx>(gs::DriverFunction("cuLaunchKernelEx"));
  static const CUfunction driver = FunctionOf(reinterpret_cast<const void*>(&gs_empty_driver));
  static const CUfunction driver_ex = FunctionOf(reinterpret_cast<const void*>(&gs_empty_driver_ex));
  switch (form) {
    case kRuntime:
      gs_empty_runtime<<<1, 32, 0, stream>>>();
      return cudaPeekAtLastError();
    case kPlain:
      return cudaLaunchKernel(reinterpret_cast<const void*>(&gs_empty_plain), dim3(1), dim3(32), nullptr, 0,
                              stream);
    case kEx: {
      cudaLaunchConfig_t config = {};
      config.gridDim = dim3(1);
      config.blockDim = dim3(32);
      config.stream = stream;
      return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(&gs_empty_ex), nullptr);
    }
    case kDriver:
      if (launch_kernel == nullptr || driver == nullptr) return cudaErrorNotSupported;
      return launch_kernel(driver, 1, 1, 1, 32, 1, 1, 0, reinterpret_cast<CUstream>(stream), nullptr,
                           nullptr);
    case kDriverEx: {
      if (launch_kernel_ex == nullptr || driver_ex == nullptr) return cudaErrorNotSupported;
      CUlaunchConfig config = {};
      config.gridDimX = config.gridDimY = config.gridDimZ = 1;
      config.blockDimX = 32;
      config.blockDimY = config.blockDimZ = 1;
      config.hStream = reinterpret_cast<CUstream>(stream);
      return launch_kernel_ex(&config, driver_ex, nullptr, nullptr);
    }
    case kCooperative:
      return cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(&gs_empty_cooperative), dim3(1),
                                         dim3(32), nullptr, 0, stream);
    default:
      return cudaErrorInvalidValue;
  }
}

// More launches than this in flight, and the next one waits for the GPU instead of costing what a launch
// costs.
constexpr int kBatch = 256;

int CostOf(int form, int count, int stream, double* total_ns) {
  *total_ns = 0;
  for (int done = 0; done < count; done += kBatch) {
    const int batch = std::min(kBatch, count - done);
    const int64_t begin = gs::HostNs();
    for (int i = 0; i < batch; ++i) GS_TRY(LaunchOne(form, Stream(stream)));
    *total_ns += static_cast<double>(gs::HostNs() - begin);
    GS_TRY(cudaStreamSynchronize(Stream(stream)));
  }
  return 0;
}

class EventPairs {
 public:
  explicit EventPairs(int count) : events_(2 * static_cast<size_t>(count)) {
    for (cudaEvent_t& event : events_) cudaEventCreate(&event);
  }
  ~EventPairs() {
    for (const cudaEvent_t event : events_) cudaEventDestroy(event);
  }
  EventPairs(const EventPairs&) = delete;
  EventPairs& operator=(const EventPairs&) = delete;
  cudaEvent_t begin(int i) const { return events_[2 * static_cast<size_t>(i)]; }
  cudaEvent_t end(int i) const { return events_[2 * static_cast<size_t>(i) + 1]; }

 private:
  std::vector<cudaEvent_t> events_;
};

}  // namespace

// `count` spins of `us`, each between two events whose distance goes to event_us; how long each really was
// goes to inside_us. Waits for the end. Null arrays: no events, no waiting.
GS_EXPORT int gs_spin(double us, int count, int stream, float* event_us, float* inside_us) {
  const auto ns = static_cast<unsigned long long>(us * 1000.0);
  const cudaStream_t on = Stream(stream);
  if (event_us == nullptr || inside_us == nullptr) {
    for (int i = 0; i < count; ++i) gs_spin_kernel<<<1, 1, 0, on>>>(ns, nullptr);
    GS_TRY(cudaPeekAtLastError());
    return 0;
  }
  // Mapped host memory: reading it is no copy, which a recording would hold.
  float* inside = nullptr;
  GS_TRY(cudaHostAlloc(&inside, sizeof(float) * static_cast<size_t>(count), cudaHostAllocMapped));
  {
    const EventPairs events(count);
    for (int i = 0; i < count; ++i) {
      GS_TRY(cudaEventRecord(events.begin(i), on));
      gs_spin_kernel<<<1, 1, 0, on>>>(ns, inside + i);
      GS_TRY(cudaPeekAtLastError());
      GS_TRY(cudaEventRecord(events.end(i), on));
    }
    GS_TRY(cudaStreamSynchronize(on));
    for (int i = 0; i < count; ++i) {
      float ms = 0;
      GS_TRY(cudaEventElapsedTime(&ms, events.begin(i), events.end(i)));
      event_us[i] = ms * 1000.0f;
      inside_us[i] = inside[i];
    }
  }
  GS_TRY(cudaFreeHost(inside));
  return 0;
}

// Spins on streams 1 to `streams`, in turn, so that they run at the same time. Does not wait.
GS_EXPORT int gs_spin_streams(double us, int count, int streams) {
  const auto ns = static_cast<unsigned long long>(us * 1000.0);
  for (int i = 0; i < count; ++i) {
    for (int stream = 1; stream <= streams; ++stream)
      gs_spin_kernel<<<1, 1, 0, Stream(stream)>>>(ns, nullptr);
  }
  GS_TRY(cudaPeekAtLastError());
  return 0;
}

// The distance of two events with nothing in between: what events add to a kernel.
GS_EXPORT int gs_event_pairs(int count, float* us) {
  const EventPairs events(count);
  for (int i = 0; i < count; ++i) {
    GS_TRY(cudaEventRecord(events.begin(i), Stream(1)));
    GS_TRY(cudaEventRecord(events.end(i), Stream(1)));
  }
  GS_TRY(cudaStreamSynchronize(Stream(1)));
  for (int i = 0; i < count; ++i) {
    float ms = 0;
    GS_TRY(cudaEventElapsedTime(&ms, events.begin(i), events.end(i)));
    us[i] = ms * 1000.0f;
  }
  return 0;
}

// Empty kernels, one after the other, without waiting for them.
GS_EXPORT int gs_launch(int form, int count, int stream) {
  for (int i = 0; i < count; ++i) GS_TRY(LaunchOne(form, Stream(stream)));
  return 0;
}

// Empty kernels, each waited for: its record lies between the call that launched it and the one that waited.
GS_EXPORT int gs_launch_and_wait(int count) {
  for (int i = 0; i < count; ++i) {
    GS_TRY(LaunchOne(kRuntime, Stream(1)));
    GS_TRY(cudaStreamSynchronize(Stream(1)));
  }
  return 0;
}

// What a launch costs the thread that makes it: the mean over all threads, each on a stream of its own.
// Waiting for the GPU is not counted.
GS_EXPORT int gs_launch_cost(int form, int count, int threads, double* ns_per_launch) {
  if (threads < 1 || threads > gs::kStreams) return gs::Fail(cudaErrorInvalidValue, "threads");
  const int each = count / threads;
  std::vector<double> totals(static_cast<size_t>(threads));
  std::atomic<int> code{0};
  if (threads == 1) {
    GS_TRY(CostOf(form, each, 1, &totals[0]));
  } else {
    std::vector<std::thread> running;
    for (int thread = 0; thread < threads; ++thread) {
      running.emplace_back([&, thread] {
        if (const int failed = CostOf(form, each, thread + 1, &totals[static_cast<size_t>(thread)]))
          code = failed;
      });
    }
    for (std::thread& thread : running) thread.join();
    GS_TRY(code.load());
  }
  double total = 0;
  for (const double ns : totals) total += ns;
  *ns_per_launch = total / (static_cast<double>(each) * threads);
  return 0;
}

// As one gs_spin without events, from threads that opscope has never seen.
GS_EXPORT int gs_thread_spin(double us, int count, int threads) {
  std::atomic<int> code{0};
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      pthread_setname_np(pthread_self(), "gs-launcher");
      if (const int failed = gs_spin(us, count, thread + 1, nullptr, nullptr)) code = failed;
    });
  }
  for (std::thread& thread : running) thread.join();
  GS_TRY(code.load());
  return 0;
}
