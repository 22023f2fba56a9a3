// A recording as rows of one kind, for the writers of tables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/columns.h"
#include "../core/row_ids.h"

namespace opscope {

// Whole numbers that callers give to spans as attributes; GPU rows have some of
// them by themselves.
enum class NumberKey : uint8_t {
  kDeviceIndex,
  kStream,
  kContext,
  kExecutionIndex,
  kInstructionIndex,
  kOperatorIndex,
  kCorrelationId,
  kBytes,
  kNone,
};

// The spans in their order, then what the GPU did. What each row has is decided by
// the rules of src/model/trace-rows.ts, which cannot be asked off the JavaScript
// thread; test/export/table-files.test.ts holds the two together. Costs up to 40
// bytes a row. Reads the recording, which must live longer. One thread at a time.
class TraceRows {
 public:
  explicit TraceRows(const Recording& recording);

  const Recording& recording() const noexcept { return recording_; }
  size_t size() const noexcept { return size_; }
  // By start; of two at once the longer first, unfinished before all, then by id.
  const Column<uint32_t>& order() const noexcept { return order_; }

  bool IsSpan(uint32_t row) const noexcept { return row < span_count_; }
  bool IsFinished(uint32_t row) const noexcept {
    return !IsSpan(row) || (recording_.spans.flags[row] & kUnfinished) == 0;
  }
  int64_t StartNs(uint32_t row) const noexcept {
    return IsSpan(row) ? recording_.spans.start_ns[row] : GpuOf(row).start_ns;
  }
  int64_t EndNs(uint32_t row) const noexcept {
    return IsSpan(row) ? recording_.spans.start_ns[row] + recording_.spans.duration_ns[row]
                       : GpuOf(row).end_ns;
  }
  // How much of the row lies in pauses of the session.
  int64_t PausedNs(uint32_t row) const noexcept;
  Category CategoryOf(uint32_t row) const noexcept;
  // The span around it, or in which it was launched; -1: none.
  int32_t Parent(uint32_t row) const noexcept {
    return IsSpan(row) ? recording_.spans.parent[row] : GpuOf(row).span;
  }
  // The innermost inference that is this row or around it; -1: none.
  int32_t Inference(uint32_t row) const noexcept { return inference_[row]; }
  // Index into Recording::processes; 0 in a plain recording.
  uint32_t ProcessOf(uint32_t row) const noexcept;
  // Of GPU work, the thread that launched it; null: not known.
  const ThreadEntry* ThreadOf(uint32_t row) const noexcept;

  uint64_t SpanId(uint32_t row) const noexcept { return ids_.SpanId(row); }
  // Of the parent here or in another process, 0: a root. False: GPU work whose span is not known.
  bool ParentId(uint32_t row, uint64_t* id) const noexcept;
  // What the row's name and trace are among the texts below; -1: GPU work whose span is not known.
  int32_t NameCode(uint32_t row) const noexcept {
    return IsSpan(row) ? name_codes_[recording_.spans.name[row]] : string_codes_[GpuOf(row).name];
  }
  int32_t TraceCode(uint32_t row) const noexcept { return trace_codes_[row]; }
  // Each once, in the order of their first rows.
  const std::vector<std::string_view>& names() const noexcept { return names_; }
  const std::vector<std::pair<uint64_t, uint64_t>>& traces() const noexcept { return traces_; }

  // What the GPU row knows, or the attribute of this name if it is a whole number
  // that its column has room for.
  bool Number(uint32_t row, NumberKey key, int64_t* value) const noexcept;
  // Appends what no column shows, as JSON; false: nothing.
  bool AppendOtherAttributes(uint32_t row, std::string* out) const;

 private:
  const GpuRow& GpuOf(uint32_t row) const noexcept { return recording_.gpu[row - span_count_]; }
  bool ShownNumber(const AttributeRow& attribute, int64_t* value) const noexcept;

  void ReadNames();
  void ReadAttributes();
  void ReadTraces();
  void Sort();
  // For each row the nearest, of itself and those around it, of which `is_one` holds; -1: none.
  template <typename IsOne>
  Column<int32_t> Nearest(IsOne is_one) const;

  const Recording& recording_;
  const uint32_t span_count_;
  const size_t size_;
  const RowIds ids_;
  std::vector<const ThreadEntry*> threads_;  // those with rows, by their first
  Column<uint32_t> attributes_;              // by span, its first; empty: there are none
  std::vector<NumberKey> keys_;              // by string
  std::vector<int32_t> name_codes_, string_codes_;
  std::vector<std::string_view> names_;
  std::vector<std::pair<uint64_t, uint64_t>> traces_;
  Column<int32_t> inference_, trace_codes_;
  Column<uint32_t> order_;
};

}  // namespace opscope
