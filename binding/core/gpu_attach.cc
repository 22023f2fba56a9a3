#include "gpu_attach.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "range_nest.h"
#include "raw_rows.h"
#include "row_order.h"

namespace opscope {
namespace {

// One use; not thread-safe.
class Attacher {
 public:
  Attacher(GpuRecords&& records, Recording* recording, uint32_t category_mask)
      : records_(std::move(records)), out_(*recording), category_mask_(category_mask) {}

  void Run() {
    string_base_ = static_cast<uint32_t>(out_.strings.size());
    out_.strings.insert(out_.strings.end(), std::make_move_iterator(records_.strings.begin()),
                        std::make_move_iterator(records_.strings.end()));
    for (uint32_t i = 0; i < out_.threads.size(); ++i) threads_.emplace(out_.threads[i].os_thread_id, i);
    AddCalls();
    AddRows();
    AddSideTables();
    AddRanges();
    for (Warning& warning : records_.warnings) out_.warnings.push_back(std::move(warning));
    AttributeGpu(&out_);
  }

 private:
  int64_t Ns(int64_t clock_ns) const noexcept { return clock_ns - out_.origin_clock_ns; }
  bool IsInside(int64_t clock_ns) const noexcept {
    const int64_t at = Ns(clock_ns);
    if (at < 0 || at > out_.duration_ns) return false;
    const auto after =
        std::upper_bound(out_.pauses.begin(), out_.pauses.end(), at,
                         [](int64_t ns, const PauseRow& pause) { return ns < pause.start_ns; });
    return after == out_.pauses.begin() || at >= (after - 1)->end_ns;
  }

  bool IsWanted(GpuKind kind) const noexcept {
    const Category category = kind == GpuKind::kKernel ? Category::kDevice
                              : kind == GpuKind::kSync ? Category::kSync
                                                       : Category::kMemcpy;
    return (category_mask_ >> static_cast<uint32_t>(category) & 1) != 0;
  }

  // A thread that recorded no span still launches: it gets an entry of its own.
  uint32_t ThreadOf(int64_t os_thread_id) {
    if (os_thread_id == last_os_thread_) return last_thread_;
    const auto [found, is_new] =
        threads_.try_emplace(os_thread_id, static_cast<uint32_t>(out_.threads.size()));
    if (is_new) {
      ThreadEntry thread;
      thread.os_thread_id = os_thread_id;
      thread.first_row = static_cast<uint32_t>(out_.spans.size());
      out_.threads.push_back(std::move(thread));
    }
    last_os_thread_ = os_thread_id;
    return last_thread_ = found->second;
  }

  void AddCalls() {
    out_.launches.Reset(records_.calls.size());
    size_t kept = 0;
    for (const GpuApiCall& call : records_.calls) {
      if (!IsInside(call.start_ns)) {
        outside_.insert(call.correlation_id);
        continue;
      }
      LaunchRow& launch = out_.launches[kept++];
      launch = {};
      launch.start_ns = Ns(call.start_ns);
      launch.end_ns = std::max(Ns(call.end_ns), launch.start_ns);
      launch.correlation_id = call.correlation_id;
      launch.name = string_base_ + call.name;
      launch.thread = ThreadOf(call.os_thread_id);
      launch.span = kNoParent;
    }
    out_.launches.Truncate(kept);
    records_.calls = Column<GpuApiCall>();
    SortTable(&out_.launches, [](const LaunchRow& a, const LaunchRow& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.start_ns < b.start_ns;
    });
  }

  // In place: the rows are most of the memory, and to write as much again costs
  // more than all else here.
  void AddRows() {
    out_.gpu = std::move(records_.rows);
    Column<uint32_t> new_rows;  // made when the first row is left out
    size_t kept = 0;
    for (uint32_t i = 0; i < out_.gpu.size(); ++i) {
      GpuRow& row = out_.gpu[i];
      // What has no end is counted by the back end.
      const bool is_kept = row.start_ns != 0 && row.end_ns >= row.start_ns && IsWanted(row.kind) &&
                           (outside_.empty() || outside_.count(row.correlation_id) == 0);
      if (!is_kept && new_rows.empty()) {
        new_rows.Reset(out_.gpu.size());
        std::iota(new_rows.begin(), new_rows.end(), 0u);
      }
      if (!new_rows.empty()) new_rows[i] = is_kept ? static_cast<uint32_t>(kept) : UINT32_MAX;
      if (!is_kept) continue;
      row.start_ns = Ns(row.start_ns);
      row.end_ns = Ns(row.end_ns);
      row.name += string_base_;
      row.launch = -1;
      row.span = kNoParent;
      if (kept != i) out_.gpu[kept] = row;
      ++kept;
    }
    out_.gpu.Truncate(kept);
    AddKernels(new_rows);
  }
  void AddKernels(const Column<uint32_t>& new_rows) {
    Column<KernelRow>& kernels = out_.gpu_details.kernels = std::move(records_.kernels);
    if (new_rows.empty()) return;
    size_t kept = 0;
    for (KernelRow kernel : kernels) {
      if (kernel.row >= new_rows.size() || new_rows[kernel.row] == UINT32_MAX) continue;
      kernel.row = new_rows[kernel.row];
      kernels[kept++] = kernel;
    }
    kernels.Truncate(kept);
  }

  void AddSideTables() {
    GpuDetails& details = out_.gpu_details;
    details.devices = std::move(records_.devices);
    details.contexts = std::move(records_.contexts);
    details.stream_names = std::move(records_.stream_names);
    for (GpuOverheadRow row : records_.overheads) {
      if (!IsInside(row.start_ns)) continue;
      row.start_ns = Ns(row.start_ns);
      row.end_ns = Ns(row.end_ns);
      details.overheads.Append(row);
    }
    for (GpuMemoryRow row : records_.memory) {
      if (!IsInside(row.at_ns)) continue;
      row.at_ns = Ns(row.at_ns);
      row.span = kNoParent;
      details.memory.Append(row);
    }
    PutGpuInOrder(&out_.gpu, &details);
  }

  void AddRanges() {
    std::vector<TimedRange> ranges;
    std::unordered_map<uint32_t, uint32_t> names;  // by text
    for (const GpuRangeRow& range : records_.ranges) {
      if (!IsInside(range.start_ns)) continue;
      const auto [name, is_new] = names.try_emplace(range.name, static_cast<uint32_t>(out_.names.size()));
      if (is_new) {
        const std::string& text = out_.strings[string_base_ + range.name];
        out_.names.push_back({text.empty() ? "(unnamed)" : text, "", Category::kSection, Role::kOp});
      }
      ranges.push_back({Ns(range.start_ns), std::max(Ns(range.end_ns), Ns(range.start_ns)), name->second,
                        ThreadOf(range.os_thread_id)});
    }
    NestRanges(std::move(ranges), &out_);
  }

  GpuRecords records_;
  Recording& out_;
  const uint32_t category_mask_;
  uint32_t string_base_ = 0;
  std::unordered_map<int64_t, uint32_t> threads_;  // by OS thread id
  int64_t last_os_thread_ = -1;
  uint32_t last_thread_ = 0;
  std::unordered_set<uint64_t> outside_;  // correlation ids of calls that are not recorded
};

}  // namespace

void AttachGpu(GpuRecords&& records, Recording* recording, uint32_t category_mask) {
  Attacher(std::move(records), recording, category_mask).Run();
}

}  // namespace opscope
