// A network of dense layers for the demo: y = relu(x * w + b), row by row, and entry points that JavaScript
// calls. They return 0 or CUDA's error code; net_error() has the sentence. One thread at a time.
#include <cuda_runtime.h>

#include <algorithm>
#include <string>
#include <vector>

#define NET_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int kTile = 32;
constexpr int kStreams = 2;

std::string g_error;

int Fail(cudaError_t error, const char* what) {
  g_error = std::string(what) + ": " + cudaGetErrorString(error);
  return static_cast<int>(error);
}

#define NET_TRY(call)                                                                               \
  do {                                                                                              \
    if (const cudaError_t net_code = (call); net_code != cudaSuccess) return Fail(net_code, #call); \
  } while (0)

struct Network {
  int batch = 0, width = 0, layers = 0;
  cudaStream_t streams[kStreams] = {};
  std::vector<float*> weights, biases;
  float* activations[kStreams][2] = {};  // of a stream: a layer reads one and writes the other
  float* pinned = nullptr;
  cudaGraphExec_t graph = nullptr;

  size_t BatchBytes() const {
    return sizeof(float) * static_cast<size_t>(batch) * static_cast<size_t>(width);
  }
} g_network;

}  // namespace

// One tile of the product a block: both factors pass through shared memory once per tile.
__global__ void Matmul(const float* x, const float* w, float* y, int rows, int width) {
  __shared__ float x_tile[kTile][kTile], w_tile[kTile][kTile];
  const int row = static_cast<int>(blockIdx.y) * kTile + static_cast<int>(threadIdx.y);
  const int column = static_cast<int>(blockIdx.x) * kTile + static_cast<int>(threadIdx.x);
  float sum = 0;
  for (int begin = 0; begin < width; begin += kTile) {
    const int x_column = begin + static_cast<int>(threadIdx.x), w_row = begin + static_cast<int>(threadIdx.y);
    x_tile[threadIdx.y][threadIdx.x] = row < rows && x_column < width ? x[row * width + x_column] : 0;
    w_tile[threadIdx.y][threadIdx.x] = w_row < width && column < width ? w[w_row * width + column] : 0;
    __syncthreads();
    for (int i = 0; i < kTile; ++i) sum += x_tile[threadIdx.y][i] * w_tile[i][threadIdx.x];
    __syncthreads();
  }
  if (row < rows && column < width) y[row * width + column] = sum;
}

__global__ void BiasRelu(float* y, const float* bias, int count, int width) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) y[i] = fmaxf(0.0f, y[i] + bias[i % width]);
}

NET_EXPORT const char* net_error() { return g_error.c_str(); }

// `weights` holds layers × width × width numbers, `biases` layers × width.
NET_EXPORT int net_open(int batch, int width, int layers, const float* weights, const float* biases) {
  Network& net = g_network;
  net.batch = batch;
  net.width = width;
  net.layers = layers;
  const size_t row = static_cast<size_t>(width), square = row * row;
  for (int layer = 0; layer < layers; ++layer) {
    float *w = nullptr, *b = nullptr;
    NET_TRY(cudaMalloc(&w, sizeof(float) * square));
    NET_TRY(cudaMalloc(&b, sizeof(float) * row));
    const size_t at = static_cast<size_t>(layer);
    NET_TRY(cudaMemcpy(w, weights + at * square, sizeof(float) * square, cudaMemcpyHostToDevice));
    NET_TRY(cudaMemcpy(b, biases + at * row, sizeof(float) * row, cudaMemcpyHostToDevice));
    net.weights.push_back(w);
    net.biases.push_back(b);
  }
  for (int stream = 0; stream < kStreams; ++stream) {
    // Ordered after the default stream: a copy from pageable memory may return before it has arrived.
    NET_TRY(cudaStreamCreate(&net.streams[stream]));
    for (float*& activation : net.activations[stream]) NET_TRY(cudaMalloc(&activation, net.BatchBytes()));
  }
  NET_TRY(cudaMallocHost(&net.pinned, net.BatchBytes()));
  return 0;
}

// The batch to the GPU: from JavaScript's own, pageable memory and waited for, or through pinned memory
// without waiting.
NET_EXPORT int net_upload(int stream, const float* batch, int is_async) {
  Network& net = g_network;
  if (is_async == 0) {
    NET_TRY(cudaMemcpy(net.activations[stream][0], batch, net.BatchBytes(), cudaMemcpyHostToDevice));
    return 0;
  }
  NET_TRY(cudaStreamSynchronize(net.streams[stream]));  // pinned memory may still be in use
  std::copy(batch, batch + net.batch * net.width, net.pinned);
  NET_TRY(cudaMemcpyAsync(net.activations[stream][0], net.pinned, net.BatchBytes(), cudaMemcpyHostToDevice,
                          net.streams[stream]));
  return 0;
}

NET_EXPORT int net_matmul(int stream, int layer) {
  const Network& net = g_network;
  const unsigned across = static_cast<unsigned>((net.width + kTile - 1) / kTile);
  const unsigned down = static_cast<unsigned>((net.batch + kTile - 1) / kTile);
  float* const* x = net.activations[stream];
  Matmul<<<dim3(across, down), dim3(kTile, kTile), 0, net.streams[stream]>>>(
      x[layer % 2], net.weights[static_cast<size_t>(layer)], x[(layer + 1) % 2], net.batch, net.width);
  NET_TRY(cudaPeekAtLastError());
  return 0;
}

NET_EXPORT int net_bias_relu(int stream, int layer) {
  const Network& net = g_network;
  const int count = net.batch * net.width;
  BiasRelu<<<static_cast<unsigned>((count + 255) / 256), 256, 0, net.streams[stream]>>>(
      net.activations[stream][(layer + 1) % 2], net.biases[static_cast<size_t>(layer)], count, net.width);
  NET_TRY(cudaPeekAtLastError());
  return 0;
}

// All layers of a stream as one graph; net_replay launches it.
NET_EXPORT int net_capture(int stream) {
  Network& net = g_network;
  cudaGraph_t graph = nullptr;
  NET_TRY(cudaStreamBeginCapture(net.streams[stream], cudaStreamCaptureModeThreadLocal));
  for (int layer = 0; layer < net.layers; ++layer) {
    if (const int code = net_matmul(stream, layer)) return code;
    if (const int code = net_bias_relu(stream, layer)) return code;
  }
  NET_TRY(cudaStreamEndCapture(net.streams[stream], &graph));
  NET_TRY(cudaGraphInstantiateWithFlags(&net.graph, graph, 0));
  NET_TRY(cudaGraphDestroy(graph));
  return 0;
}
NET_EXPORT int net_replay(int stream) {
  NET_TRY(cudaGraphLaunch(g_network.graph, g_network.streams[stream]));
  return 0;
}

// The result of the last layer; waits for the stream's work first.
NET_EXPORT int net_download(int stream, float* batch) {
  const Network& net = g_network;
  NET_TRY(cudaStreamSynchronize(net.streams[stream]));
  NET_TRY(
      cudaMemcpy(batch, net.activations[stream][net.layers % 2], net.BatchBytes(), cudaMemcpyDeviceToHost));
  return 0;
}
