#include "stream_gpu_filter.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace opscope {

namespace {

// Rows follow their calls within seconds.
constexpr size_t kRememberedCalls = 1u << 16;

// In CLOCK_MONOTONIC ns.
class Window {
 public:
  Window(const StreamBatch& batch, ClockMap* clock) {
    const auto base_ns = static_cast<int64_t>(batch.clock_points.front().ns);
    const Session& session = batch.session;
    start_ns_ = base_ns + clock->Map(session.start_ticks);
    if (session.stop_ticks != UINT64_MAX) stop_ns_ = base_ns + clock->Map(session.stop_ticks);
    for (const auto& [from, to] : session.pauses) {
      pauses_.emplace_back(base_ns + clock->Map(from),
                           to == UINT64_MAX ? INT64_MAX : base_ns + clock->Map(to));
    }
  }
  bool Has(int64_t at_ns) const noexcept {
    if (at_ns < start_ns_ || at_ns > stop_ns_) return false;
    const auto after = std::upper_bound(pauses_.begin(), pauses_.end(), at_ns,
                                        [](int64_t ns, const auto& pause) { return ns < pause.first; });
    return after == pauses_.begin() || at_ns >= (after - 1)->second;
  }

 private:
  int64_t start_ns_ = 0, stop_ns_ = INT64_MAX;
  std::vector<std::pair<int64_t, int64_t>> pauses_;
};

}  // namespace

void StreamGpuFilter::Add(std::unordered_set<uint64_t>* ids, std::deque<uint64_t>* order, uint64_t id) {
  if (!ids->insert(id).second) return;
  order->push_back(id);
  if (order->size() <= kRememberedCalls) return;
  ids->erase(order->front());
  order->pop_front();
}

void StreamGpuFilter::Restart() {
  for (const uint64_t id : inside_order_) Add(&outside_, &outside_order_, id);
  inside_.clear();
  inside_order_.clear();
}

GpuRecords StreamGpuFilter::Kept(const GpuRecords& gpu, const StreamBatch& batch, ClockMap* clock) {
  const Window window(batch, clock);
  GpuRecords kept;
  kept.strings = gpu.strings;
  kept.devices = gpu.devices;
  kept.contexts = gpu.contexts;
  kept.stream_names = gpu.stream_names;
  kept.warnings = gpu.warnings;
  for (GpuApiCall call : gpu.calls) {
    const bool is_inside = window.Has(call.start_ns);
    Add(is_inside ? &inside_ : &outside_, is_inside ? &inside_order_ : &outside_order_, call.correlation_id);
    call.end_ns = std::max(call.end_ns, call.start_ns);
    if (is_inside) kept.calls.Append(call);
  }
  const KernelRow* kernel = gpu.kernels.begin();
  for (uint32_t i = 0; i < gpu.rows.size(); ++i) {
    const GpuRow& row = gpu.rows[i];
    const bool is_kept =
        row.start_ns != 0 && row.end_ns >= row.start_ns && !outside_.contains(row.correlation_id);
    for (; kernel != gpu.kernels.end() && kernel->row <= i; ++kernel) {
      if (!is_kept || kernel->row != i) continue;
      KernelRow moved = *kernel;
      moved.row = static_cast<uint32_t>(kept.rows.size());
      kept.kernels.Append(moved);
    }
    if (is_kept) kept.rows.Append(row);
  }
  for (const GpuOverheadRow& row : gpu.overheads) {
    if (window.Has(row.start_ns) && row.end_ns >= row.start_ns) kept.overheads.Append(row);
  }
  for (const GpuRangeRow& row : gpu.ranges) {
    if (window.Has(row.start_ns)) kept.ranges.Append(row);
  }
  for (const GpuMemoryRow& row : gpu.memory) {
    if (window.Has(row.at_ns)) kept.memory.Append(row);
  }
  return kept;
}

}  // namespace opscope
