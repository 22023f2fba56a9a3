// Ranges that other libraries drew on host threads (NVTX), as spans among ours.
#pragma once

#include <cstdint>
#include <vector>

#include "columns.h"

namespace opscope {

struct TimedRange {
  int64_t start_ns, end_ns;  // since session start; end >= start
  uint32_t name;             // index into Recording::names
  uint32_t thread;           // index into Recording::threads
};

// Makes a timed span of each range. A range lies in the innermost span of its
// thread that contains it, and a span that lies in a range and has no nearer
// parent gets the range as its parent. A range that overlaps its neighbour
// without being inside it becomes kAsync. Rows are in begin order afterwards.
void NestRanges(std::vector<TimedRange> ranges, Recording* recording);

}  // namespace opscope
