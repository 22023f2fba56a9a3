// Some rows of a table, column by column, as Arrow lays them out in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "../core/column.h"
#include "../core/status.h"
#include "trace_table.h"

namespace opscope {

struct ArrowColumn {
  size_t null_count = 0;
  std::vector<uint8_t> validity;  // a bit a row, the lowest first; empty: no null
  std::vector<int32_t> offsets;   // of text, where each row begins in values, and the end; else empty
  std::vector<uint8_t> values;    // int32 codes and numbers, int64 numbers, or text
};

// Fills `columns` anew, its memory reused: one for each column of the table, rows
// [first, first + count). Fails where the text of a column takes more than 2^31 - 1 bytes.
Status FillArrowColumns(const TraceTable& table, size_t first, size_t count,
                        std::vector<ArrowColumn>* columns);

}  // namespace opscope
