#include "activity_reader.h"

#include <algorithm>

#include "memory_names.h"

namespace opscope::gpu {

namespace {

using cupti::Kind;
using cupti::Load;

constexpr size_t kShortestRow = 40;  // a sync or a call; other rows are longer

}  // namespace

ActivityReader::ActivityReader(const ReaderSource& source, GpuClock* clock, RecordStore* store)
    : source_(source),
      clock_(*clock),
      store_(*store),
      copy_texts_(kCopyDirectionCount * kMemoryKindCount * kMemoryKindCount, kUnseenText) {
  for (uint32_t kind = 0; kind < cupti::kKindLimit; ++kind) {
    const uint16_t stride = source.layout.StrideOf(kind);
    strides_[kind] = stride % 8 == 0 ? stride : uint16_t{0};
    is_readable_[kind] = source.layout.IsReadable(static_cast<Kind>(kind));
  }
  has_kernel_tail_ = true;
  for (const Kind kind : {Kind::kKernel, Kind::kConcurrentKernel}) {
    if (source.layout.IsReadable(kind) && !source.layout.Has(kind, cupti::kernel::kGraph))
      has_kernel_tail_ = false;
  }
  runtime_texts_.assign(source.names->LimitOf(cupti::kRuntimeDomain), kUnseenText);
  driver_texts_.assign(source.names->LimitOf(cupti::kDriverDomain), kUnseenText);
}

bool ActivityReader::OpenCursor(size_t valid_bytes, Cursor* cursor) noexcept {
  const size_t count = valid_bytes / kShortestRow + 1;
  cursor->row = store_.rows.Room(count);
  cursor->kernel = store_.kernels.Room(count);
  cursor->call = store_.calls.Room(count);
  cursor->row_index = static_cast<uint32_t>(store_.rows.size());
  cursor->first_row_ns = store_.first_row_ns;
  cursor->first_call_ns = store_.first_call_ns;
  cursor->first_row_id = store_.first_row_id;
  cursor->first_call_id = store_.first_call_id;
  return cursor->row != nullptr && cursor->kernel != nullptr && cursor->call != nullptr;
}

void ActivityReader::Commit(const Cursor& from, const Cursor& to) noexcept {
  store_.rows.Commit(static_cast<size_t>(to.row - from.row));
  store_.kernels.Commit(static_cast<size_t>(to.kernel - from.kernel));
  store_.calls.Commit(static_cast<size_t>(to.call - from.call));
  store_.counts.records += to.record_count;
  store_.driver_call_count += to.driver_call_count;
  store_.first_row_ns = to.first_row_ns;
  store_.first_call_ns = to.first_call_ns;
  store_.first_row_id = to.first_row_id;
  store_.first_call_id = to.first_call_id;
}

void ActivityReader::Read(uint8_t* buffer, size_t valid_bytes) {
  ++store_.counts.buffers;
  if (valid_bytes == 0) return;
  Cursor cursor;
  if (!OpenCursor(valid_bytes, &cursor)) {
    store_.counts.over_limit += Count(buffer, valid_bytes);
    return;
  }
  const Cursor begin = cursor;
  store_.texts.Forget();
  if (!is_checked_ && source_.next_record != nullptr) {
    is_checked_ = true;
    uses_library_ = !IsSameWalk(buffer, valid_bytes);
    if (uses_library_) ++store_.counts.walk_mismatches;
  }
  if (uses_library_) {
    ReadByLibrary(buffer, valid_bytes, &cursor);
  } else if (const size_t at = ReadByStride(buffer, valid_bytes, &cursor); at != valid_bytes) {
    // Ours could not end exactly: the producer's walker may know how to go on.
    const uint64_t more =
        source_.next_record == nullptr ? 0 : ReadByLibrary(buffer + at, valid_bytes - at, &cursor);
    if (more != 0) ++store_.counts.walk_mismatches;
    if (more == 0) CountTail(buffer, at, valid_bytes);
  }
  Commit(begin, cursor);
  if (epoch_.TakeShift()) ShiftIds();
}

// Once a recording at most, and only when it began within a wrap.
void ActivityReader::ShiftIds() noexcept {
  store_.first_row_id = store_.first_call_id = UINT64_MAX;
  const auto shift = [](uint64_t* id, uint64_t* first) {
    if (CorrelationEpoch::NeedsShift(*id)) *id += CorrelationEpoch::kRound;
    if (*id != 0) *first = std::min(*first, *id);
  };
  for (size_t i = 0; i < store_.rows.size(); ++i)
    shift(&store_.rows.at(i).correlation_id, &store_.first_row_id);
  for (size_t i = 0; i < store_.calls.size(); ++i)
    shift(&store_.calls.at(i).correlation_id, &store_.first_call_id);
  uint64_t ignored = 0;
  for (GpuMemoryRow& row : store_.memory) shift(&row.correlation_id, &ignored);
}

bool ActivityReader::IsSameWalk(uint8_t* buffer, size_t valid_bytes) const noexcept {
  size_t at = 0;
  uint8_t* record = nullptr;
  while (source_.next_record(buffer, valid_bytes, &record) == cupti::kSuccess) {
    if (record != buffer + at) return false;
    const uint32_t kind = Load(record, cupti::kKindField);
    if (kind >= cupti::kKindLimit || strides_[kind] == 0) return false;
    at += strides_[kind];
    if (at > valid_bytes) return false;
  }
  if (valid_bytes - at < 8) return true;
  // Both must refuse what comes next.
  const uint32_t kind = Load(buffer + at, cupti::kKindField);
  return kind >= cupti::kKindLimit || strides_[kind] == 0 || strides_[kind] > valid_bytes - at;
}

void ActivityReader::CountTail(const uint8_t* buffer, size_t at, size_t valid_bytes) noexcept {
  store_.counts.lost_bytes += valid_bytes - at;
  const uint32_t kind = valid_bytes - at >= 8 ? Load(buffer + at, cupti::kKindField) : 0;
  if (kind < cupti::kKindLimit && strides_[kind] != 0) {
    ++store_.counts.truncated;
  } else {
    ++store_.counts.unknown;
  }
}

uint64_t ActivityReader::Count(const uint8_t* buffer, size_t valid_bytes) const noexcept {
  uint64_t count = 0;
  for (size_t at = 0; valid_bytes - at >= 8; ++count) {
    const uint32_t kind = Load(buffer + at, cupti::kKindField);
    if (kind >= cupti::kKindLimit || strides_[kind] == 0 || strides_[kind] > valid_bytes - at) break;
    at += strides_[kind];
  }
  return count;
}

// False: the record is left out. True: it had begun, but not ended, at the last flush.
bool ActivityReader::RefuseTimes(uint64_t start, uint64_t end, int64_t mapped, int64_t* end_ns) noexcept {
  if (start == 0) {
    ++store_.counts.zero_time;
    return false;
  }
  if (mapped < store_.earliest_ns || mapped > store_.latest_ns) {
    ++store_.counts.out_of_range;
    return false;
  }
  if (end != 0) {
    ++(end < start ? store_.counts.negative_time : store_.counts.out_of_range);
    return false;
  }
  *end_ns = mapped - 1;
  ++store_.counts.unfinished;
  return true;
}

}  // namespace opscope::gpu
