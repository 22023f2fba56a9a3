// A GPU back end as the rest of opscope sees it: gpu/ implements it, the
// sessions use it, and neither knows the other's headers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "column.h"
#include "columns.h"

namespace opscope {

struct GpuOptions {
  bool memory = false;      // allocation and pool records
  bool graph_nodes = true;  // a record per graph node; false: one per graph launch
  bool driver_api = false;  // every driver call, not only launches
  uint64_t start_deadline_ms = 10'000;
};

// Why there is, or is not, GPU activity in a capture. `reason` is one of
// "no-driver", "no-device", "driver-broken", "stub-driver", "driver-too-old",
// "cupti-missing", "cupti-unusable", "busy", "refused", "late",
// "unsupported-platform", "off"; empty
// when available. `detail` is a sentence: path, version, result code.
struct GpuState {
  bool available = false;
  std::string reason;
  std::string detail;
};

// A runtime or driver API call on a host thread. Times are CLOCK_MONOTONIC ns.
struct GpuApiCall {
  int64_t start_ns, end_ns;
  uint64_t correlation_id;  // widened to 64 bits: wraps are undone
  int64_t os_thread_id;
  uint32_t name;  // index into GpuRecords::strings, without version suffix ("cudaMemcpyAsync")
  uint32_t result;
};

// An NVTX range of another library, on the thread that opened it.
struct GpuRangeRow {
  int64_t start_ns, end_ns;
  int64_t os_thread_id;
  uint32_t name;  // index into strings
};

// Everything a window holds, decoded. Rows: only `start_ns` is mapped to
// CLOCK_MONOTONIC; end = start + CUPTI's own duration. `launch` and `span` are
// unset. A row that CUPTI could not finish has end_ns < start_ns and is counted.
struct GpuRecords {
  std::vector<std::string> strings;
  Column<GpuApiCall> calls;
  Column<GpuRow> rows;
  Column<KernelRow> kernels;
  Column<GpuOverheadRow> overheads;
  Column<GpuRangeRow> ranges;
  Column<GpuMemoryRow> memory;
  std::vector<GpuDevice> devices;
  std::vector<GpuContext> contexts;
  std::vector<GpuStreamName> stream_names;
  std::vector<Warning> warnings;
};

// How far the records of a back end were taken. Zero: from the first.
struct GpuPlace {
  size_t rows = 0, kernels = 0, calls = 0, overheads = 0, ranges = 0, memory = 0;
  bool has_forgotten = false;  // what was taken is nowhere else
  bool operator==(const GpuPlace&) const = default;
};

// One per process. Start and Stop are counted: activity is collected while at
// least one session wants it. Any thread; calls block until the control thread
// of the back end has answered.
class GpuSource {
 public:
  virtual ~GpuSource() = default;
  virtual GpuState Start(const GpuOptions& options) = 0;
  // Everything since `window_start_ns` (CLOCK_MONOTONIC) and up to now. With
  // `synchronize` waits for the GPU first; without, it flushes what is complete
  // and gives up after `deadline_ms`, counting the rest as unfinished. With
  // `since`, of the records only what TakeNew has not given yet.
  virtual GpuRecords Stop(int64_t window_start_ns, bool synchronize, uint64_t deadline_ms,
                          const GpuPlace* since = nullptr) = 0;
  // Between Start and Stop: what was decoded since `place`, which moves on. The
  // source may forget it when it holds more than `kept_rows`. Of the counts in
  // warnings nothing is told before Stop.
  virtual GpuRecords TakeNew(GpuPlace* place, size_t kept_rows) = 0;
  // Between Start and Stop: what was decoded since `window_start_ns`. Stop gives it again.
  virtual GpuRecords Peek(int64_t window_start_ns) = 0;
  // Between Start and Stop, where nobody wants them: rows before this time may go.
  virtual void ForgetBefore(int64_t ns) = 0;
};

}  // namespace opscope
