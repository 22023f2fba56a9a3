// The order of span rows on their threads, and what moves when it changes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "column.h"
#include "columns.h"

namespace opscope {

// Stable, and free where the order is right already.
template <typename Row, typename Less>
void SortTable(Column<Row>* table, Less less) {
  if (!std::is_sorted(table->begin(), table->end(), less))
    std::stable_sort(table->begin(), table->end(), less);
}

// True when no row of [first, first + count) begins before the row ahead of it.
bool IsInBeginOrder(const SpanColumns& spans, size_t first, size_t count) noexcept;

// Fills `order` with 0 to count - 1 so that keys[order[i]] ascends; equal keys
// stay as they are. Merges where there are few ascending runs, else a radix
// sort on the bits in use.
void OrderByKey(const int64_t* keys, size_t count, uint32_t* order);

// Begin order on every thread, equal starts as they are, but a parent on the
// same thread always ahead of its children. Cheap where that is so already. All
// tables follow.
void PutInBeginOrder(Recording* recording);

// Gives every row r the index new_rows[r], everywhere in the recording but in
// the thread ranges. The spans get room for `size` rows; rows that nothing moves
// to are not initialised.
void MoveRows(Recording* recording, const Column<uint32_t>& new_rows, size_t size);

// GPU rows by start, equal starts as they are, with their kernel rows; overheads
// and memory by time.
void PutGpuInOrder(Column<GpuRow>* rows, GpuDetails* details);

}  // namespace opscope
