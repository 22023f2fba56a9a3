// What the GPU did, added up: by kernel, by device, by copy, by wait.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "columns.h"
#include "occupancy.h"

namespace opscope {

// Shorter ones cost more to launch than to run; shorter gaps are the launch
// itself (some 5 us pass between a launch and its kernel on an idle GPU).
constexpr int64_t kTinyNs = 5'000;

// Calls of one kernel on one device.
struct KernelSums {
  uint32_t name = 0;  // index into strings
  uint32_t device = 0;
  uint64_t calls = 0;
  uint64_t graph_calls = 0;     // of them, nodes of CUDA graphs
  uint64_t configurations = 0;  // different launch shapes; 0: none was recorded
  int64_t total_ns = 0, min_ns = 0, max_ns = 0, p50_ns = 0, p99_ns = 0;
  int64_t launch_ns = 0;  // host time of the API calls that launched it, a graph's shared out evenly
  // The shape that took most time, and what it can fill.
  KernelRow shape{};
  Occupancy occupancy;
  double mean_occupancy = 0;  // over all shapes, by their time
};

// Copies of one name (as the op rows have it), device and pair of memories.
struct CopySums {
  uint32_t name = 0;  // index into names
  uint32_t device = 0;
  MemoryKind from = MemoryKind::kUnknown, to = MemoryKind::kUnknown;
  uint64_t copies = 0;  // as the GPU made them: a call may make several
  uint64_t bytes = 0;
  int64_t gpu_ns = 0;
  double peak_bytes_per_ns = 0;  // of copies long and large enough to tell
  uint64_t blocking = 0;         // calls that returned only when the copy was done
  int64_t blocking_ns = 0;       // host time of those
};

// Waits of the host for a GPU, of one kind under one path.
struct WaitSums {
  uint32_t name = 0;    // index into strings: "Stream Sync"
  int32_t span = -1;    // a row with the path, or kNoParent
  uint32_t thread = 0;  // of the first; UINT32_MAX unknown
  uint64_t count = 0;
  int64_t total_ns = 0, max_ns = 0;
};

// Allocations of one kind of memory under one path.
struct AllocationSums {
  int32_t span = -1;  // a row with the path, or kNoParent
  uint32_t device = 0;
  MemoryKind kind = MemoryKind::kUnknown;
  uint64_t allocations = 0, allocated_bytes = 0, releases = 0, released_bytes = 0;
};

// Why a GPU had nothing to do.
enum class GapCause : uint8_t {
  kLaunch = 0,   // shorter than kTinyNs: the next launch followed at once
  kSync = 1,     // the host waited for the GPU before it launched more
  kHost = 2,     // the host launched more only later, without waiting
  kPending = 3,  // the next work had been launched already: it waited for something on the GPU's side
  kUnknown = 4,  // the next work's launch was not recorded
};
constexpr size_t kGapCauses = 5;

struct GapRow {
  int64_t start_ns, end_ns;
  uint32_t device;
  uint32_t before, after;  // gpu rows around it
  int32_t host_span;       // innermost span open on the launching thread halfway to the launch, or kNoParent
  int64_t host_ns;         // of the gap, until the next launch began; 0 unless the host came late
  GapCause cause;
};

struct CountAndTime {
  uint64_t count = 0;
  int64_t ns = 0;
};

enum class CopyWay : uint8_t { kToDevice = 0, kToHost = 1, kOnDevice = 2, kPeer = 3, kOther = 4 };
constexpr size_t kCopyWays = 5;
struct WaySums {
  uint64_t copies = 0, bytes = 0;
  int64_t gpu_ns = 0, union_ns = 0;
  int64_t overlap_ns = 0;  // of union_ns, while a kernel ran
};

// All times of one device. Kernels and copies are unions unless the name says sum.
struct DeviceSums {
  static constexpr size_t kDepths = 8;
  uint32_t device = 0;
  int64_t first_ns = 0, last_ns = 0;  // the window: first start, last end
  int64_t busy_ns = 0;                // at least one kernel, copy or fill
  uint64_t kernels = 0, copies = 0, fills = 0;
  int64_t kernel_sum_ns = 0, kernel_ns = 0, copy_ns = 0, fill_sum_ns = 0;
  int64_t overlap_ns = 0;                   // of copy_ns (copies and fills), while a kernel ran
  std::array<int64_t, kDepths> depth_ns{};  // with so many kernels at once, 1 first; the last: or more
  std::array<WaySums, kCopyWays> ways{};
  uint64_t pageable_bytes = 0;  // of the copies between host and device
  // From the return of the launch to the kernel's start; negative where the kernel was faster.
  uint64_t launches = 0, early_launches = 0;
  int64_t launch_min_ns = 0, launch_p50_ns = 0, launch_p99_ns = 0;
  uint64_t launch_bound = 0;  // kernels that an idle GPU began within kTinyNs of their launch's return
  CountAndTime tiny;          // kernels below kTinyNs, with the host time of their launches
  CountAndTime waits;         // synchronising calls
  CountAndTime blocking_copies;
  std::array<CountAndTime, kGapCauses> gaps{};
  uint32_t streams = 0;
  // Memory, where it was recorded.
  uint64_t allocations = 0, allocated_bytes = 0, releases = 0, released_bytes = 0, peak_bytes = 0;
  int64_t live_bytes = 0;  // at the stop, of what was allocated in the session
};

struct GpuTables {
  uint64_t rows = 0, orphans = 0, by_exclusion = 0;
  int64_t busy_ns = 0;                 // on at least one device
  std::vector<KernelSums> kernels;     // by total, descending
  std::vector<CopySums> copies;        // by GPU time, descending
  std::vector<WaitSums> waits;         // by total, descending
  std::vector<AllocationSums> memory;  // by bytes, descending
  std::vector<GapRow> gaps;            // the longest first, at most kMaxGaps
  std::vector<DeviceSums> devices;     // by id
  struct Overhead {
    uint32_t kind;
    CountAndTime sum;
  };
  std::vector<Overhead> overheads;  // by time, descending

  // More than anyone reads; all gaps are in the sums of their device.
  static constexpr size_t kMaxGaps = 1000;
};

// Pure, one pass for each table; some 100 ns a row.
GpuTables BuildGpuTables(const Recording& recording);

// The parts of it, each in a file of its own.
std::vector<KernelSums> BuildKernelTable(const Recording& recording);
void BuildDeviceTables(const Recording& recording, GpuTables* tables);  // devices and gaps
void BuildWaitTables(const Recording& recording,
                     GpuTables* tables);  // waits, memory and the memory of devices

// A call that returned when its copy was done: its thread waited for the GPU.
inline bool IsBlockingCopy(const GpuRow& row, const LaunchRow& launch) noexcept {
  return launch.end_ns + kGpuClockErrorNs >= row.end_ns;
}

}  // namespace opscope
