#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "brackets.h"
#include "launch_index.h"
#include "open_span_sweep.h"
#include "processes.h"
#include "raw_rows.h"
#include "row_order.h"

namespace opscope {
namespace {

const char* PlaceOf(MemoryKind kind) noexcept {
  switch (kind) {
    case MemoryKind::kPageable:
      return "CPU";
    case MemoryKind::kPinned:
      return "CUDAPinned";
    case MemoryKind::kUnknown:
    case MemoryKind::kDevice:
    case MemoryKind::kArray:
    case MemoryKind::kManaged:
    case MemoryKind::kPeer:
      break;
  }
  return "GPU";
}

// The names of the original's GpuMemcpy summary.
std::string CopyName(bool is_async, MemoryKind from, MemoryKind to) {
  const std::string how = is_async ? "Async" : "Sync";
  if (from == MemoryKind::kPeer || to == MemoryKind::kPeer) return "GpuMemcpyPeer" + how + ":GPU->GPU";
  if (from == MemoryKind::kUnknown || to == MemoryKind::kUnknown) return "GpuMemcpy" + how + ":Unknown";
  if (!IsHostMemory(from) && !IsHostMemory(to)) return "GpuMemcpy" + how + "(same_gpu):GPU->GPU";
  return "GpuMemcpy" + how + ":" + PlaceOf(from) + "->" + PlaceOf(to);
}

// Whose work a thread did at ascending moments. Not thread-safe.
class ContextSweep {
 public:
  explicit ContextSweep(const Column<ContextRow>& contexts) : contexts_(contexts) {}

  // Neither threads nor the moments of one may descend.
  int32_t SpanAt(uint32_t thread, int64_t at_ns) noexcept {
    const auto is_over = [&](const ContextRow& row) {
      return row.thread != thread ? row.thread < thread : row.end_ns <= at_ns;
    };
    while (next_ < contexts_.size() && is_over(contexts_[next_])) ++next_;
    if (next_ == contexts_.size()) return kNoParent;
    const ContextRow& row = contexts_[next_];
    return row.thread == thread && row.start_ns <= at_ns ? row.span : kNoParent;
  }

 private:
  const Column<ContextRow>& contexts_;
  size_t next_ = 0;
};

// One use; not thread-safe.
class Attribution {
 public:
  explicit Attribution(Recording* recording) : out_(*recording), spans_(recording->spans) {}

  void Run() {
    PutInBeginOrder(&out_);
    JoinGpuRows();
    FindSpansOfLaunches();
    GiveAllocations();
    if (!copies_.empty()) AddCopyRows();
    if (!out_.gpu.empty()) GiveTimes();
  }

 private:
  // A span row to be: a copy call, or one copy of a graph's.
  struct CopyRow {
    int32_t launch;
    uint32_t gpu_row;  // of several copies of a call, the first
    uint32_t insert_at = 0;
    int32_t parent = kNoParent;
  };
  struct ApiCall {
    bool is_known, is_graph, is_async;
  };

  ApiCall CallOf(const LaunchRow& launch) {
    if (calls_.empty()) calls_.resize(out_.strings.size());
    ApiCall& call = calls_[launch.name];
    if (!call.is_known) {
      const auto has = [&name = out_.strings[launch.name]](const char* part) {
        return name.find(part) != std::string::npos;
      };
      call = {true, has("Graph"), has("Async") || has("async")};
    }
    return call;
  }

  void JoinGpuRows() {
    const LaunchIndex index(out_.launches);
    if (index.duplicate_count() != 0) {
      out_.warnings.push_back({"duplicate-correlation",
                               "API calls shared a correlation id; GPU work went to the last one before it",
                               index.duplicate_count()});
    }
    std::vector<bool> has_copy_row(out_.launches.size());
    for (uint32_t i = 0; i < out_.gpu.size(); ++i) {
      GpuRow& row = out_.gpu[i];
      row.launch = index.Find(row.correlation_id, row.start_ns);
      row.span = kNoParent;
      if (row.kind != GpuKind::kCopy || row.launch < 0) continue;
      const auto launch = static_cast<size_t>(row.launch);
      if (has_copy_row[launch] && !CallOf(out_.launches[launch]).is_graph) continue;
      has_copy_row[launch] = true;
      copies_.push_back({row.launch, i});
    }
    for (const GpuMemoryRow& row : out_.gpu_details.memory)
      memory_launches_.push_back(index.Find(row.correlation_id, row.at_ns));
    std::stable_sort(copies_.begin(), copies_.end(),
                     [](const CopyRow& a, const CopyRow& b) { return a.launch < b.launch; });
  }

  void FindSpansOfLaunches() {
    auto copy = copies_.begin();
    ContextSweep contexts(out_.contexts);
    for (size_t i = 0; i < out_.launches.size();) {
      const uint32_t thread = out_.launches[i].thread;
      OpenSpanSweep sweep(out_, out_.threads[thread]);
      uint32_t insert_at = 0;
      for (; i < out_.launches.size() && out_.launches[i].thread == thread; ++i) {
        LaunchRow& launch = out_.launches[i];
        launch.span = sweep.InnermostAt(launch.start_ns);
        launch.flags = 0;
        if (launch.span == kNoParent) {
          launch.span = contexts.SpanAt(thread, launch.start_ns);
          if (launch.span != kNoParent) {
            launch.flags = kByContext;
          } else {
            FindByExclusion(&launch);
          }
        }
        for (; copy != copies_.end() && static_cast<size_t>(copy->launch) == i; ++copy) {
          insert_at = std::max(insert_at, static_cast<uint32_t>(sweep.next_row()));
          if (IsOnThread(launch.span, thread))
            insert_at = std::max(insert_at, static_cast<uint32_t>(launch.span) + 1);
          copy->insert_at = insert_at;
          copy->parent = launch.span;
        }
      }
    }
  }

  bool IsOnThread(int32_t span, uint32_t thread) const noexcept {
    const ThreadEntry& entry = out_.threads[thread];
    return span != kNoParent && static_cast<uint32_t>(span) - entry.first_row < entry.row_count;
  }

  // For the threads that a native call works on. JavaScript's are none of them, nor
  // is the bracket's own: what such a thread launches between its spans has no more
  // to do with the bracket than with other async work.
  void FindByExclusion(LaunchRow* launch) {
    const ThreadEntry& thread = out_.threads[launch->thread];
    if (thread.js_thread_id >= 0) return;
    if (brackets_.empty()) brackets_.resize(ProcessCount(out_.processes));
    std::optional<Brackets>& brackets = brackets_[thread.process];
    if (!brackets) brackets.emplace(out_, thread.process);
    const int32_t span = brackets->OnlyOneAcross(launch->start_ns, launch->end_ns);
    if (span == kNoParent || IsOnThread(span, launch->thread)) return;
    launch->span = span;
    launch->flags = kByExclusion;
  }

  void GiveAllocations() {
    Column<GpuMemoryRow>& memory = out_.gpu_details.memory;
    for (size_t i = 0; i < memory.size(); ++i) {
      const int32_t launch = memory_launches_[i];
      memory[i].span = launch < 0 ? kNoParent : out_.launches[static_cast<size_t>(launch)].span;
    }
  }

  // In begin order behind the rows that began by then, the parent among them.
  void AddCopyRows() {
    Column<uint32_t> new_rows(spans_.size());
    uint32_t added = 0;
    for (uint32_t row = 0; row < new_rows.size(); ++row) {
      while (added < copies_.size() && copies_[added].insert_at <= row) ++added;
      new_rows[row] = row + added;
    }
    MoveRows(&out_, new_rows, spans_.size() + copies_.size());
    for (uint32_t i = 0; i < copies_.size(); ++i) {
      const CopyRow& copy = copies_[i];
      const int32_t parent = copy.parent == kNoParent
                                 ? kNoParent
                                 : static_cast<int32_t>(new_rows[static_cast<size_t>(copy.parent)]);
      FillCopyRow(copy, copy.insert_at + i, parent);
      ++out_.threads[out_.launches[static_cast<size_t>(copy.launch)].thread].row_count;
    }
    uint32_t first_row = 0;
    for (ThreadEntry& thread : out_.threads) {
      thread.first_row = first_row;
      first_row += thread.row_count;
    }
  }

  void FillCopyRow(const CopyRow& copy, uint32_t row, int32_t parent) {
    LaunchRow& launch = out_.launches[static_cast<size_t>(copy.launch)];
    GpuRow& gpu = out_.gpu[copy.gpu_row];
    const ApiCall call = CallOf(launch);
    spans_.start_ns[row] = launch.start_ns;
    spans_.parent[row] = parent;
    spans_.flags[row] = 0;
    if (call.is_graph) {
      // The host time is the graph launch's, and that launch is no copy.
      spans_.duration_ns[row] = 0;
      spans_.name[row] = NameOf(true, gpu.from, gpu.to);
      gpu.span = static_cast<int32_t>(row);
      return;
    }
    const int64_t duration = launch.end_ns - launch.start_ns;
    spans_.duration_ns[row] = launch.flags == 0 ? std::min(duration, TimeLeftIn(parent, launch)) : duration;
    spans_.name[row] = NameOf(call.is_async, gpu.from, gpu.to);
    launch.span = static_cast<int32_t>(row);
  }

  // An API call ends inside the span that makes it; where the mapping between
  // the two clocks says otherwise (by some 100 ns), the span's end is right.
  int64_t TimeLeftIn(int32_t parent, const LaunchRow& launch) const {
    if (parent == kNoParent) return INT64_MAX;
    const auto row = static_cast<size_t>(parent);
    if ((spans_.flags[row] & kUnfinished) != 0) return INT64_MAX;
    return spans_.start_ns[row] + spans_.duration_ns[row] - launch.start_ns;
  }

  uint32_t NameOf(bool is_async, MemoryKind from, MemoryKind to) {
    uint32_t& name = copy_names_[(static_cast<size_t>(is_async) * kMemoryKinds + static_cast<size_t>(from)) *
                                     kMemoryKinds +
                                 static_cast<size_t>(to)];
    if (name == 0) {
      NameEntry entry;
      entry.text = CopyName(is_async, from, to);
      entry.category = Category::kMemcpy;
      entry.role = Role::kCopy;
      const auto found = std::find(out_.names.begin(), out_.names.end(), entry);
      name = static_cast<uint32_t>(found - out_.names.begin()) + 1;
      if (found == out_.names.end()) out_.names.push_back(std::move(entry));
    }
    return name - 1;
  }

  void GiveTimes() {
    spans_.gpu_ns.Reset(spans_.size());
    spans_.gpu_ns.Fill(0);
    for (GpuRow& row : out_.gpu) {
      if (row.launch < 0) continue;
      if (row.span == kNoParent) row.span = out_.launches[static_cast<size_t>(row.launch)].span;
      if (row.span == kNoParent || row.kind == GpuKind::kSync) continue;
      spans_.gpu_ns[static_cast<size_t>(row.span)] += std::max<int64_t>(row.end_ns - row.start_ns, 0);
    }
    if (AreParentsFirst()) {
      for (size_t row = spans_.size(); row-- > 0;) GiveToParent(row);
    } else {
      GiveFromLeaves();
    }
  }
  bool AreParentsFirst() const noexcept {
    for (size_t row = 0; row < spans_.size(); ++row) {
      if (spans_.parent[row] >= static_cast<int32_t>(row)) return false;
    }
    return true;
  }
  void GiveToParent(size_t row) noexcept {
    const int32_t parent = spans_.parent[row];
    if (parent != kNoParent) spans_.gpu_ns[static_cast<size_t>(parent)] += spans_.gpu_ns[row];
  }
  // Parents on later threads come after their children: up from each leaf, as
  // far as all other children have been.
  void GiveFromLeaves() {
    Column<uint32_t> waiting(spans_.size());
    waiting.Fill(0);
    for (const int32_t parent : spans_.parent) {
      if (parent != kNoParent) ++waiting[static_cast<size_t>(parent)];
    }
    constexpr uint32_t kGiven = UINT32_MAX;
    for (size_t leaf = 0; leaf < spans_.size(); ++leaf) {
      for (size_t row = leaf; waiting[row] == 0;) {
        waiting[row] = kGiven;
        GiveToParent(row);
        if (spans_.parent[row] == kNoParent) break;
        row = static_cast<size_t>(spans_.parent[row]);
        --waiting[row];
      }
    }
  }

  static constexpr size_t kMemoryKinds = static_cast<size_t>(MemoryKind::kPeer) + 1;

  Recording& out_;
  SpanColumns& spans_;
  std::vector<CopyRow> copies_;                                         // by launch
  std::vector<std::optional<Brackets>> brackets_;                       // by process, made at first need
  std::vector<int32_t> memory_launches_;                                // of each memory row, or -1
  std::vector<ApiCall> calls_;                                          // by string
  std::array<uint32_t, 2 * kMemoryKinds * kMemoryKinds> copy_names_{};  // index + 1
};

}  // namespace

void AttributeGpu(Recording* recording) {
  if (recording->launches.empty() && recording->gpu.empty() && recording->gpu_details.memory.empty()) return;
  Attribution(recording).Run();
}

}  // namespace opscope
