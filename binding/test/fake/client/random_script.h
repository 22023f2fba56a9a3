// Random scripts for the fake GPU, with what a reader must make of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/columns.h"

namespace fakegpu {

// Times in ns since the script was started.
struct ExpectedCall {
  std::string name;
  uint64_t correlation = 0;  // widened
  int64_t start_ns = 0, end_ns = 0;
  int64_t thread = 0;
  uint32_t result = 0;
  auto operator<=>(const ExpectedCall&) const = default;
};
struct ExpectedRow {
  opscope::GpuKind kind = opscope::GpuKind::kKernel;
  uint64_t correlation = 0;
  int64_t start_ns = 0, end_ns = 0;  // end < start: not finished
  uint64_t bytes = 0;
  opscope::MemoryKind from = opscope::MemoryKind::kUnknown, to = opscope::MemoryKind::kUnknown;
  uint32_t device = 0, context = 0, stream = 0;
  std::string kernel;  // only of kernels
  uint64_t graph_node = 0;
  auto operator<=>(const ExpectedRow&) const = default;
};

struct ExpectedRecords {
  std::vector<ExpectedCall> calls;
  std::vector<ExpectedRow> rows;
  uint64_t dropped = 0, zero_time = 0, negative_time = 0, unfinished = 0;
  uint64_t unknown = 0, truncated = 0, lost_bytes = 0;
  uint64_t orphans = 0;  // rows without a call
};

struct RandomScript {
  std::string text;
  ExpectedRecords expected;
  bool synchronizes = false;  // to be stopped with a synchronisation; else running work is unfinished
};

struct RandomOptions {
  uint64_t seed = 0;
  uint32_t record_bytes = 40;     // of an API record, which a truncated buffer loses
  bool has_graph_traces = false;  // one row per graph launch
};
// The same seed gives the same script.
RandomScript MakeRandomScript(const RandomOptions& options);

}  // namespace fakegpu
