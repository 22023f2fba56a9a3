// Graphs of kernels: many nodes, one launch.
#include <vector>

#include "device.cuh"

using gs::Stream;

extern "C" __global__ void gs_node_kernel(unsigned long long ns) {
  const unsigned long long begin = gs::GlobalNs();
  while (gs::GlobalNs() - begin < ns) {
  }
}

// A chain of `nodes` spins of `us`, captured from a stream. One thread at a time.
GS_EXPORT int gs_graph_create(int nodes, double us, void** graph) {
  const auto ns = static_cast<unsigned long long>(us * 1000.0);
  cudaGraph_t captured = nullptr;
  cudaGraphExec_t executable = nullptr;
  GS_TRY(cudaStreamBeginCapture(Stream(2), cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < nodes; ++i) gs_node_kernel<<<1, 1, 0, Stream(2)>>>(ns);
  GS_TRY(cudaStreamEndCapture(Stream(2), &captured));
  GS_TRY(cudaGraphInstantiateWithFlags(&executable, captured, 0));
  GS_TRY(cudaGraphDestroy(captured));
  // Once, outside of every recording: the first launch uploads the graph.
  GS_TRY(cudaGraphLaunch(executable, Stream(2)));
  GS_TRY(cudaStreamSynchronize(Stream(2)));
  *graph = executable;
  return 0;
}

// Replays it; event_us is the time of all replays by two events, host_ns what a launch cost the host. Waits.
GS_EXPORT int gs_graph_replay(void* graph, int count, float* event_us, double* host_ns) {
  cudaEvent_t begin = nullptr, end = nullptr;
  GS_TRY(cudaEventCreate(&begin));
  GS_TRY(cudaEventCreate(&end));
  *host_ns = 0;
  GS_TRY(cudaEventRecord(begin, Stream(2)));
  for (int i = 0; i < count; ++i) {
    const int64_t before = gs::HostNs();
    GS_TRY(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), Stream(2)));
    *host_ns += static_cast<double>(gs::HostNs() - before) / count;
  }
  GS_TRY(cudaEventRecord(end, Stream(2)));
  GS_TRY(cudaStreamSynchronize(Stream(2)));
  float ms = 0;
  GS_TRY(cudaEventElapsedTime(&ms, begin, end));
  *event_us = ms * 1000.0f;
  GS_TRY(cudaEventDestroy(begin));
  GS_TRY(cudaEventDestroy(end));
  return 0;
}

GS_EXPORT int gs_graph_destroy(void* graph) {
  GS_TRY(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)));
  return 0;
}
