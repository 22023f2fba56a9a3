#include "span_rows.h"

#include <unordered_set>

namespace opscope {

// A user's own row of this role may hold a launch, but hardly begins with it.
void LaunchRows::Mark(const Recording& recording, int32_t span, const LaunchRow& launch, bool is_graph) {
  if (span < 0) return;
  const auto row = static_cast<uint32_t>(span);
  const SpanColumns& spans = recording.spans;
  if (recording.names[spans.name[row]].role != Role::kCopy) return;
  if (spans.start_ns[row] != launch.start_ns || spans.flags[row] != 0) return;
  const int64_t longest = is_graph ? 0 : launch.end_ns - launch.start_ns;
  if (spans.duration_ns[row] > longest) return;
  if (bits_.empty()) bits_.resize(spans.size() / 64 + 1);
  bits_[row / 64] |= uint64_t{1} << (row % 64);
}

LaunchRows::LaunchRows(const Recording& recording) {
  for (const LaunchRow& launch : recording.launches) Mark(recording, launch.span, launch, false);
  for (const GpuRow& row : recording.gpu) {
    if (row.kind != GpuKind::kCopy || row.launch < 0) continue;
    const LaunchRow& launch = recording.launches[static_cast<size_t>(row.launch)];
    if (row.span != launch.span) Mark(recording, row.span, launch, true);
  }
  before_.reserve(bits_.size());
  uint32_t count = 0;
  for (const uint64_t word : bits_) {
    before_.push_back(count);
    count += static_cast<uint32_t>(__builtin_popcountll(word));
  }
}

uint32_t LaunchRows::PlaceOf(uint32_t row) const noexcept {
  if (bits_.empty()) return row;
  const uint64_t below = bits_[row / 64] & ((uint64_t{1} << (row % 64)) - 1);
  return row - before_[row / 64] - static_cast<uint32_t>(__builtin_popcountll(below));
}

std::string ThreadLabel(const Recording& recording, uint32_t thread) {
  const ThreadEntry& entry = recording.threads[thread];
  if (!entry.name.empty()) return entry.name;
  return entry.js_thread_id > 0 ? "worker " + std::to_string(entry.js_thread_id)
                                : "thread " + std::to_string(thread);
}

std::vector<int32_t> UniqueThreadIds(const Recording& recording) {
  std::vector<int32_t> ids;
  ids.reserve(recording.threads.size());
  std::unordered_set<int64_t> used;
  int32_t made_up = kFirstMadeUpThreadId;
  for (const ThreadEntry& thread : recording.threads) {
    const int64_t id = thread.os_thread_id;
    if (id > 0 && id < kFirstMadeUpThreadId && used.insert(id).second) {
      ids.push_back(static_cast<int32_t>(id));
    } else {
      ids.push_back(made_up++);
    }
  }
  return ids;
}

}  // namespace opscope
