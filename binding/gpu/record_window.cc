#include <algorithm>
#include <string_view>
#include <utility>

#include "call_ids.h"
#include "record_store.h"

namespace opscope::gpu {

namespace {

// One use; not thread-safe.
class Window {
 public:
  Window(RecordStore* store, const WindowRequest& request, GpuRecords* out)
      : store_(*store), start_ns_(request.start_ns), tolerance_ns_(request.tolerance_ns), out_(*out) {}

  void Run() {
    first_id_ = store_.first_call_id;
    if (store_.first_call_ns < start_ns_) KeepCalls();
    if (store_.driver_call_count != 0) DropNestedDriverCalls();
    const bool keeps_all_rows =
        store_.first_row_ns >= start_ns_ && (first_id_ == UINT64_MAX || store_.first_row_id >= first_id_);
    if (!keeps_all_rows) KeepRows();
    KeepSince(&out_.overheads, [](const GpuOverheadRow& row) { return row.start_ns; });
    KeepSince(&out_.ranges, [](const GpuRangeRow& row) { return row.start_ns; });
    KeepSince(&out_.memory, [](const GpuMemoryRow& row) { return row.at_ns; });
  }
  uint64_t before_count() const noexcept { return before_count_; }

 private:
  template <typename T, typename TimeOf>
  void KeepSince(Column<T>* column, TimeOf time_of) const {
    const auto end = std::remove_if(column->begin(), column->end(),
                                    [&](const T& row) { return time_of(row) < start_ns_; });
    column->Truncate(static_cast<size_t>(end - column->begin()));
  }

  void KeepCalls() {
    for (GpuApiCall& call : out_.calls) {
      if (call.start_ns >= start_ns_ || call.start_ns < start_ns_ - tolerance_ns_) continue;
      call.end_ns += start_ns_ - call.start_ns;
      call.start_ns = start_ns_;
    }
    KeepSince(&out_.calls, [](const GpuApiCall& call) { return call.start_ns; });
    first_id_ = UINT64_MAX;
    for (const GpuApiCall& call : out_.calls) {
      if (call.correlation_id != 0) first_id_ = std::min(first_id_, call.correlation_id);
    }
  }

  void DropNestedDriverCalls() {
    std::vector<bool> is_driver(out_.strings.size());
    for (size_t i = 0; i < is_driver.size(); ++i) {
      const std::string_view text = out_.strings[i];
      is_driver[i] = text.substr(0, 2) == "cu" && text.substr(0, 4) != "cuda";
    }
    uint64_t first = UINT64_MAX, last = 0;
    for (const GpuApiCall& call : out_.calls) {
      if (is_driver[call.name]) continue;
      first = std::min(first, call.correlation_id);
      last = std::max(last, call.correlation_id);
    }
    if (first > last) return;
    CallIds runtime(first, last, out_.calls.size());
    for (const GpuApiCall& call : out_.calls) {
      if (!is_driver[call.name]) runtime.Add(call.correlation_id);
    }
    const auto end = std::remove_if(out_.calls.begin(), out_.calls.end(), [&](const GpuApiCall& call) {
      return is_driver[call.name] && runtime.Has(call.correlation_id);
    });
    out_.calls.Truncate(static_cast<size_t>(end - out_.calls.begin()));
  }

  // Launched before the window, or of unknown launch and begun before it.
  bool IsBefore(const GpuRow& row) const noexcept {
    if (row.correlation_id == 0 || first_id_ == UINT64_MAX) return row.start_ns < start_ns_;
    return row.correlation_id < first_id_;
  }

  void KeepRows() {
    size_t kept = 0, kernel = 0, kept_kernels = 0;
    for (size_t i = 0; i < out_.rows.size(); ++i) {
      const bool is_before = IsBefore(out_.rows[i]);
      if (kernel < out_.kernels.size() && out_.kernels[kernel].row == i) {
        if (!is_before) {
          out_.kernels[kept_kernels] = out_.kernels[kernel];
          out_.kernels[kept_kernels++].row = static_cast<uint32_t>(kept);
        }
        ++kernel;
      }
      if (!is_before) out_.rows[kept++] = out_.rows[i];
    }
    before_count_ = out_.rows.size() - kept;
    out_.rows.Truncate(kept);
    out_.kernels.Truncate(kept_kernels);
  }

  const RecordStore& store_;
  const int64_t start_ns_;
  const int64_t tolerance_ns_;
  GpuRecords& out_;
  uint64_t first_id_ = UINT64_MAX;  // the lowest number of a call in the window
  uint64_t before_count_ = 0;
};

template <typename T>
Column<T> Tail(const Column<T>& column, size_t from) {
  Column<T> tail(column.size() - from);
  if (tail.size() != 0)
    std::memcpy(static_cast<void*>(tail.data()), column.data() + from, tail.size() * sizeof(T));
  return tail;
}

void AddWarnings(const RecordCounts& counts, uint64_t before_count, GpuRecords* out) {
  const auto add = [out](const char* code, const char* detail, uint64_t count) {
    if (count != 0) out->warnings.push_back({code, detail, count});
  };
  add("gpu-dropped", "CUPTI dropped records; GPU counts and times are lower bounds", counts.dropped);
  add("gpu-discarded", "records arrived faster than they were read and were thrown away", counts.discarded);
  add("gpu-over-limit", "records beyond the limit of 16 million rows were not kept", counts.over_limit);
  add("gpu-lost-bytes", "bytes at the end of activity buffers could not be read", counts.lost_bytes);
  add("gpu-truncated", "activity buffers ended inside a record", counts.truncated);
  add("gpu-unknown-record", "activity buffers held a record of unknown kind", counts.unknown);
  add("gpu-walk-mismatch", "CUPTI's own walk over an activity buffer differed from ours, and was used",
      counts.walk_mismatches);
  add("gpu-zero-time", "GPU records without a start time were left out", counts.zero_time);
  add("gpu-negative-time", "GPU records that end before they start were left out", counts.negative_time);
  add("gpu-out-of-range", "records with times far outside the session were left out", counts.out_of_range);
  add("gpu-unfinished", "GPU work had not ended when the session stopped", counts.unfinished);
  add("gpu-before-window", "GPU work that was launched before the session was left out", before_count);
}

}  // namespace

GpuRecords TakeWindow(RecordStore* store, const WindowRequest& request) {
  GpuRecords out;
  const GpuPlace& since = request.since;
  if (request.is_last && since == GpuPlace{}) {
    out.rows = store->rows.Take();
    out.kernels = store->kernels.Take();
    out.calls = store->calls.Take();
    out.overheads = std::move(store->overheads);
    out.ranges = std::move(store->ranges);
    out.memory = std::move(store->memory);
  } else {
    out.rows = Tail(store->rows.column(), since.rows);
    out.kernels = Tail(store->kernels.column(), since.kernels);
    for (KernelRow& kernel : out.kernels) kernel.row -= static_cast<uint32_t>(since.rows);
    out.calls = Tail(store->calls.column(), since.calls);
    out.overheads = Tail(store->overheads, since.overheads);
    out.ranges = Tail(store->ranges, since.ranges);
    out.memory = Tail(store->memory, since.memory);
  }
  out.devices = store->devices;
  out.contexts = store->contexts;
  out.stream_names = store->stream_names;
  out.strings = store->texts.Resolve();
  Window window(store, request, &out);
  window.Run();
  AddWarnings(store->counts, window.before_count(), &out);
  return out;
}

}  // namespace opscope::gpu
