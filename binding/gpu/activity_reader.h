// Bytes of activity buffers to rows. Walks records by their strides itself,
// which is twice as fast as asking CUPTI for each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "api_names.h"
#include "correlation_epoch.h"
#include "cupti_abi.h"
#include "cupti_layout.h"
#include "gpu_clock.h"
#include "record_store.h"

namespace opscope::gpu {

struct ReaderSource {
  RecordLayout layout;
  const ApiNames* names = nullptr;
  // The producer's own walker; null when buffers come from a file.
  cupti::GetNextRecord next_record = nullptr;
  // Extra data of overhead records belongs to the reader: free it.
  bool owns_pointers = false;
  int64_t own_thread_id = 0;  // its calls are the tool's
};

// One per recording, with the store it writes to. Under the store's lock.
// Nothing in a buffer can make it read outside the valid bytes; what it cannot
// read is counted.
class ActivityReader {
 public:
  ActivityReader(const ReaderSource& source, GpuClock* clock, RecordStore* store);

  // Appends the rows of a buffer, which is 8-aligned. Times are mapped with the
  // clock's tuples so far: take one after the buffer was completed.
  void Read(uint8_t* buffer, size_t valid_bytes);
  // Records in a buffer whose content is not wanted.
  uint64_t Count(const uint8_t* buffer, size_t valid_bytes) const noexcept;

 private:
  // Where the next rows go, and the minima so far. Lives on the stack of the
  // walk and is never passed on, so that the compiler knows that rows written
  // through it do not change it.
  struct Cursor {
    GpuRow* row;
    KernelRow* kernel;
    GpuApiCall* call;
    uint64_t record_count = 0;
    uint32_t row_index;
    int64_t first_row_ns, first_call_ns;
    uint64_t first_row_id, first_call_id;
    uint64_t open_driver_id = 0;  // of the last call, if it was the driver's
    uint64_t driver_call_count = 0;

    void AddRow() noexcept {
      if (row->start_ns < first_row_ns) first_row_ns = row->start_ns;
      if (row->correlation_id != 0 && row->correlation_id < first_row_id) first_row_id = row->correlation_id;
      ++row;
      ++row_index;
    }
    void AddCall(bool is_driver) noexcept {
      if (call->start_ns < first_call_ns) first_call_ns = call->start_ns;
      if (call->correlation_id != 0 && call->correlation_id < first_call_id)
        first_call_id = call->correlation_id;
      if (!is_driver && call->correlation_id == open_driver_id && open_driver_id != 0) {
        // The driver call inside this one, which ended just before it.
        call[-1] = *call;
        --driver_call_count;
        open_driver_id = 0;
        return;
      }
      open_driver_id = is_driver ? call->correlation_id : 0;
      if (is_driver) ++driver_call_count;
      ++call;
    }
  };
  struct OpenRange {
    int64_t start_ns;
    int64_t thread_id;
    uint32_t name;
  };

  // Up to the first record that cannot be stepped over; returns its place.
  size_t ReadByStride(const uint8_t* buffer, size_t valid_bytes, Cursor* shared);
  // With the producer's walker; returns how many records that gave.
  uint64_t ReadByLibrary(uint8_t* buffer, size_t valid_bytes, Cursor* shared);
  bool IsSameWalk(uint8_t* buffer, size_t valid_bytes) const noexcept;
  void ShiftIds() noexcept;
  void CountTail(const uint8_t* buffer, size_t at, size_t valid_bytes) noexcept;
  bool OpenCursor(size_t valid_bytes, Cursor* cursor) noexcept;
  void Commit(const Cursor& from, const Cursor& to) noexcept;

  // activity_rows.cc. Each fills a row; false: it is not kept.
  void Decode(uint32_t kind, const uint8_t* record, Cursor* cursor);
  bool FillKernel(const uint8_t* record, uint32_t row_index, GpuRow* row, KernelRow* kernel);
  bool FillGraph(const uint8_t* record, uint32_t row_index, GpuRow* row, KernelRow* kernel);
  bool FillCall(uint32_t domain, const uint8_t* record, GpuApiCall* call);
  bool FillCopy(const uint8_t* record, GpuRow* row);
  bool FillPeerCopy(const uint8_t* record, GpuRow* row);
  bool FillMemset(const uint8_t* record, GpuRow* row);
  bool FillSync(const uint8_t* record, GpuRow* row);
  // activity_side_records.cc
  void DecodeOverhead(const uint8_t* record);
  void DecodeMarker(const uint8_t* record);
  void DecodeMemory(const uint8_t* record);
  void DecodeDevice(const uint8_t* record);
  void DecodeContext(const uint8_t* record);
  void DecodeName(const uint8_t* record);

  // Only the start is mapped: a duration is CUPTI's own. False: not kept, and counted.
  bool MapTimes(uint64_t start, uint64_t end, int64_t* start_ns, int64_t* end_ns) noexcept {
    const int64_t mapped = clock_.Map(start);
    *start_ns = mapped;
    *end_ns = static_cast<int64_t>(static_cast<uint64_t>(mapped) + (end - start));
    const bool has_begun_inside = start != 0 && mapped >= store_.earliest_ns && mapped <= store_.latest_ns;
    // An end before the start makes an unsigned duration that no session has room for.
    if (has_begun_inside &&
        end - start <= static_cast<uint64_t>(store_.latest_ns) - static_cast<uint64_t>(mapped))
      return true;
    return RefuseTimes(start, end, mapped, end_ns);
  }
  bool RefuseTimes(uint64_t start, uint64_t end, int64_t mapped, int64_t* end_ns) noexcept;
  uint32_t CallText(uint32_t domain, uint32_t id);
  uint32_t NewCallText(uint32_t domain, uint32_t id, std::vector<uint32_t>* cache);
  uint32_t CopyText(uint32_t direction, uint32_t from, uint32_t to);

  static constexpr uint32_t kUnseenText = 0xFFFFFFFF, kSkippedText = 0xFFFFFFFE;

  const ReaderSource source_;
  GpuClock& clock_;
  RecordStore& store_;
  CorrelationEpoch epoch_;
  std::array<uint16_t, cupti::kKindLimit> strides_{};
  std::array<bool, cupti::kKindLimit> is_readable_{};
  bool has_kernel_tail_ = false;  // what comes behind the name, from 11.0 on
  bool is_checked_ = false;       // the first buffer has been walked by both
  bool uses_library_ = false;     // the walks differed
  std::vector<uint32_t> runtime_texts_, driver_texts_;
  std::vector<uint32_t> copy_texts_;
  std::unordered_map<uint32_t, OpenRange> open_ranges_;
};

}  // namespace opscope::gpu
