// What was decoded since the first session began, and what was lost on the way.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "activity_texts.h"
#include "core/column.h"
#include "core/gpu_source.h"

namespace opscope::gpu {

// A column that a decoder fills without a check per row. Capacity grows
// fourfold, so that ten million rows are moved half a time each; untouched
// capacity is address space only. Not thread-safe.
template <typename T>
class GrowingColumn {
 public:
  // Attribution numbers rows with 31 bits; at 136 bytes a kernel this is 2 GiB.
  static constexpr size_t kMaxRows = 1u << 24;

  // Where the next `count` rows go; null at the limit or when memory is out.
  T* Room(size_t count) noexcept {
    const size_t needed = size() + count;
    if (needed > kMaxRows) return nullptr;
    if (needed > capacity_ && !Grow(needed)) return nullptr;
    return column_.data() + size();
  }
  void Commit(size_t count) noexcept { column_.Truncate(size() + count); }
  void DropFirst(size_t count) noexcept {
    const size_t kept = size() - count;
    if (count != 0 && kept != 0)
      std::memmove(static_cast<void*>(column_.data()), column_.data() + count, kept * sizeof(T));
    column_.Truncate(kept);
  }
  // Forgets the rows and keeps the memory.
  void Rewind() noexcept { column_.Truncate(0); }

  size_t size() const noexcept { return column_.size(); }
  const Column<T>& column() const noexcept { return column_; }
  T& at(size_t row) noexcept { return column_[row]; }
  Column<T> Take() noexcept {
    capacity_ = 0;
    return std::move(column_);
  }

 private:
  bool Grow(size_t needed) noexcept {
    size_t capacity = capacity_ == 0 ? size_t{1} << 18 : capacity_ * 4;
    while (capacity < needed) capacity *= 2;
    try {
      Column<T> grown(capacity);
      grown.Truncate(size());
      if (size() != 0) std::memcpy(static_cast<void*>(grown.data()), column_.data(), size() * sizeof(T));
      column_ = std::move(grown);
      capacity_ = capacity;
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  Column<T> column_;
  size_t capacity_ = 0;
};

// Every way in which a record can be lost or doubtful.
struct RecordCounts {
  uint64_t records = 0;
  uint64_t buffers = 0;
  uint64_t dropped = 0;          // by CUPTI, before they reached us
  uint64_t discarded = 0;        // in buffers beyond the pool's limit
  uint64_t over_limit = 0;       // beyond kMaxRows, or memory is out
  uint64_t lost_bytes = 0;       // of buffers that could not be read to their end
  uint64_t truncated = 0;        // records longer than what was left of their buffer
  uint64_t unknown = 0;          // buffers cut short by a kind that nobody knows
  uint64_t walk_mismatches = 0;  // where the library's own walker went another way
  uint64_t zero_time = 0;
  uint64_t negative_time = 0;
  uint64_t out_of_range = 0;
  uint64_t unfinished = 0;
};

// Guarded by the mutex of whoever owns it (GpuControl).
struct RecordStore {
  GrowingColumn<GpuRow> rows;
  GrowingColumn<KernelRow> kernels;
  GrowingColumn<GpuApiCall> calls;
  Column<GpuOverheadRow> overheads;
  Column<GpuRangeRow> ranges;
  Column<GpuMemoryRow> memory;
  std::vector<GpuDevice> devices;
  std::vector<GpuContext> contexts;
  std::vector<GpuStreamName> stream_names;
  ActivityTexts texts;
  RecordCounts counts;

  // Rows outside are counted as out of range: a second before the start, ten
  // seconds after now.
  int64_t earliest_ns = INT64_MIN / 2, latest_ns = INT64_MAX / 2;
  // Over all rows and calls, so that a window that holds everything need not look.
  int64_t first_row_ns = INT64_MAX, first_call_ns = INT64_MAX;
  uint64_t first_row_id = UINT64_MAX, first_call_id = UINT64_MAX;
  uint64_t driver_call_count = 0;
  // Where we waited for the GPU ourselves: a context synchronisation in there
  // is not the program's.
  int64_t own_sync_from_ns = 0, own_sync_to_ns = 0;
  bool has_forgotten_kernels = false;

  GpuPlace End() const noexcept {
    return {rows.size(), kernels.size(), calls.size(), overheads.size(), ranges.size(), memory.size(), false};
  }
  // Rows come nearly by time: the first half goes when all of it is older. Moved
  // that seldom, a row costs no more than it did to decode.
  void ForgetBefore(int64_t ns) noexcept {
    const auto count_old = [ns](const auto& column, auto time_of) {
      size_t count = 0;
      while (count < column.size() && time_of(column[count]) < ns) ++count;
      return count >= (column.size() + 1) / 2 ? count : 0;
    };
    calls.DropFirst(count_old(calls.column(), [](const GpuApiCall& call) { return call.start_ns; }));
    const size_t old = count_old(rows.column(), [](const GpuRow& row) { return row.start_ns; });
    size_t old_kernels = 0;
    while (old_kernels < kernels.size() && kernels.at(old_kernels).row < old) ++old_kernels;
    has_forgotten_kernels |= old_kernels != 0;
    kernels.DropFirst(old_kernels);
    rows.DropFirst(old);
    for (size_t i = 0; i < kernels.size(); ++i) kernels.at(i).row -= static_cast<uint32_t>(old);
    const auto drop = [](auto* column, size_t count) {
      auto& rest = *column;
      for (size_t i = count; i < rest.size(); ++i) rest[i - count] = rest[i];
      rest.Truncate(rest.size() - count);
    };
    drop(&overheads, count_old(overheads, [](const GpuOverheadRow& row) { return row.start_ns; }));
    drop(&ranges, count_old(ranges, [](const GpuRangeRow& row) { return row.start_ns; }));
    drop(&memory, count_old(memory, [](const GpuMemoryRow& row) { return row.at_ns; }));
  }
  // The rows, not the words and counts.
  void Forget() noexcept {
    has_forgotten_kernels |= kernels.size() != 0;
    rows.Rewind();
    kernels.Rewind();
    calls.Rewind();
    overheads = {};
    ranges = {};
    memory = {};
  }

  const GpuContext* FindContext(uint32_t id) const noexcept {
    for (const GpuContext& context : contexts) {
      if (context.id == id) return &context;
    }
    return nullptr;
  }
};

struct WindowRequest {
  int64_t start_ns = INT64_MIN;
  // How far the two clocks may be apart: a call that seems this much too early
  // is inside, and begins with the window.
  int64_t tolerance_ns = 0;
  // Moves the columns out, which costs nothing, and spends the store; else copies.
  bool is_last = true;
  GpuPlace since = {};  // earlier rows are left out
};

// The records of a window: calls by their start, GPU rows by their launch, the
// rest by time. Of a runtime call and the driver calls inside it, which share a
// number, the runtime call stays. Adds a warning for each count that is not zero.
GpuRecords TakeWindow(RecordStore* store, const WindowRequest& request);

}  // namespace opscope::gpu
