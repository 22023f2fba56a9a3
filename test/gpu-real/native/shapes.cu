// Twenty kernels of different appetite, and what CUDA itself says fits on a multiprocessor.
#include <type_traits>

#include "device.cuh"

namespace {

constexpr int kShapes = 20;
// Threads of a block, dynamic shared bytes, static shared bytes.
struct Shape {
  int block, dynamic_shared, static_shared;
};
constexpr Shape kShape[kShapes] = {{32, 0, 0},         {64, 0, 0},       {96, 0, 0},      {128, 0, 0},
                                   {256, 0, 0},        {512, 0, 0},      {1000, 0, 0},    {1024, 0, 0},
                                   {128, 1024, 0},     {128, 8192, 0},   {128, 40000, 0}, {256, 16384, 1024},
                                   {256, 30000, 4096}, {64, 100, 12288}, {32, 48000, 0},  {512, 24000, 0},
                                   {192, 5000, 2048},  {768, 0, 16384},  {33, 0, 0},      {1024, 48000, 0}};

}  // namespace

// Registers grow with the shape: each of `live` values is needed until the end.
template <int kShapeIndex>
__global__ void __launch_bounds__(kShape[kShapeIndex].block) gs_shape(float* out, int count) {
  constexpr int kStatic = kShape[kShapeIndex].static_shared;
  __shared__ float own[kStatic / 4 + 1];
  extern __shared__ float given[];
  constexpr int kLive = 4 + 3 * (kShapeIndex % 8);
  float live[kLive];
#pragma unroll
  for (int i = 0; i < kLive; ++i) live[i] = static_cast<float>(threadIdx.x * (i + 1));
  for (int round = 0; round < count; ++round) {
#pragma unroll
    for (int i = 0; i < kLive; ++i) live[i] = live[i] * live[(i + 1) % kLive] + out[round];
  }
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kLive; ++i) sum += live[i];
  if (kStatic > 0) own[threadIdx.x % (kStatic / 4 + 1)] = sum;
  if (kShape[kShapeIndex].dynamic_shared > 0) given[threadIdx.x % 16] = sum;
  __syncthreads();
  if (count < 0) out[threadIdx.x] = sum + (kStatic > 0 ? own[0] : 0.0f);
}

namespace {

// values: threads of a block, dynamic and static shared bytes, registers, blocks per multiprocessor, threads
// per multiprocessor at most.
template <int kShapeIndex>
int Run(int* values) {
  const auto kernel = reinterpret_cast<const void*>(&gs_shape<kShapeIndex>);
  constexpr Shape shape = kShape[kShapeIndex];
  void* out = nullptr;
  GS_TRY(gs::Block(gs::kDevice, 0, 65536, &out));
  cudaFuncAttributes attributes;
  GS_TRY(cudaFuncGetAttributes(&attributes, kernel));
  values[0] = shape.block;
  values[1] = shape.dynamic_shared;
  values[2] = static_cast<int>(attributes.sharedSizeBytes);
  values[3] = attributes.numRegs;
  GS_TRY(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&values[4], kernel, shape.block,
                                                       static_cast<size_t>(shape.dynamic_shared)));
  GS_TRY(cudaDeviceGetAttribute(&values[5], cudaDevAttrMaxThreadsPerMultiProcessor, 0));
  gs_shape<kShapeIndex><<<2048, shape.block, static_cast<size_t>(shape.dynamic_shared), gs::Stream(1)>>>(
      static_cast<float*>(out), 1);
  GS_TRY(cudaPeekAtLastError());
  GS_TRY(cudaStreamSynchronize(gs::Stream(1)));
  return 0;
}

template <int kShapeIndex>
int RunAt(int index, int* values) {
  if (index == kShapeIndex) return Run<kShapeIndex>(values);
  if constexpr (kShapeIndex + 1 < kShapes) return RunAt<kShapeIndex + 1>(index, values);
  return gs::Fail(cudaErrorInvalidValue, "no such shape");
}

}  // namespace

GS_EXPORT int gs_shape_count() { return kShapes; }
// Launches gs_shape<index>, which stays within 48 KiB of shared memory, so that no opt-in is needed.
GS_EXPORT int gs_shape_run(int index, int* values) { return RunAt<0>(index, values); }
