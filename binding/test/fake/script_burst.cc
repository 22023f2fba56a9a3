// Launches at full speed, for load and for races: each a call and a kernel.
#include <unistd.h>

#include <algorithm>

#include "callback_names.h"
#include "script_ops.h"

namespace fakegpu {

void Burst(FakeGpu& gpu, int64_t launches, const char* name, int64_t duration_ns, const Place& place) {
  const uint32_t launch_id = CallbackId(kRuntimeDomain, "cudaLaunchKernel");
  const int64_t offset = gpu.clock.WallOffset();
  ApiFields call;
  call.callback_id = launch_id;
  call.process = static_cast<uint32_t>(getpid());
  call.thread = gpu.session.CurrentThreadId();
  KernelFields kernel;
  kernel.name = name;
  kernel.place = place;
  int64_t host_ns = gpu.clock.HostNs();
  int64_t gpu_ns = host_ns;
  for (int64_t i = 0; i < launches; ++i) {
    const uint32_t correlation = gpu.NextCorrelation();
    // Asked anew each time: the client may start or stop meanwhile.
    const bool wants_call = gpu.session.WantsApi(kRuntimeDomain, launch_id);
    const uint32_t kernel_kind = gpu.session.KernelKind();
    const int64_t end_ns = gpu.clock.IsScripted() ? host_ns + 100 : std::max(host_ns + 1, gpu.clock.HostNs());
    if (wants_call) {
      call.correlation = correlation;
      call.time = {static_cast<uint64_t>(host_ns + offset), static_cast<uint64_t>(end_ns + offset)};
      gpu.desk.Write(BufferDesk::Lane::kCaller, ApiRecord(gpu.personality, call));
    }
    if (kernel_kind != 0) {
      gpu_ns = std::max(gpu_ns, end_ns);
      kernel.correlation = wants_call ? correlation : 0;
      kernel.time = {static_cast<uint64_t>(gpu_ns + offset),
                     static_cast<uint64_t>(gpu_ns + duration_ns + offset)};
      gpu_ns += duration_ns;
      gpu.desk.Write(BufferDesk::Lane::kCaller, KernelRecord(gpu.personality, kernel_kind, kernel));
    }
    host_ns = end_ns;
  }
  if (gpu.clock.IsScripted()) gpu.clock.AdvanceTo(host_ns);
}

}  // namespace fakegpu
