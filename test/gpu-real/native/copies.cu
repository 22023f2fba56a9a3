// Copies and fills whose bytes, direction and memory are known by construction.
#include <vector>

#include "device.cuh"

GS_EXPORT int gs_spin(double us, int count, int stream, float* event_us, float* inside_us);

using gs::Block;
using gs::Stream;

namespace {

__device__ unsigned char gs_symbol[65536];

using SetD16 = CUresult (*)(CUdeviceptr, unsigned short, size_t);
using SetD32 = CUresult (*)(CUdeviceptr, unsigned, size_t);

cudaMemcpy3DParms BoxOf(void* from, void* to, cudaMemcpyKind kind) {
  cudaMemcpy3DParms box = {};
  box.srcPtr = make_cudaPitchedPtr(from, 256, 256, 16);
  box.dstPtr = make_cudaPitchedPtr(to, 256, 256, 16);
  box.extent = make_cudaExtent(200, 16, 4);
  box.kind = kind;
  return box;
}

}  // namespace

// Memory of these kinds is at hand from here on, so that a recording holds no allocation. One thread at a
// time, as are all entry points of this file.
GS_EXPORT int gs_copy_prepare(unsigned long long bytes, int with_managed) {
  void* block = nullptr;
  for (const int memory : {gs::kPageable, gs::kPinned, gs::kDevice, gs::kManaged}) {
    if (memory == gs::kManaged && with_managed == 0) continue;
    for (int slot = 0; slot < 2; ++slot) GS_TRY(Block(memory, slot, bytes, &block));
  }
  return 0;
}

// One copy; kind is cudaMemcpyKind (4: default). host_ns: how long the call kept the host. Waits for the
// copy.
GS_EXPORT int gs_copy(int kind, int from, int to, int is_async, unsigned long long bytes, double* host_ns) {
  void *source = nullptr, *target = nullptr;
  GS_TRY(Block(from, 0, bytes, &source));
  GS_TRY(Block(to, 1, bytes, &target));
  const auto direction = static_cast<cudaMemcpyKind>(kind);
  const int64_t begin = gs::HostNs();
  if (is_async != 0) {
    GS_TRY(cudaMemcpyAsync(target, source, bytes, direction, Stream(1)));
  } else {
    GS_TRY(cudaMemcpy(target, source, bytes, direction));
  }
  *host_ns = static_cast<double>(gs::HostNs() - begin);
  GS_TRY(cudaDeviceSynchronize());
  return 0;
}

// Copies that are no plain block. which: 0 2D, 1 2D async, 2 3D, 3 3D async, 4 to a symbol, 5 from a symbol,
// 6 a batch of three. bytes: how many it moves. 801: this CUDA has none.
GS_EXPORT int gs_copy_shape(int which, unsigned long long* bytes) {
  void *host = nullptr, *device = nullptr;
  GS_TRY(Block(gs::kPinned, 0, 65536, &host));
  GS_TRY(Block(gs::kDevice, 1, 65536, &device));
  *bytes = 200 * 64;
  switch (which) {
    case 0:
      GS_TRY(cudaMemcpy2D(device, 256, host, 256, 200, 64, cudaMemcpyHostToDevice));
      break;
    case 1:
      GS_TRY(cudaMemcpy2DAsync(device, 256, host, 256, 200, 64, cudaMemcpyHostToDevice, Stream(1)));
      break;
    case 2:
    case 3: {
      const cudaMemcpy3DParms box = BoxOf(host, device, cudaMemcpyHostToDevice);
      if (which == 2) {
        GS_TRY(cudaMemcpy3D(&box));
      } else {
        GS_TRY(cudaMemcpy3DAsync(&box, Stream(1)));
      }
      break;
    }
    case 4:
      *bytes = 40000;
      GS_TRY(cudaMemcpyToSymbol(gs_symbol, host, 40000));
      break;
    case 5:
      *bytes = 40000;
      GS_TRY(cudaMemcpyFromSymbol(host, gs_symbol, 40000));
      break;
    case 6: {
#if CUDART_VERSION >= 13000
      const void* sources[3];
      void* targets[3];
      size_t sizes[3] = {1000, 2000, 3000};
      for (int i = 0; i < 3; ++i) {
        sources[i] = static_cast<char*>(host) + 8192 * i;
        targets[i] = static_cast<char*>(device) + 8192 * i;
      }
      cudaMemcpyAttributes attributes = {};
      attributes.srcAccessOrder = cudaMemcpySrcAccessOrderStream;
      size_t first = 0;
      *bytes = 6000;
      GS_TRY(cudaMemcpyBatchAsync(targets, sources, sizes, 3, &attributes, &first, 1, Stream(1)));
      break;
#else
      return gs::Fail(cudaErrorNotSupported, "cudaMemcpyBatchAsync needs CUDA 13");
#endif
    }
    default:
      return gs::Fail(cudaErrorInvalidValue, "no such copy");
  }
  GS_TRY(cudaDeviceSynchronize());
  return 0;
}

// Fills `bytes` of device memory by elements of 1, 2 or 4 bytes. Waits.
GS_EXPORT int gs_fill(int width, int is_async, unsigned long long bytes) {
  static const auto set_d16 = reinterpret_cast<SetD16>(gs::DriverFunction("cuMemsetD16"));
  static const auto set_d32 = reinterpret_cast<SetD32>(gs::DriverFunction("cuMemsetD32"));
  void* device = nullptr;
  GS_TRY(Block(gs::kDevice, 1, bytes, &device));
  const auto address = reinterpret_cast<CUdeviceptr>(device);
  if (width == 1 && is_async != 0) {
    GS_TRY(cudaMemsetAsync(device, 7, bytes, Stream(1)));
  } else if (width == 1) {
    GS_TRY(cudaMemset(device, 7, bytes));
  } else if (width == 2 && set_d16 != nullptr) {
    GS_TRY(set_d16(address, 0x0707, bytes / 2));
  } else if (width == 4 && set_d32 != nullptr) {
    GS_TRY(set_d32(address, 0x07070707u, bytes / 4));
  } else {
    return gs::Fail(cudaErrorNotSupported, "no such fill");
  }
  GS_TRY(cudaDeviceSynchronize());
  return 0;
}

// `repeat` async copies of one direction, and the time that two events around each say it took.
GS_EXPORT int gs_timed_copies(int kind, int from, int to, unsigned long long bytes, int repeat,
                              float* event_us) {
  void *source = nullptr, *target = nullptr;
  GS_TRY(Block(from, 0, bytes, &source));
  GS_TRY(Block(to, 1, bytes, &target));
  cudaEvent_t begin = nullptr, end = nullptr;
  GS_TRY(cudaEventCreate(&begin));
  GS_TRY(cudaEventCreate(&end));
  for (int i = 0; i < repeat; ++i) {
    GS_TRY(cudaEventRecord(begin, Stream(1)));
    GS_TRY(cudaMemcpyAsync(target, source, bytes, static_cast<cudaMemcpyKind>(kind), Stream(1)));
    GS_TRY(cudaEventRecord(end, Stream(1)));
    GS_TRY(cudaStreamSynchronize(Stream(1)));
    float ms = 0;
    GS_TRY(cudaEventElapsedTime(&ms, begin, end));
    event_us[i] = ms * 1000.0f;
  }
  GS_TRY(cudaEventDestroy(begin));
  GS_TRY(cudaEventDestroy(end));
  return 0;
}

// A copy from pinned memory that runs while a spin of `us` does. Waits.
GS_EXPORT int gs_copy_beside_spin(double us, unsigned long long bytes) {
  void *source = nullptr, *target = nullptr;
  GS_TRY(Block(gs::kPinned, 0, bytes, &source));
  GS_TRY(Block(gs::kDevice, 1, bytes, &target));
  GS_TRY(gs_spin(us, 1, 2, nullptr, nullptr));
  GS_TRY(cudaMemcpyAsync(target, source, bytes, cudaMemcpyHostToDevice, Stream(1)));
  GS_TRY(cudaDeviceSynchronize());
  return 0;
}

// `count` allocations of `bytes` each, of which the first `released` are given back while the others live.
GS_EXPORT int gs_allocate(int count, int released, unsigned long long bytes) {
  std::vector<void*> blocks(static_cast<size_t>(count));
  for (void*& block : blocks) GS_TRY(cudaMalloc(&block, bytes));
  for (int i = 0; i < released; ++i) GS_TRY(cudaFree(blocks[static_cast<size_t>(i)]));
  return 0;
}

// `count` copies from GPU 0 to GPU 1. Waits; GPU 0 is current again.
GS_EXPORT int gs_peer_copies(unsigned long long bytes, int count) {
  void *source = nullptr, *target = nullptr;
  GS_TRY(cudaSetDevice(0));
  GS_TRY(cudaMalloc(&source, bytes));
  GS_TRY(cudaSetDevice(1));
  GS_TRY(cudaMalloc(&target, bytes));
  GS_TRY(cudaSetDevice(0));
  int can_reach = 0;
  GS_TRY(cudaDeviceCanAccessPeer(&can_reach, 0, 1));
  if (can_reach != 0) cudaDeviceEnablePeerAccess(1, 0);
  for (int i = 0; i < count; ++i) GS_TRY(cudaMemcpyPeerAsync(target, 1, source, 0, bytes, Stream(1)));
  GS_TRY(cudaStreamSynchronize(Stream(1)));
  GS_TRY(cudaFree(source));
  GS_TRY(cudaFree(target));
  return 0;
}
