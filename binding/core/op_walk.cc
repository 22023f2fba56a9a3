#include "op_walk.h"

#include <algorithm>
#include <string_view>

#include "beside.h"
#include "row_order.h"

namespace opscope {
namespace {

std::vector<uint32_t> FirstOfEqualNames(const std::vector<NameEntry>& names) {
  std::vector<uint32_t> first(names.size());
  std::unordered_map<std::string_view, std::vector<uint32_t>> by_text;
  for (uint32_t i = 0; i < names.size(); ++i) {
    std::vector<uint32_t>& same_text = by_text[names[i].text];
    first[i] = i;
    for (const uint32_t other : same_text) {
      if (names[other] == names[i]) first[i] = other;
    }
    if (first[i] == i) same_text.push_back(i);
  }
  return first;
}

}  // namespace

OpWalk::OpWalk(const Recording& recording, TimeOf time)
    : recording_(recording),
      spans_(recording.spans),
      time_(time),
      first_of_name_(FirstOfEqualNames(recording.names)),
      path_of_row_(recording.spans.size()),
      cached_paths_(size_t{1} << kCacheBits, {UINT64_MAX, 0}),
      recent_(kRecentRows, kEnded) {
  for (uint32_t thread = 0; thread < recording.threads.size(); ++thread) tops_.push_back({thread, kNoPath});
}

void OpWalk::Run() {
  const auto threads = static_cast<uint32_t>(recording_.threads.size());
  for (uint32_t thread = 0; thread < threads; ++thread) FindPaths(thread);
  sums_.resize(paths_.size());
  histograms_.resize(std::min<size_t>(paths_.size(), kHistogramPaths) * kBucketCount);
  const auto cover = [this, threads] {
    for (uint32_t thread = 0; thread < threads; ++thread) Cover(thread);
  };
  RunBeside(spans_.size() >= kRowsForTwo, cover, [this] { AddUp(); });
}

// A loop of its own, because what follows can then be shared by two threads; on
// one thread it costs no more than a single loop over all (13.1 to 12.7 ns a span).
void OpWalk::FindPaths(uint32_t thread) {
  const uint32_t first = recording_.threads[thread].first_row;
  const uint32_t end = first + recording_.threads[thread].row_count;
  const uint32_t* const names = spans_.name.data();
  const int32_t* const parents = spans_.parent.data();
  const uint8_t* const all_flags = spans_.flags.data();
  const uint32_t* const first_of_name = first_of_name_.data();
  uint32_t* const path_of_row = path_of_row_.data();
  CachedPath* const cached_paths = cached_paths_.data();
  const uint32_t thread_key = TopKey(thread, kNoPath);
  for (uint32_t row = first; row < end; ++row) {
    const auto parent = static_cast<uint32_t>(parents[row]);
    const uint32_t flags = all_flags[row];
    uint32_t parent_key = thread_key;
    if (parent - first < row - first) {
      parent_key = path_of_row[parent] & ~kUnfinishedBit;
    } else if (parents[row] != kNoParent) {
      parent_key = KeyUnder(thread, parents[row], PathOfRow(parent, row));
    }
    const uint32_t name = first_of_name[names[row]];
    const uint64_t key = KeyOf(parent_key, name, (flags & kAsync) != 0);
    CachedPath& cached = cached_paths[key * 0x9E3779B97F4A7C15u >> (64 - kCacheBits)];
    if (cached.key != key) cached = {key, PathUnder(parent_key, name, (flags & kAsync) != 0)};
    static_assert(kUnfinished == 2 && kUnfinishedBit == uint32_t{kUnfinished} << 30);
    path_of_row[row] = cached.path | (flags & kUnfinished) << 30;
  }
}

void OpWalk::AddUp() noexcept {
  WithValue([this](auto value) {
    const int64_t* const starts = spans_.start_ns.data();
    const int64_t* const durations = spans_.duration_ns.data();
    const int64_t* const gpu = spans_.gpu_ns.empty() ? nullptr : spans_.gpu_ns.data();
    const uint32_t* const path_of_row = path_of_row_.data();
    PathSums* const all_sums = sums_.data();
    uint32_t* const histograms = histograms_.data();
    for (size_t row = 0; row < path_of_row_.size(); ++row) {
      const uint32_t path = path_of_row[row];
      if ((path & kUnfinishedBit) != 0) continue;
      const int64_t start = starts[row], end = start + durations[row];
      const int64_t spent = value(row);
      PathSums& sums = all_sums[path];
      ++sums.calls;
      sums.cpu_ns += durations[row];
      if (gpu != nullptr) sums.gpu_ns += gpu[row];
      if (spent < sums.min_ns) sums.min_ns = spent;
      if (spent > sums.max_ns) sums.max_ns = spent;
      if (start < sums.first_start_ns) sums.first_start_ns = start;
      if (end < sums.first_end_ns) sums.first_end_ns = end;
      if (path < kHistogramPaths)
        ++histograms[size_t{path} * kBucketCount + BucketOf(static_cast<uint64_t>(spent))];
    }
  });
}

void OpWalk::Cover(uint32_t thread) {
  const uint32_t first = recording_.threads[thread].first_row, count = recording_.threads[thread].row_count;
  std::fill(recent_.begin(), recent_.end(), kEnded);
  aside_.clear();
  last_aside_ = &ended_;
  if (IsInBeginOrder(spans_, first, count)) {
    CoverRows(first, count, nullptr);
    return;
  }
  Column<uint32_t> order(count);
  OrderByKey(spans_.start_ns.data() + first, count, order.data());
  CoverRows(first, count, order.data());
}

// Host time inside children, by one sweep: children arrive in the order of their
// starts, so what a parent's children cover is known up to one point,
// `covered_to_ns`. That of the last rows lies in a small table by row number, which
// needs no order among the open spans as a stack would (async bodies and timed
// spans are not LIFO); that of older rows that are still open, aside. Accepted: a child that began before its
// parent covers nothing of it; on one thread only clashing parent ids make such.
void OpWalk::CoverRows(uint32_t first, uint32_t count, const uint32_t* order) {
  const int64_t* const starts = spans_.start_ns.data();
  const int64_t* const durations = spans_.duration_ns.data();
  const int32_t* const parents = spans_.parent.data();
  const uint8_t* const all_flags = spans_.flags.data();
  const uint32_t* const path_of_row = path_of_row_.data();
  PathEntry* const paths = paths_.data();
  OpenSpan* const recent = recent_.data();
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t row = first + (order == nullptr ? i : order[i]);
    const int64_t start = starts[row], end = start + durations[row];
    const uint32_t flags = all_flags[row];
    int64_t host_end = end;
    if ((flags & kAsync) != 0) host_end = std::clamp(ReturnOf(row), start, end);

    const auto parent = static_cast<uint32_t>(parents[row]);
    if (parent - first < count) {
      OpenSpan* open = &recent[parent % kRecentRows];
      if (open->row != parents[row]) open = FindAside(parents[row]);
      int64_t cover_from = start, cover_to = host_end, covered_to = host_end;
      // Hardly ever taken, so foreseen: siblings need not wait for each other.
      if (start < open->covered_to_ns || host_end > open->end_ns) {
        cover_to = std::min(host_end, open->end_ns);
        cover_from = std::min(std::max(start, open->covered_to_ns), cover_to);
        covered_to = std::max(open->covered_to_ns, cover_to);
      }
      paths[path_of_row[parent] & ~kUnfinishedBit].covered_ns += cover_to - cover_from;
      open->covered_to_ns = covered_to;
    }

    OpenSpan& entry = recent[row % kRecentRows];
    if (entry.end_ns > start) aside_[entry.row] = entry;
    entry = {host_end, start, static_cast<int32_t>(row)};
    if ((flags & (kAsync | kUnfinished)) == 0) continue;
    PathEntry& path = paths[path_of_row[row] & ~kUnfinishedBit];
    if ((flags & kUnfinished) != 0) {
      entry.end_ns = kEndedNs;  // its self time is not asked for
      ++path.unfinished;
      path.first_unfinished_ns = std::min(path.first_unfinished_ns, start);
    } else {
      path.slice_ns += host_end - start;
      async_calls_.push_back({start, end, path_of_row[row]});
    }
  }
}

// A row that is not there has ended, and its children since then are none of its
// host time.
OpWalk::OpenSpan* OpWalk::FindAside(int32_t row) {
  if (last_aside_->row == row) return last_aside_;
  const auto found = aside_.find(row);
  if (found == aside_.end()) return &(ended_ = kEnded);
  last_aside_ = &found->second;
  return last_aside_;
}

uint32_t OpWalk::PathUnder(uint32_t parent_key, uint32_t name, bool is_async) {
  const uint64_t key = KeyOf(parent_key, name, is_async);
  const auto next = static_cast<uint32_t>(paths_.size());
  const uint32_t path = path_by_key_.FindOrInsert(key, next);
  if (path != next) return path;
  PathEntry entry;
  entry.name = name;
  entry.is_async = is_async;
  entry.is_top_of_thread = (parent_key & kTopBit) != 0;
  if (entry.is_top_of_thread) {
    const Top& top = tops_[parent_key & ~kTopBit];
    entry.parent = top.parent_path;
    entry.thread = top.thread;
  } else {
    entry.parent = parent_key;
    entry.thread = paths_[parent_key].thread;
  }
  paths_.push_back(entry);
  return path;
}

// The parent key of what stands at the top of a thread, under `parent_path` of
// another thread or under nothing.
uint32_t OpWalk::TopKey(uint32_t thread, uint32_t parent_path) {
  if (parent_path == kNoPath) return kTopBit | thread;
  const auto next = static_cast<uint32_t>(tops_.size());
  const uint32_t top = top_by_key_.FindOrInsert(uint64_t{thread} << 32 | parent_path, next);
  if (top == next) tops_.push_back({thread, parent_path});
  return kTopBit | top;
}

uint32_t OpWalk::KeyUnder(uint32_t thread, int32_t parent, uint32_t path_of_parent) {
  if (parent == kNoParent) return TopKey(thread, kNoPath);
  const ThreadEntry& entry = recording_.threads[thread];
  const bool is_same_thread = static_cast<uint32_t>(parent) - entry.first_row < entry.row_count;
  return is_same_thread ? path_of_parent : TopKey(thread, path_of_parent);
}

// A parent on another thread may not be walked yet; then its path is made from
// its own ancestors, exactly as the walk will find it later.
uint32_t OpWalk::PathOfRow(uint32_t row, uint32_t walking) {
  std::vector<uint32_t> unknown;
  uint32_t path = kNoPath;
  for (uint32_t at = row;;) {
    if (at < walking) {
      path = path_of_row_[at] & ~kUnfinishedBit;
      break;
    }
    path = path_ahead_.Find(at);
    if (path != IdMap::kAbsent) break;
    unknown.push_back(at);
    const int32_t parent = spans_.parent[at];
    if (parent == kNoParent) break;
    at = static_cast<uint32_t>(parent);
  }
  while (!unknown.empty()) {
    const uint32_t at = unknown.back();
    unknown.pop_back();
    const uint32_t key = KeyUnder(ThreadOfRow(at), spans_.parent[at], path);
    path = PathUnder(key, first_of_name_[spans_.name[at]], (spans_.flags[at] & kAsync) != 0);
    path_ahead_.FindOrInsert(at, path);
  }
  return path;
}

uint32_t OpWalk::ThreadOfRow(uint32_t row) const noexcept {
  const auto& threads = recording_.threads;
  const auto after = std::partition_point(threads.begin(), threads.end(), [row](const ThreadEntry& thread) {
    return thread.first_row + thread.row_count <= row;
  });
  return static_cast<uint32_t>(after - threads.begin());
}

int64_t OpWalk::ReturnOf(uint32_t row) noexcept {
  const Column<AsyncRow>& asyncs = recording_.asyncs;
  if (next_async_ >= asyncs.size() || asyncs[next_async_].row != row) {
    const AsyncRow* found =
        std::lower_bound(asyncs.begin(), asyncs.end(), row,
                         [](const AsyncRow& async, uint32_t value) { return async.row < value; });
    next_async_ = static_cast<size_t>(found - asyncs.begin());
    if (found == asyncs.end() || found->row != row) return INT64_MIN;
  }
  return asyncs[next_async_++].return_ns;
}

}  // namespace opscope
