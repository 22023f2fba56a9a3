// Op rows: all spans of one path added up.
#pragma once

#include <cstdint>

#include "column.h"
#include "columns.h"

namespace opscope {

// What "time" means for total, min, max and the percentiles of an op row.
enum class TimeOf : uint8_t { kCpu = 0, kGpu = 1, kAll = 2 /* cpu + gpu */ };

// Rows in pre-order of first begin: a parent precedes its children. Async spans
// and synchronous ones of the same name are different rows. Unfinished spans
// are counted in `unfinished` and in nothing else.
struct OpTable {
  Column<int32_t> parent;    // row, or -1
  Column<uint32_t> name;     // index into Recording::names
  Column<int32_t> thread;    // index into Recording::threads, -1 in the merged table
  Column<uint8_t> is_async;  // 0 or 1
  Column<uint32_t> peak;     // async rows: most of them open at one time, else 0
  Column<double> calls, total_ns, cpu_ns, gpu_ns, self_ns, min_ns, max_ns, p50_ns, p99_ns;
  Column<double> first_start_ns, first_end_ns, unfinished;
  size_t size() const noexcept { return parent.size(); }
};

struct OpTables {
  OpTable merged;
  OpTable per_thread;  // grouped by thread, in the order of Recording::threads
};

// Pure; the heavy pass behind every report. Percentiles are exact, R-7, rounded half up.
OpTables BuildOpTables(const Recording& recording, TimeOf time);

}  // namespace opscope
