// The one pass over the spans behind all op rows: each span is given to a path,
// and each path adds up its calls. op_tree.cc unites paths into rows.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "column.h"
#include "columns.h"
#include "id_map.h"
#include "op_table.h"
#include "quantile.h"

namespace opscope {

// What the finished spans of a path add up to. One cache line, because every
// span reads and writes it.
struct alignas(64) PathSums {
  int64_t cpu_ns = 0;
  int64_t gpu_ns = 0;
  int64_t min_ns = INT64_MAX, max_ns = 0;  // of the chosen time, per call
  int64_t first_start_ns = INT64_MAX, first_end_ns = INT64_MAX;
  uint64_t calls = 0;
};
static_assert(sizeof(PathSums) == 64);

// The spans of one thread with one name under one parent path.
constexpr uint32_t kNoPath = UINT32_MAX;
struct PathEntry {
  uint32_t parent = kNoPath;  // less than the path's own index
  uint32_t name = 0;          // the first of equal names
  uint32_t thread = 0;
  bool is_async = false;
  bool is_top_of_thread = false;  // no parent, or one on another thread
  int64_t slice_ns = 0;           // async: host time up to the returns
  int64_t covered_ns = 0;         // host time inside children
  int64_t first_unfinished_ns = INT64_MAX;
  uint64_t unfinished = 0;
};

struct AsyncCall {
  int64_t start_ns, end_ns;
  uint32_t path;
};

// One use: Run(), then read. Besides what the accessors show it holds 4 bytes a
// span, and 4 more while it sorts a thread whose rows are not in begin order.
// Not thread-safe; Run() itself takes a second thread for long recordings.
class OpWalk {
 public:
  // From so many rows on, two threads share the work: some 15 ms, beside which
  // starting one is nothing.
  static constexpr size_t kRowsForTwo = size_t{1} << 20;

  OpWalk(const Recording& recording, TimeOf time);
  OpWalk(const OpWalk&) = delete;
  OpWalk& operator=(const OpWalk&) = delete;

  void Run();

  const std::vector<PathSums>& sums() const noexcept { return sums_; }
  const std::vector<PathEntry>& paths() const noexcept { return paths_; }
  const std::vector<AsyncCall>& async_calls() const noexcept { return async_calls_; }  // finished ones
  uint32_t PathOf(size_t row) const noexcept { return path_of_row_[row] & ~kUnfinishedBit; }
  // Host time of the finished spans of a path that no child covers.
  int64_t SelfNs(uint32_t path) const noexcept {
    const PathEntry& entry = paths_[path];
    return (entry.is_async ? entry.slice_ns : sums_[path].cpu_ns) - entry.covered_ns;
  }
  // kBucketCount counts of the chosen time per call; null for paths found late.
  const uint32_t* Histogram(uint32_t path) const noexcept {
    return path < kHistogramPaths ? histograms_.data() + size_t{path} * kBucketCount : nullptr;
  }
  size_t row_count() const noexcept { return path_of_row_.size(); }
  // visit(path, value) for the finished spans of a range of rows, value being
  // the chosen time.
  template <typename Visit>
  void ForEachValue(size_t from, size_t to, Visit visit) const {
    WithValue([&](auto value) {
      for (size_t row = from; row < to; ++row) {
        const uint32_t path = path_of_row_[row];
        if ((path & kUnfinishedBit) == 0) visit(path, value(row));
      }
    });
  }

 private:
  // 2 KiB each, so 8 MiB at most; the percentiles of later paths come from all
  // their values.
  static constexpr uint32_t kHistogramPaths = 4096;
  static constexpr uint32_t kUnfinishedBit = 1u << 31;  // in path_of_row_
  static constexpr uint32_t kTopBit = 1u << 31;         // in parent keys: an index into tops_

  // A span that may still get children.
  struct OpenSpan {
    int64_t end_ns;         // of its host time: for an async span the return
    int64_t covered_to_ns;  // host time before this needs no more counting
    int32_t row;
  };
  // Long before any time, yet differences to it do not overflow.
  static constexpr int64_t kEndedNs = -(int64_t{1} << 62);
  static constexpr OpenSpan kEnded = {kEndedNs, kEndedNs, kNoParent};
  // 24 KiB, so that it stays in L1; the spans of one inference should fit.
  static constexpr uint32_t kRecentRows = 1024;

  template <typename Use>
  void WithValue(Use use) const {
    const int64_t* cpu = spans_.duration_ns.data();
    const int64_t* gpu = spans_.gpu_ns.data();
    if (spans_.gpu_ns.empty()) {
      if (time_ == TimeOf::kGpu) return use([](size_t) { return int64_t{0}; });
      return use([cpu](size_t row) { return cpu[row]; });
    }
    switch (time_) {
      case TimeOf::kCpu:
        return use([cpu](size_t row) { return cpu[row]; });
      case TimeOf::kGpu:
        return use([gpu](size_t row) { return gpu[row]; });
      case TimeOf::kAll:
        return use([cpu, gpu](size_t row) { return cpu[row] + gpu[row]; });
    }
  }
  void FindPaths(uint32_t thread);
  void AddUp() noexcept;
  void Cover(uint32_t thread);
  void CoverRows(uint32_t first, uint32_t count, const uint32_t* order);
  OpenSpan* FindAside(int32_t row);

  static uint64_t KeyOf(uint32_t parent_key, uint32_t name, bool is_async) noexcept {
    return uint64_t{parent_key} << 32 | name << 1 | uint32_t{is_async};
  }
  uint32_t PathUnder(uint32_t parent_key, uint32_t name, bool is_async);
  uint32_t TopKey(uint32_t thread, uint32_t parent_path);
  uint32_t KeyUnder(uint32_t thread, int32_t parent, uint32_t path_of_parent);
  uint32_t PathOfRow(uint32_t row, uint32_t walking);
  uint32_t ThreadOfRow(uint32_t row) const noexcept;
  int64_t ReturnOf(uint32_t row) noexcept;

  const Recording& recording_;
  const SpanColumns& spans_;
  const TimeOf time_;
  std::vector<uint32_t> first_of_name_;  // index of the first equal name
  std::vector<PathSums> sums_;
  std::vector<PathEntry> paths_;
  std::vector<AsyncCall> async_calls_;
  std::vector<uint32_t> histograms_;
  Column<uint32_t> path_of_row_;  // and kUnfinishedBit

  // In front of path_by_key_: one place for each key, so that the common case is
  // a multiplication, a load and a compare that is foreseen. 64 KiB, of which
  // only the places in use are touched.
  static constexpr unsigned kCacheBits = 12;
  struct CachedPath {
    uint64_t key;
    uint32_t path;
  };
  std::vector<CachedPath> cached_paths_;
  IdMap path_by_key_;
  struct Top {
    uint32_t thread, parent_path;
  };
  std::vector<Top> tops_;  // one a thread, then one for each parent path that a thread has on others
  IdMap top_by_key_;
  IdMap path_ahead_;  // of rows that were asked for before they were walked
  size_t next_async_ = 0;

  // Of the thread being covered.
  std::vector<OpenSpan> recent_;                 // by row modulo kRecentRows
  std::unordered_map<int32_t, OpenSpan> aside_;  // rows that had to leave recent_ while open
  OpenSpan ended_ = kEnded;
  OpenSpan* last_aside_ = &ended_;
};

}  // namespace opscope
