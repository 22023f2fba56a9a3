#include <algorithm>
#include <numeric>
#include <vector>

#include "beside.h"
#include "op_table.h"
#include "op_walk.h"
#include "quantile.h"

namespace opscope {
namespace {

// An op row before it has a place in its table.
struct OpNode {
  int32_t parent;  // node, less than the node's own index; or -1
  uint32_t name;
  int32_t thread;
  bool is_async;
  int64_t first_begin_ns = INT64_MAX;  // unfinished spans count here
  uint64_t calls = 0;
  int64_t min_ns = INT64_MAX, max_ns = 0;
};

// The rows of one table, and the paths that each of them unites.
struct NodeSet {
  std::vector<OpNode> nodes;
  std::vector<uint32_t> node_of_path;
  // Paths of node n: paths[first_path[n]] to paths[first_path[n + 1] - 1].
  std::vector<uint32_t> first_path, paths;
  bool IsAlone(size_t node) const noexcept { return first_path[node + 1] - first_path[node] == 1; }
};

struct Range {
  uint64_t low = 0;
  uint64_t width = 0;
  bool Has(uint64_t value) const noexcept { return value - low < width; }
  uint64_t end() const noexcept { return low + width; }
};
Range HullOf(const Range& a, const Range& b) {
  const uint64_t low = std::min(a.low, b.low);
  return {low, std::max(a.end(), b.end()) - low};
}

enum Percentile : uint32_t { kP50 = 0, kP99 = 1 };
constexpr uint64_t kPercents[] = {50, 99};

// What a percentile of a node comes down to: a place between two neighbours
// among the values in a range. Width 0: the value is known.
struct Quest {
  Range range;
  uint64_t rank = 0;  // within the range
  uint64_t hundredths = 0;
  uint64_t value = 0;
};

// Exact p50 and p99 of all nodes, reading the spans once more: the walk left a
// histogram for each path, which tells the bucket of each percentile; this
// collects the values of those buckets (a quarter of all in merge_bench; at worst
// all, at 8 bytes a span) and selects among them. One use; not thread-safe.
class PercentileSearch {
 public:
  PercentileSearch(const OpWalk& walk, const NodeSet& merged, const NodeSet& per_thread)
      : walk_(walk), sets_{&merged, &per_thread}, windows_(walk.paths().size()) {}

  // quests[table][node * 2 + percentile]
  void Run(std::vector<Quest> (&quests)[2]) {
    for (size_t table = 0; table < 2; ++table) Place(*sets_[table], &quests[table]);
    for (Windows& windows : windows_) UniteWhereTheyMeet(&windows);
    if (!MakeRoom()) return;
    Collect();
    Select(*sets_[0], &quests[0]);
    CopyWherePathsAreAlone(quests[0], &quests[1]);
    Select(*sets_[1], &quests[1]);
  }

 private:
  // The values of a path that are to be collected, in two ranges that do not
  // meet, the second not used where one holds both percentiles.
  struct Windows {
    Range of[2];
  };
  // Where the next value of each window goes.
  struct Cursors {
    uint64_t* next[2];
  };

  void Place(const NodeSet& set, std::vector<Quest>* quests) {
    quests->resize(set.nodes.size() * 2);
    std::vector<uint64_t> counts(kBucketCount);
    for (size_t node = 0; node < set.nodes.size(); ++node) {
      const OpNode& op = set.nodes[node];
      if (op.calls == 0) continue;
      Quest* const pair = quests->data() + node * 2;
      if (op.min_ns == op.max_ns) {
        pair[kP50].value = pair[kP99].value = static_cast<uint64_t>(op.min_ns);
        continue;
      }
      const bool has_counts = AddHistograms(set, node, &counts);
      for (const Percentile which : {kP50, kP99}) {
        const QuantilePlace place = PlaceOf(op.calls, kPercents[which]);
        Quest& quest = pair[which];
        quest.hundredths = place.hundredths;
        quest.rank = place.rank;
        quest.range = {static_cast<uint64_t>(op.min_ns), static_cast<uint64_t>(op.max_ns - op.min_ns) + 1};
        if (has_counts) Narrow(counts, &quest);
        if (quest.range.width == 1) {
          quest.value = quest.range.low;
          quest.range.width = 0;
          continue;
        }
        for (size_t i = set.first_path[node]; i < set.first_path[node + 1]; ++i)
          Widen(&windows_[set.paths[i]].of[which], quest.range);
      }
    }
  }

  bool AddHistograms(const NodeSet& set, size_t node, std::vector<uint64_t>* counts) const {
    std::fill(counts->begin(), counts->end(), 0);
    for (size_t i = set.first_path[node]; i < set.first_path[node + 1]; ++i) {
      const uint32_t* histogram = walk_.Histogram(set.paths[i]);
      if (histogram == nullptr) return false;
      for (size_t bucket = 0; bucket < kBucketCount; ++bucket) (*counts)[bucket] += histogram[bucket];
    }
    return true;
  }

  // To the buckets of the two neighbours; those between them are empty.
  static void Narrow(const std::vector<uint64_t>& counts, Quest* quest) {
    unsigned bucket = 0;
    uint64_t before = 0;
    while (before + counts[bucket] <= quest->rank) before += counts[bucket++];
    const uint64_t low = BucketStart(bucket);
    uint64_t through = before + counts[bucket];
    if (quest->hundredths != 0) {
      while (through <= quest->rank + 1) through += counts[++bucket];
    }
    quest->range = {low, BucketStart(bucket + 1) - low};
    quest->rank -= before;
  }

  static void Widen(Range* window, const Range& range) {
    *window = window->width == 0 ? range : HullOf(*window, range);
  }

  static void UniteWhereTheyMeet(Windows* windows) {
    Range& a = windows->of[kP50];
    Range& b = windows->of[kP99];
    if (a.width == 0 || b.width == 0 || a.end() <= b.low || b.end() <= a.low) return;
    a = HullOf(a, b);
    b.width = 0;
  }

  // No less than the values of the path in the window: exact where it begins and
  // ends with buckets.
  uint64_t RoomFor(uint32_t path, const Range& window) const {
    if (window.width == 0) return 0;
    const uint32_t* histogram = walk_.Histogram(path);
    if (histogram == nullptr) return walk_.sums()[path].calls;
    uint64_t count = 0;
    for (unsigned bucket = BucketOf(window.low); bucket <= BucketOf(window.end() - 1); ++bucket)
      count += histogram[bucket];
    return count;
  }

  bool MakeRoom() {
    uint64_t total = 0;
    std::vector<uint64_t> ends;
    for (uint32_t path = 0; path < windows_.size(); ++path) {
      for (const Range& window : windows_[path].of) ends.push_back(total += RoomFor(path, window));
    }
    if (total == 0) return false;
    collected_.Reset(total);
    up_.resize(windows_.size());
    down_.resize(windows_.size());
    for (size_t i = 0; i < ends.size(); ++i) {
      up_[i / 2].next[i % 2] = collected_.data() + (i == 0 ? 0 : ends[i - 1]);
      down_[i / 2].next[i % 2] = collected_.data() + ends[i];
    }
    bottoms_ = up_;
    tops_ = down_;
    return true;
  }

  // Two threads fill each window from its two ends.
  void Collect() {
    const size_t rows = walk_.row_count(), half = rows < OpWalk::kRowsForTwo ? rows : rows / 2;
    const Windows* const all_windows = windows_.data();
    const auto upwards = [this, half, all_windows] {
      walk_.ForEachValue(0, half, [all_windows, cursors = up_.data()](uint32_t path, int64_t value) {
        const Windows& windows = all_windows[path];
        const auto bits = static_cast<uint64_t>(value);
        if (windows.of[0].Has(bits)) *cursors[path].next[0]++ = bits;
        if (windows.of[1].Has(bits)) *cursors[path].next[1]++ = bits;
      });
    };
    const auto downwards = [this, half, rows, all_windows] {
      walk_.ForEachValue(half, rows, [all_windows, cursors = down_.data()](uint32_t path, int64_t value) {
        const Windows& windows = all_windows[path];
        const auto bits = static_cast<uint64_t>(value);
        if (windows.of[0].Has(bits)) *--cursors[path].next[0] = bits;
        if (windows.of[1].Has(bits)) *--cursors[path].next[1] = bits;
      });
    };
    RunBeside(half != rows, upwards, downwards);
  }

  void Select(const NodeSet& set, std::vector<Quest>* quests) {
    for (size_t node = 0; node < set.nodes.size(); ++node) {
      for (size_t which = 0; which < 2; ++which) {
        Quest& quest = (*quests)[node * 2 + which];
        if (quest.range.width == 0) continue;
        const size_t size = GatherCandidates(set, node, quest.range);
        const ValuePair pair = SelectPair(candidates_.data(), size, quest.rank);
        quest.value = Between(pair.at, pair.next, quest.hundredths);
        quest.range.width = 0;
      }
    }
  }
  size_t GatherCandidates(const NodeSet& set, size_t node, const Range& range) {
    size_t room = 0;
    ForEachRun(set, node, [&room](const uint64_t* begin, const uint64_t* end) {
      room += static_cast<size_t>(end - begin);
    });
    if (candidates_.size() <= room) candidates_.Reset(room + 1);  // one more is written than kept
    uint64_t* next = candidates_.data();
    ForEachRun(set, node, [&next, range](const uint64_t* begin, const uint64_t* end) {
      for (; begin != end; ++begin) {
        *next = *begin;
        next += range.Has(*begin);
      }
    });
    return static_cast<size_t>(next - candidates_.data());
  }
  template <typename Visit>
  void ForEachRun(const NodeSet& set, size_t node, Visit visit) const {
    for (size_t i = set.first_path[node]; i < set.first_path[node + 1]; ++i) {
      const uint32_t path = set.paths[i];
      for (size_t window = 0; window < 2; ++window) {
        visit(bottoms_[path].next[window], up_[path].next[window]);
        visit(down_[path].next[window], tops_[path].next[window]);
      }
    }
  }

  // Of an op that ran on one thread, both tables have the same percentiles.
  void CopyWherePathsAreAlone(const std::vector<Quest>& merged, std::vector<Quest>* per_thread) const {
    for (size_t path = 0; path < windows_.size(); ++path) {
      const size_t from = sets_[0]->node_of_path[path], to = sets_[1]->node_of_path[path];
      if (!sets_[0]->IsAlone(from) || !sets_[1]->IsAlone(to)) continue;
      std::copy_n(merged.begin() + static_cast<std::ptrdiff_t>(from * 2), 2,
                  per_thread->begin() + static_cast<std::ptrdiff_t>(to * 2));
    }
  }

  const OpWalk& walk_;
  const NodeSet* sets_[2];
  std::vector<Windows> windows_;  // by path, as are the cursors
  Column<uint64_t> collected_;
  std::vector<Cursors> up_, down_, bottoms_, tops_;
  Column<uint64_t> candidates_;
};

// Paths of one row: same parent row, name and kind, whatever the thread in the
// merged table. A span whose parent is on another thread is under that parent in
// the merged table, and at the top of its own thread's rows in the other.
NodeSet UnitePaths(const OpWalk& walk, bool is_per_thread) {
  NodeSet set;
  const std::vector<PathEntry>& paths = walk.paths();
  IdMap node_by_key;
  set.node_of_path.resize(paths.size());
  // Nodes of threads' tops are told apart by thread: parents from thread_base on.
  const auto thread_base = static_cast<uint32_t>(paths.size());
  for (uint32_t path = 0; path < paths.size(); ++path) {
    const PathEntry& entry = paths[path];
    const PathSums& sums = walk.sums()[path];
    const bool is_top = entry.parent == kNoPath || (is_per_thread && entry.is_top_of_thread);
    const int32_t parent = is_top ? -1 : static_cast<int32_t>(set.node_of_path[entry.parent]);
    const uint32_t under =
        is_top ? thread_base + (is_per_thread ? entry.thread : 0) : static_cast<uint32_t>(parent);
    const uint64_t key = uint64_t{under} << 32 | entry.name << 1 | uint32_t{entry.is_async};
    const auto next = static_cast<uint32_t>(set.nodes.size());
    const uint32_t node = node_by_key.FindOrInsert(key, next);
    if (node == next)
      set.nodes.push_back(
          {parent, entry.name, is_per_thread ? static_cast<int32_t>(entry.thread) : -1, entry.is_async});
    set.node_of_path[path] = node;
    OpNode& op = set.nodes[node];
    op.first_begin_ns = std::min({op.first_begin_ns, sums.first_start_ns, entry.first_unfinished_ns});
    op.calls += sums.calls;
    op.min_ns = std::min(op.min_ns, sums.min_ns);
    op.max_ns = std::max(op.max_ns, sums.max_ns);
  }
  set.first_path.assign(set.nodes.size() + 1, 0);
  for (const uint32_t node : set.node_of_path) ++set.first_path[node + 1];
  std::partial_sum(set.first_path.begin(), set.first_path.end(), set.first_path.begin());
  set.paths.resize(paths.size());
  std::vector<uint32_t> next(set.first_path.begin(), set.first_path.end() - 1);
  for (uint32_t path = 0; path < paths.size(); ++path) set.paths[next[set.node_of_path[path]]++] = path;
  return set;
}

// Nodes in the order of their rows.
std::vector<uint32_t> PreOrder(const std::vector<OpNode>& nodes) {
  std::vector<uint32_t> by_begin(nodes.size());
  std::iota(by_begin.begin(), by_begin.end(), 0u);
  std::sort(by_begin.begin(), by_begin.end(), [&nodes](uint32_t a, uint32_t b) {
    if (nodes[a].thread != nodes[b].thread) return nodes[a].thread < nodes[b].thread;
    if (nodes[a].first_begin_ns != nodes[b].first_begin_ns)
      return nodes[a].first_begin_ns < nodes[b].first_begin_ns;
    return a < b;
  });
  constexpr uint32_t kNone = UINT32_MAX;
  std::vector<uint32_t> first_child(nodes.size(), kNone), next_sibling(nodes.size(), kNone);
  uint32_t first_top = kNone;
  for (size_t i = by_begin.size(); i-- > 0;) {
    const uint32_t node = by_begin[i];
    uint32_t& first =
        nodes[node].parent < 0 ? first_top : first_child[static_cast<size_t>(nodes[node].parent)];
    next_sibling[node] = first;
    first = node;
  }
  std::vector<uint32_t> order, pending;
  order.reserve(nodes.size());
  if (first_top != kNone) pending.push_back(first_top);
  while (!pending.empty()) {
    const uint32_t node = pending.back();
    pending.pop_back();
    order.push_back(node);
    if (next_sibling[node] != kNone) pending.push_back(next_sibling[node]);
    if (first_child[node] != kNone) pending.push_back(first_child[node]);
  }
  return order;
}

// Async calls by node, for the count of those open at one time.
class PeakCounter {
 public:
  PeakCounter(const OpWalk& walk, const NodeSet& set) : first_(set.nodes.size() + 1, 0) {
    const std::vector<AsyncCall>& calls = walk.async_calls();
    if (calls.empty()) return;
    for (const AsyncCall& call : calls) ++first_[set.node_of_path[call.path] + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    starts_.resize(calls.size());
    ends_.resize(calls.size());
    std::vector<size_t> next(first_.begin(), first_.end() - 1);
    for (const AsyncCall& call : calls) {
      const size_t at = next[set.node_of_path[call.path]]++;
      starts_[at] = call.start_ns;
      ends_[at] = call.end_ns;
    }
  }

  // A call is open from its start to just before its end; one of no length
  // still counts as one.
  uint32_t PeakOf(size_t node) {
    const size_t first = first_[node], last = first_[node + 1];
    const auto sort = [first, last](std::vector<int64_t>* times) {
      const auto begin = times->begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = times->begin() + static_cast<std::ptrdiff_t>(last);
      if (!std::is_sorted(begin, end)) std::sort(begin, end);
    };
    sort(&starts_);
    sort(&ends_);
    size_t ended = first, peak = 0;
    for (size_t begun = first; begun < last; ++begun) {
      while (ended < begun && ends_[ended] <= starts_[begun]) ++ended;
      peak = std::max(peak, begun + 1 - ended);
    }
    return static_cast<uint32_t>(peak);
  }

 private:
  std::vector<size_t> first_;
  std::vector<int64_t> starts_, ends_;
};

void Resize(OpTable* table, size_t size) {
  table->parent.Reset(size);
  table->name.Reset(size);
  table->thread.Reset(size);
  table->is_async.Reset(size);
  table->peak.Reset(size);
  for (Column<double>* column :
       {&table->calls, &table->total_ns, &table->cpu_ns, &table->gpu_ns, &table->self_ns, &table->min_ns,
        &table->max_ns, &table->p50_ns, &table->p99_ns, &table->first_start_ns, &table->first_end_ns,
        &table->unfinished}) {
    column->Reset(size);
  }
}

OpTable MakeTable(const OpWalk& walk, const NodeSet& set, const std::vector<Quest>& quests, TimeOf time,
                  int64_t session_end_ns) {
  OpTable table;
  Resize(&table, set.nodes.size());
  PeakCounter peaks(walk, set);
  const std::vector<uint32_t> order = PreOrder(set.nodes);
  std::vector<int32_t> row_of_node(order.size());
  for (size_t row = 0; row < order.size(); ++row) {
    const uint32_t node = order[row];
    row_of_node[node] = static_cast<int32_t>(row);
    const OpNode& op = set.nodes[node];
    int64_t cpu = 0, gpu = 0, self = 0, first_start = INT64_MAX, first_end = INT64_MAX;
    uint64_t unfinished = 0;
    for (size_t i = set.first_path[node]; i < set.first_path[node + 1]; ++i) {
      const PathSums& sums = walk.sums()[set.paths[i]];
      cpu += sums.cpu_ns;
      gpu += sums.gpu_ns;
      self += walk.SelfNs(set.paths[i]);
      first_start = std::min(first_start, sums.first_start_ns);
      first_end = std::min(first_end, sums.first_end_ns);
      unfinished += walk.paths()[set.paths[i]].unfinished;
    }
    table.parent[row] = op.parent < 0 ? -1 : row_of_node[static_cast<size_t>(op.parent)];
    table.name[row] = op.name;
    table.thread[row] = op.thread;
    table.is_async[row] = op.is_async ? 1 : 0;
    table.peak[row] = op.is_async ? peaks.PeakOf(node) : 0;
    table.calls[row] = static_cast<double>(op.calls);
    table.cpu_ns[row] = static_cast<double>(cpu);
    table.gpu_ns[row] = static_cast<double>(gpu);
    table.total_ns[row] = static_cast<double>(time == TimeOf::kCpu   ? cpu
                                              : time == TimeOf::kGpu ? gpu
                                                                     : cpu + gpu);
    table.self_ns[row] = static_cast<double>(self);
    table.min_ns[row] = op.calls == 0 ? 0 : static_cast<double>(op.min_ns);
    table.max_ns[row] = static_cast<double>(op.max_ns);
    table.p50_ns[row] = static_cast<double>(quests[node * 2 + kP50].value);
    table.p99_ns[row] = static_cast<double>(quests[node * 2 + kP99].value);
    table.first_start_ns[row] = static_cast<double>(op.calls == 0 ? op.first_begin_ns : first_start);
    table.first_end_ns[row] = static_cast<double>(op.calls == 0 ? session_end_ns : first_end);
    table.unfinished[row] = static_cast<double>(unfinished);
  }
  return table;
}

}  // namespace

OpTables BuildOpTables(const Recording& recording, TimeOf time) {
  OpWalk walk(recording, time);
  walk.Run();
  const NodeSet merged = UnitePaths(walk, false);
  const NodeSet per_thread = UnitePaths(walk, true);
  std::vector<Quest> quests[2];
  PercentileSearch(walk, merged, per_thread).Run(quests);
  return {MakeTable(walk, merged, quests[0], time, recording.duration_ns),
          MakeTable(walk, per_thread, quests[1], time, recording.duration_ns)};
}

}  // namespace opscope
