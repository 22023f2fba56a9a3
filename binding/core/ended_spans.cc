#include "ended_spans.h"

#include <algorithm>

#include "record.h"

namespace opscope {

// Under the mutex; null where there is no room for one more.
EndedGroup* EndedSpans::GroupOf(const Open& open) {
  const std::pair key(open.name, open.is_inner);
  const auto known = groups_.find(key);
  if (known != groups_.end()) return &known->second;
  if (groups_.size() >= kMaxGroups) return nullptr;
  EndedGroup& group = groups_[key];
  group.name = NameOf(open.name);
  group.category = static_cast<Category>(open.name >> kNameIndexBits);
  group.is_inner = open.is_inner;
  return &group;
}

void EndedSpans::Ended(const Open& open, int64_t duration_ns) {
  std::lock_guard lock(mutex_);
  EndedGroup* const group = GroupOf(open);
  if (group == nullptr) return;
  group->calls += 1;
  group->total_ns += duration_ns;
  group->max_ns = std::max(group->max_ns, duration_ns);
  if (duration_count_ == kMaxDurations) return;
  duration_count_ += 1;
  group->durations_ns.push_back(static_cast<double>(duration_ns));
}

void EndedSpans::Looked(uint64_t now_ticks) {
  std::lock_guard lock(mutex_);
  for (auto& [key, group] : groups_) group.open = 0, group.oldest_ns = 0;
  for (const auto& [id, open] : live()) {
    if (open.is_told || !IsFollowed(open)) continue;
    EndedGroup* const group = GroupOf(open);
    if (group == nullptr) continue;
    group->open += 1;
    group->oldest_ns = std::max(group->oldest_ns, DurationNs(open, now_ticks));
  }
}

std::vector<EndedGroup> EndedSpans::Take() {
  std::lock_guard lock(mutex_);
  std::vector<EndedGroup> taken;
  taken.reserve(groups_.size());
  for (auto& [key, group] : groups_) taken.push_back(std::move(group));
  groups_.clear();
  duration_count_ = 0;
  return taken;
}

}  // namespace opscope
