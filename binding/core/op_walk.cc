#include "op_walk.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>

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
      recent_(kRecentRows, kEnded) {
  for (uint32_t thread = 0; thread < recording.threads.size(); ++thread) tops_.push_back({thread, kNoPath});
}

void OpWalk::Run() {
  WithValue([this](auto value) {
    for (uint32_t thread = 0; thread < recording_.threads.size(); ++thread) WalkThread(thread, value);
  });
}

template <typename Value>
void OpWalk::WalkThread(uint32_t thread, Value value) {
  thread_first_ = recording_.threads[thread].first_row;
  const uint32_t count = recording_.threads[thread].row_count;
  thread_end_ = thread_first_ + count;
  std::fill(recent_.begin(), recent_.end(), kEnded);
  aside_.clear();
  last_aside_ = &ended_;
  is_in_begin_order_ = IsInBeginOrder(spans_, thread_first_, count);
  if (is_in_begin_order_) {
    constexpr uint32_t kBlockRows = 2048;  // 50 KiB of columns: read twice, the second time from L2
    for (uint32_t from = 0; from < count; from += kBlockRows) {
      const uint32_t to = std::min(from + kBlockRows, count);
      FindPaths<true>(thread, nullptr, from, to);
      AddUp(thread_first_ + from, thread_first_ + to, value);
    }
    return;
  }
  Column<uint32_t> order(count);
  OrderByKey(spans_.start_ns.data() + thread_first_, count, order.data());
  for (uint32_t& row : order) row += thread_first_;
  std::fill_n(path_of_row_.data() + thread_first_, count, kNoPath);
  FindPaths<false>(thread, order.data(), 0, count);
  AddUp(thread_first_, thread_end_, value);
}

// Self time comes from one sweep: children arrive in the order of their starts,
// so what a parent's children cover is known up to one point, `covered_to_ns`.
// That of the last rows lies in a small table by row number, where a stack would
// mispredict its depth with every change of shape; that of older rows that are
// still open, aside. Accepted: a child that began before its parent takes
// nothing off its self time; on one thread only clashing parent ids make such.
template <bool kInBeginOrder>
void OpWalk::FindPaths(uint32_t thread, const uint32_t* order, uint32_t from, uint32_t to) {
  const uint32_t first = thread_first_, count = thread_end_ - thread_first_;
  const int64_t* const starts = spans_.start_ns.data();
  const int64_t* const durations = spans_.duration_ns.data();
  const uint32_t* const names = spans_.name.data();
  const int32_t* const parents = spans_.parent.data();
  const uint8_t* const all_flags = spans_.flags.data();
  const uint32_t* const first_of_name = first_of_name_.data();
  uint32_t* const path_of_row = path_of_row_.data();
  const uint32_t thread_key = TopKey(thread, kNoPath);
  for (uint32_t i = from; i < to; ++i) {
    const uint32_t row = kInBeginOrder ? first + i : order[i];
    const int64_t start = starts[row];
    const int64_t end = start + durations[row];
    const int32_t parent = parents[row];
    const uint8_t flags = all_flags[row];
    int64_t host_end = end;
    if ((flags & kAsync) != 0) host_end = std::clamp(ReturnOf(row), start, end);

    uint32_t parent_key = thread_key;
    if (static_cast<uint32_t>(parent) - first < (kInBeginOrder ? i : count)) {
      const auto above = static_cast<uint32_t>(parent);
      parent_key = kInBeginOrder ? path_of_row[above] & ~kUnfinishedBit : PathOfRow(above, row);
      OpenSpan* open = &recent_[above % kRecentRows];
      if (open->row != parent) open = FindAside(parent);
      const int64_t cover_from = std::max(start, open->covered_to_ns);
      const int64_t cover_to = std::min(host_end, open->end_ns);
      sums_[parent_key].covered_ns += std::max<int64_t>(cover_to - cover_from, 0);
      open->covered_to_ns = std::max(open->covered_to_ns, cover_to);
    } else if (parent != kNoParent) {
      parent_key = KeyUnder(thread, parent, PathOfRow(static_cast<uint32_t>(parent), row));
    }
    const uint32_t path = PathUnder(parent_key, first_of_name[names[row]], (flags & kAsync) != 0);

    OpenSpan& entry = recent_[row % kRecentRows];
    if (entry.end_ns > start) aside_[entry.row] = entry;
    entry = {host_end, start, static_cast<int32_t>(row)};
    path_of_row[row] = path;
    if ((flags & (kAsync | kUnfinished)) == 0) continue;
    if ((flags & kUnfinished) != 0) {
      entry.end_ns = kEndedNs;  // its self time is not asked for
      path_of_row[row] = path | kUnfinishedBit;
      ++sums_[path].unfinished;
      paths_[path].first_unfinished_ns = std::min(paths_[path].first_unfinished_ns, start);
    } else {
      paths_[path].slice_ns += host_end - start;
      async_calls_.push_back({start, end, path});
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

// Rows whose paths are known. Apart from FindPaths, because the branches that
// go wrong there would throw this work away too (a quarter of all time).
template <typename Value>
void OpWalk::AddUp(size_t from, size_t to, Value value) {
  const int64_t* const starts = spans_.start_ns.data();
  const int64_t* const durations = spans_.duration_ns.data();
  const int64_t* const gpu = spans_.gpu_ns.empty() ? nullptr : spans_.gpu_ns.data();
  PathSums* const all_sums = sums_.data();
  uint32_t* const histograms = histograms_.data();
  for (size_t row = from; row < to; ++row) {
    const uint32_t path = path_of_row_[row];
    if ((path & kUnfinishedBit) != 0) continue;
    const int64_t start = starts[row], duration = durations[row], spent = value(row);
    PathSums& sums = all_sums[path];
    ++sums.calls;
    sums.cpu_ns += duration;
    if (gpu != nullptr) sums.gpu_ns += gpu[row];
    sums.min_ns = std::min(sums.min_ns, spent);
    sums.max_ns = std::max(sums.max_ns, spent);
    sums.first_start_ns = std::min(sums.first_start_ns, start);
    sums.first_end_ns = std::min(sums.first_end_ns, start + duration);
    if (path < kHistogramPaths) ++histograms[size_t{path} * kBucketCount + BucketOf(static_cast<uint64_t>(spent))];
  }
}

uint32_t OpWalk::AddPath(uint64_t key, uint32_t parent_key, uint32_t name, bool is_async) {
  const auto path = static_cast<uint32_t>(paths_.size());
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
  sums_.emplace_back();
  if (path < kHistogramPaths) histograms_.resize(histograms_.size() + kBucketCount);
  return path_by_key_.FindOrInsert(key, path);
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
    if (IsWalked(at, walking)) {
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

bool OpWalk::IsWalked(uint32_t row, uint32_t walking) const noexcept {
  if (row < thread_first_) return true;
  if (row >= thread_end_) return false;
  return is_in_begin_order_ ? row < walking : path_of_row_[row] != kNoPath;
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
        std::lower_bound(asyncs.begin(), asyncs.end(), row, [](const AsyncRow& async, uint32_t value) { return async.row < value; });
    next_async_ = static_cast<size_t>(found - asyncs.begin());
    if (found == asyncs.end() || found->row != row) return INT64_MIN;
  }
  return asyncs[next_async_++].return_ns;
}

}  // namespace opscope
