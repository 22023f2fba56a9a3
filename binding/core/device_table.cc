// What each device did and when it did nothing: one sweep over all GPU rows.
#include <algorithm>
#include <functional>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gpu_tables.h"
#include "intervals.h"
#include "open_span_sweep.h"
#include "quantile.h"

namespace opscope {
namespace {

using EarliestFirst = std::priority_queue<int64_t, std::vector<int64_t>, std::greater<>>;

bool IsDevice(MemoryKind kind) noexcept {
  return kind == MemoryKind::kDevice || kind == MemoryKind::kArray || kind == MemoryKind::kManaged;
}
CopyWay WayOf(MemoryKind from, MemoryKind to) noexcept {
  if (from == MemoryKind::kPeer || to == MemoryKind::kPeer) return CopyWay::kPeer;
  if (IsHostMemory(from) && IsDevice(to)) return CopyWay::kToDevice;
  if (IsDevice(from) && IsHostMemory(to)) return CopyWay::kToHost;
  if (IsDevice(from) && IsDevice(to)) return CopyWay::kOnDevice;
  return CopyWay::kOther;
}

// How many kernels ran at once, and for how long.
class Concurrency {
 public:
  void Begin(int64_t start_ns, int64_t end_ns) {
    RunTo(start_ns);
    ends_.push(end_ns);
  }
  const std::array<int64_t, DeviceSums::kDepths>& Finish() {
    RunTo(INT64_MAX);
    return depth_ns_;
  }

 private:
  void RunTo(int64_t to_ns) {
    while (!ends_.empty() && ends_.top() <= to_ns) {
      Spend(ends_.top());
      ends_.pop();
    }
    if (!ends_.empty()) Spend(to_ns);
    at_ns_ = to_ns;
  }
  void Spend(int64_t to_ns) noexcept {
    depth_ns_[std::min(ends_.size(), DeviceSums::kDepths) - 1] += to_ns - at_ns_;
    at_ns_ = to_ns;
  }

  EarliestFirst ends_;
  int64_t at_ns_ = 0;
  std::array<int64_t, DeviceSums::kDepths> depth_ns_{};
};

struct DeviceState {
  DeviceSums sums;
  bool has_work = false;
  int64_t covered_ns = 0;  // end of the work seen so far
  uint32_t last_row = 0;   // the row that ends there
  Concurrency concurrency;
  Intervals kernels, copies;
  std::array<Intervals, kCopyWays> ways;
  EarliestFirst wait_ends;  // of host waits; those before the last gap are gone
  std::vector<int64_t> latencies;
  std::set<std::pair<uint32_t, uint32_t>> streams;  // context, stream
  uint32_t last_context = UINT32_MAX, last_stream = UINT32_MAX;
  int32_t last_blocking = -1;  // launch
};

// One use; not thread-safe.
class DeviceTables {
 public:
  DeviceTables(const Recording& recording, GpuTables* tables)
      : recording_(recording), out_(*tables), text_kinds_(recording.strings.size(), kUnread) {}

  void Build() {
    Intervals busy;
    for (uint32_t i = 0; i < recording_.gpu.size(); ++i) {
      const GpuRow& row = recording_.gpu[i];
      DeviceState& device = StateOf(row.device);
      if (row.kind == GpuKind::kSync) {
        AddWait(row, &device);
        continue;
      }
      busy.Add(row.start_ns, row.end_ns);
      AddWork(row, i, &device);
    }
    out_.busy_ns = busy.Length();
    // One that did nothing is worth a row too.
    for (const GpuDevice& device : recording_.gpu_details.devices) StateOf(device.id);
    for (auto& device : states_) out_.devices.push_back(Finish(device.get()));
    std::sort(out_.devices.begin(), out_.devices.end(),
              [](const DeviceSums& a, const DeviceSums& b) { return a.device < b.device; });
    std::sort(out_.gaps.begin(), out_.gaps.end(), IsLonger);
    FindHostSpans();
  }

 private:
  enum TextKind : uint8_t { kUnread, kPlain, kGraphCall, kStreamWait };

  TextKind KindOf(uint32_t text) {
    TextKind& kind = text_kinds_[text];
    if (kind == kUnread) {
      const std::string& name = recording_.strings[text];
      kind = name == "Stream Wait Event"               ? kStreamWait
             : name.find("Graph") != std::string::npos ? kGraphCall
                                                       : kPlain;
    }
    return kind;
  }

  DeviceState& StateOf(uint32_t id) {
    if (last_ < states_.size() && states_[last_]->sums.device == id) return *states_[last_];
    for (last_ = 0; last_ < states_.size(); ++last_) {
      if (states_[last_]->sums.device == id) return *states_[last_];
    }
    states_.push_back(std::make_unique<DeviceState>());
    states_.back()->sums.device = id;
    return *states_.back();
  }

  const LaunchRow* LaunchOf(const GpuRow& row) const noexcept {
    return row.launch < 0 ? nullptr : &recording_.launches[static_cast<size_t>(row.launch)];
  }

  // A stream that waits for an event keeps no thread waiting.
  void AddWait(const GpuRow& row, DeviceState* device) {
    if (KindOf(row.name) == kStreamWait) return;
    ++device->sums.waits.count;
    device->sums.waits.ns += row.end_ns - row.start_ns;
    device->wait_ends.push(row.end_ns);
  }

  void AddWork(const GpuRow& row, uint32_t index, DeviceState* device) {
    DeviceSums& sums = device->sums;
    const LaunchRow* launch = LaunchOf(row);
    const bool ends_gap = device->has_work && row.start_ns > device->covered_ns;
    if (ends_gap) AddGap(row, index, launch, device);
    if (!device->has_work) sums.first_ns = row.start_ns;
    if (!device->has_work || row.end_ns > device->covered_ns) {
      device->covered_ns = row.end_ns;
      device->last_row = index;
    }
    device->has_work = true;
    if (row.context != device->last_context || row.stream != device->last_stream) {
      device->streams.emplace(row.context, row.stream);
      device->last_context = row.context;
      device->last_stream = row.stream;
    }
    switch (row.kind) {
      case GpuKind::kKernel:
        return AddKernel(row, launch, ends_gap, device);
      case GpuKind::kCopy:
        ++sums.copies;
        device->copies.Add(row.start_ns, row.end_ns);
        return AddCopy(row, launch, device);
      case GpuKind::kFill:
        ++sums.fills;
        sums.fill_sum_ns += row.end_ns - row.start_ns;
        return device->copies.Add(row.start_ns, row.end_ns);
      case GpuKind::kSync:
        return;
    }
  }

  void AddKernel(const GpuRow& row, const LaunchRow* launch, bool ends_gap, DeviceState* device) {
    DeviceSums& sums = device->sums;
    const int64_t ns = row.end_ns - row.start_ns;
    ++sums.kernels;
    sums.kernel_sum_ns += ns;
    device->kernels.Add(row.start_ns, row.end_ns);
    device->concurrency.Begin(row.start_ns, row.end_ns);
    const bool is_graph_node = launch == nullptr || KindOf(launch->name) == kGraphCall;
    if (ns < kTinyNs) {
      ++sums.tiny.count;
      if (!is_graph_node) sums.tiny.ns += launch->end_ns - launch->start_ns;
    }
    if (is_graph_node) return;
    const int64_t latency = row.start_ns - launch->end_ns;
    device->latencies.push_back(latency);
    if (latency < 0) ++sums.early_launches;
    if (ends_gap && latency < kTinyNs) ++sums.launch_bound;
  }

  void AddCopy(const GpuRow& row, const LaunchRow* launch, DeviceState* device) {
    DeviceSums& sums = device->sums;
    const CopyWay way = WayOf(row.from, row.to);
    WaySums& of_way = sums.ways[static_cast<size_t>(way)];
    ++of_way.copies;
    of_way.bytes += row.bytes;
    of_way.gpu_ns += row.end_ns - row.start_ns;
    device->ways[static_cast<size_t>(way)].Add(row.start_ns, row.end_ns);
    const bool is_pageable = row.from == MemoryKind::kPageable || row.to == MemoryKind::kPageable;
    if (is_pageable && (way == CopyWay::kToDevice || way == CopyWay::kToHost))
      sums.pageable_bytes += row.bytes;
    if (launch == nullptr || !IsBlockingCopy(row, *launch) || row.launch == device->last_blocking) return;
    device->last_blocking = row.launch;
    ++sums.blocking_copies.count;
    sums.blocking_copies.ns += launch->end_ns - launch->start_ns;
    device->wait_ends.push(launch->end_ns);
  }

  void AddGap(const GpuRow& row, uint32_t index, const LaunchRow* launch, DeviceState* device) {
    GapRow gap{};
    gap.start_ns = device->covered_ns;
    gap.end_ns = row.start_ns;
    gap.device = row.device;
    gap.before = device->last_row;
    gap.after = index;
    gap.host_span = kNoParent;
    gap.cause = CauseOf(gap, launch, device);
    const bool came_late = gap.cause == GapCause::kHost || gap.cause == GapCause::kSync;
    if (came_late) gap.host_ns = std::min(launch->start_ns, gap.end_ns) - gap.start_ns;
    CountAndTime& sums = device->sums.gaps[static_cast<size_t>(gap.cause)];
    ++sums.count;
    sums.ns += gap.end_ns - gap.start_ns;
    Keep(gap);
  }

  static GapCause CauseOf(const GapRow& gap, const LaunchRow* launch, DeviceState* device) {
    EarliestFirst& waits = device->wait_ends;
    while (!waits.empty() && waits.top() < gap.start_ns - kGpuClockErrorNs) waits.pop();
    if (gap.end_ns - gap.start_ns < kTinyNs) return GapCause::kLaunch;
    if (launch == nullptr) return GapCause::kUnknown;
    if (launch->start_ns <= gap.start_ns) return GapCause::kPending;
    const bool has_waited = !waits.empty() && waits.top() <= launch->start_ns + kGpuClockErrorNs;
    return has_waited ? GapCause::kSync : GapCause::kHost;
  }

  // The longest of all devices, as a heap with the shortest of them on top.
  static bool IsLonger(const GapRow& a, const GapRow& b) noexcept {
    const int64_t x = a.end_ns - a.start_ns, y = b.end_ns - b.start_ns;
    return x != y ? x > y : a.start_ns < b.start_ns;
  }
  void Keep(const GapRow& gap) {
    std::vector<GapRow>& kept = out_.gaps;
    if (kept.size() == GpuTables::kMaxGaps) {
      if (!IsLonger(gap, kept.front())) return;
      std::pop_heap(kept.begin(), kept.end(), IsLonger);
      kept.pop_back();
    }
    kept.push_back(gap);
    std::push_heap(kept.begin(), kept.end(), IsLonger);
  }

  static DeviceSums Finish(DeviceState* device) {
    DeviceSums& sums = device->sums;
    sums.last_ns = device->covered_ns;
    sums.kernel_ns = device->kernels.Length();
    sums.copy_ns = device->copies.Length();
    sums.overlap_ns = device->copies.Overlap(device->kernels);
    sums.busy_ns = sums.kernel_ns + sums.copy_ns - sums.overlap_ns;
    sums.depth_ns = device->concurrency.Finish();
    for (size_t way = 0; way < kCopyWays; ++way) {
      sums.ways[way].union_ns = device->ways[way].Length();
      sums.ways[way].overlap_ns = device->ways[way].Overlap(device->kernels);
    }
    sums.streams = static_cast<uint32_t>(device->streams.size());
    FindLatencies(&device->latencies, &sums);
    return sums;
  }

  static void FindLatencies(std::vector<int64_t>* latencies, DeviceSums* sums) {
    sums->launches = latencies->size();
    if (latencies->empty()) return;
    sums->launch_min_ns = *std::min_element(latencies->begin(), latencies->end());
    const auto percentile = [&](uint64_t percent) {
      std::vector<uint64_t> values(latencies->size());
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<uint64_t>((*latencies)[i] - sums->launch_min_ns);
      return static_cast<int64_t>(PercentileOf(values.data(), values.size(), percent)) + sums->launch_min_ns;
    };
    sums->launch_p50_ns = percentile(50);
    sums->launch_p99_ns = percentile(99);
  }

  // What the launching thread did halfway between the end of the work and the next launch.
  void FindHostSpans() {
    struct Question {
      uint32_t thread, gap;
      int64_t at_ns;
    };
    std::vector<Question> questions;
    for (uint32_t i = 0; i < out_.gaps.size(); ++i) {
      const GapRow& gap = out_.gaps[i];
      if (gap.host_ns <= 0) continue;
      const LaunchRow& launch = *LaunchOf(recording_.gpu[gap.after]);
      questions.push_back({launch.thread, i, gap.start_ns + gap.host_ns / 2});
    }
    std::sort(questions.begin(), questions.end(), [](const Question& a, const Question& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.at_ns < b.at_ns;
    });
    for (size_t i = 0; i < questions.size();) {
      const uint32_t thread = questions[i].thread;
      OpenSpanSweep sweep(recording_, recording_.threads[thread]);
      for (; i < questions.size() && questions[i].thread == thread; ++i)
        out_.gaps[questions[i].gap].host_span = sweep.InnermostAt(questions[i].at_ns);
    }
  }

  const Recording& recording_;
  GpuTables& out_;
  std::vector<TextKind> text_kinds_;                  // by string
  std::vector<std::unique_ptr<DeviceState>> states_;  // by first work
  size_t last_ = 0;
};

}  // namespace

void BuildDeviceTables(const Recording& recording, GpuTables* tables) {
  DeviceTables(recording, tables).Build();
}

}  // namespace opscope
