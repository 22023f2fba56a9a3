// Is there a usable GPU, and if not why. Asks the driver itself, before CUPTI
// is touched: CUPTI 13 answers "unknown error" to every lack alike, and 11 and
// 12 leave a thread behind.
#pragma once

#include <string>

#include "live_contexts.h"

namespace opscope::gpu {

// What the driver said. Plain data.
struct DriverProbe {
  std::string reason;  // empty: there is a GPU; else a GpuState reason
  std::string detail;
  std::string path;        // of libcuda
  int driver_version = 0;  // 13000 is CUDA 13.0; 0: unknown
  int device_count = 0;
};

// Answers of the driver's calls, as the mapping to a reason needs them.
struct DriverAnswers {
  std::string path;
  int init = 0;     // cuInit
  int version = 0;  // cuDriverGetVersion's number
  int version_result = 0;
  int count = 0;  // cuDeviceGetCount's number
  int count_result = 0;
};
DriverProbe JudgeDriver(const DriverAnswers& answers);

// Loads libcuda.so.1 (or the file in OPSCOPE_CUDA_PATH), initialises it and
// counts devices. Never unloads it. Control thread.
DriverProbe ProbeDriver();

// Waits until the primary contexts that are in use, and those that a program
// made itself while it was recorded, have nothing left to do. One that it made
// before has no handle here: its running work is counted as unfinished. Control
// thread, after a successful probe; may block for as long as kernels run.
void SynchronizeContexts(int device_count, const LiveContexts& made) noexcept;

}  // namespace opscope::gpu
