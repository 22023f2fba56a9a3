#include "xplane_host_layout.h"

#include <algorithm>
#include <utility>

namespace opscope::xplane {
namespace {

// By the rule of the readers: what includes an event, ends and all, is around it. So something of no length
// at the very end of what is open lies inside.
template <typename Slices>
void CloseBefore(Slices* open, int64_t start_ns, int64_t end_ns) {
  while (!open->empty() && open->back().end_ns <= start_ns && open->back().end_ns < end_ns) open->pop_back();
}

bool IsStepCategory(Category category) noexcept {
  return category == Category::kRequest || category == Category::kInference;
}

}  // namespace

HostLayout::HostLayout(const Recording& recording) : recording_(recording), launch_rows_(recording) {
  ThreadOrder order(recording, launch_rows_);
  lanes_.resize(recording.threads.size());
  for (uint32_t t = 0; t < recording.threads.size(); ++t) LayThread(t, &order);
  FindSteps();
}

void HostLayout::LayThread(uint32_t thread, ThreadOrder* order) {
  open_.clear();
  thread_lanes_.clear();
  placed_.clear();
  free_lanes_ = Lanes();
  lane_of_row_ = IdMap();
  order->Walk(recording_.threads[thread], thread, [&](const Item& item) { LayOnThread(item, *order); });

  ThreadLanes& lanes = lanes_[thread];
  if (placed_.empty()) return;
  lanes.first.assign(thread_lanes_.size() + 1, 0);
  for (const Placed& placed : placed_) ++lanes.first[placed.lane + 1];
  for (size_t lane = 0; lane < thread_lanes_.size(); ++lane) lanes.first[lane + 1] += lanes.first[lane];
  lanes.items.resize(placed_.size());
  std::vector<uint32_t> next(lanes.first.begin(), lanes.first.end() - 1);
  for (const Placed& placed : placed_) lanes.items[next[placed.lane]++] = placed.item;
}

void HostLayout::LayOnThread(const Item& item, const ThreadOrder& order) {
  const size_t row_count = recording_.spans.size();
  CloseBefore(&open_, item.start_ns, item.end_ns);
  const bool fits = open_.empty() || item.end_ns <= open_.back().end_ns;
  const int32_t around = open_.empty() ? kNoParent : open_.back().row;
  const auto row = static_cast<int32_t>(item.index);
  switch (item.kind) {
    case Item::kSpan: {
      const int32_t parent = Visible(recording_.spans.parent[item.index]);
      if (!fits) {
        rows_off_.Add(item.index, row_count);
        LayOnLane(item.index, item.start_ns, item.end_ns, parent);
        return;
      }
      if (parent != around) {
        consumers_.Add(item.index, row_count);
        Link(parent);
      }
      open_.push_back({item.end_ns, row});
      return;
    }
    case Item::kSyncPart: {
      const int64_t end_ns = item.start_ns + recording_.spans.duration_ns[item.index];
      LayOnLane(item.index, item.start_ns, end_ns, Visible(recording_.spans.parent[item.index]));
      if (!fits || item.end_ns == item.start_ns) {
        rows_off_.Add(item.index, row_count);
        return;
      }
      Link(row);
      open_.push_back({item.end_ns, row});
      return;
    }
    case Item::kLaunch: {
      const int32_t span = Visible(recording_.launches[item.index].span);
      if (!fits || order.IsCrossed(item)) {
        launches_off_.Add(item.index, recording_.launches.size());
        LayOnLane(item.index | kLaunchBit, item.start_ns, item.end_ns, span);
        return;
      }
      if (span != around && span >= 0) {
        launch_consumers_.Add(item.index, recording_.launches.size());
        Link(span);
      }
      open_.push_back({item.end_ns, around});
      return;
    }
    case Item::kMark: {
      const int32_t span = Visible(recording_.marks[item.index].span);
      if (span == around) return;
      mark_consumers_.Add(item.index, recording_.marks.size());
      Link(span);
      return;
    }
  }
}

bool HostLayout::FitsInLane(const Lane& lane, int64_t start_ns, int64_t end_ns,
                            int32_t parent) const noexcept {
  if (lane.open.empty() || lane.open.back().row != parent) return false;
  if (lane.last_start_ns == start_ns && lane.last_end_ns < end_ns) return false;
  return start_ns < lane.open.back().end_ns && end_ns <= lane.open.back().end_ns;
}

void HostLayout::LayOnLane(uint32_t item, int64_t start_ns, int64_t end_ns, int32_t parent) {
  const bool is_launch = (item & kLaunchBit) != 0;
  uint32_t lane = IdMap::kAbsent;
  if (parent >= 0) lane = lane_of_row_.Find(static_cast<uint64_t>(parent));
  if (lane != IdMap::kAbsent) {
    CloseBefore(&thread_lanes_[lane].open, start_ns, end_ns);
    if (!FitsInLane(thread_lanes_[lane], start_ns, end_ns, parent)) lane = IdMap::kAbsent;
  }
  if (lane == IdMap::kAbsent) {
    // No length, and something longer at the same time: two lanes, as the longer one would have to come
    // first.
    lane = free_lanes_.Place(start_ns, std::max(end_ns, start_ns + 1));
    if (lane == thread_lanes_.size()) thread_lanes_.emplace_back();
    thread_lanes_[lane].open.clear();
    if (parent >= 0) {
      if (is_launch) {
        launch_consumers_.Add(item & ~kLaunchBit, recording_.launches.size());
      } else {
        consumers_.Add(item, recording_.spans.size());
      }
      Link(parent);
    }
  }
  Lane& at = thread_lanes_[lane];
  at.last_start_ns = start_ns;
  at.last_end_ns = end_ns;
  at.open.push_back({end_ns, is_launch ? parent : static_cast<int32_t>(item)});
  if (!is_launch) lane_of_row_.FindOrInsert(item, lane);
  placed_.push_back({item, lane});
}

void HostLayout::Link(int32_t parent) {
  if (parent >= 0) producers_.Add(static_cast<size_t>(parent), recording_.spans.size());
}

// The outermost of these categories; a request may lie in a section of the program's.
void HostLayout::FindSteps() {
  const SpanColumns& spans = recording_.spans;
  if (std::none_of(recording_.names.begin(), recording_.names.end(),
                   [](const NameEntry& name) { return IsStepCategory(name.category); }))
    return;
  RowSet inside;  // rows that are, or are below, one of these categories
  for (uint32_t row = 0; row < spans.size(); ++row) {
    bool is_inside = false;
    // Parents mostly come first, so that one step up tells.
    for (int32_t above = spans.parent[row]; above >= 0 && !is_inside;
         above = spans.parent[static_cast<size_t>(above)]) {
      const auto parent = static_cast<uint32_t>(above);
      is_inside = inside.Has(parent) || IsStepCategory(recording_.names[spans.name[parent]].category);
      if (parent < row) break;
    }
    const bool is_step = IsStepCategory(recording_.names[spans.name[row]].category);
    if (is_step && !is_inside) steps_.Append({row, 0});
    if (is_step || is_inside) inside.Add(row, spans.size());
  }
  std::vector<uint32_t> by_start(steps_.size());
  for (uint32_t i = 0; i < by_start.size(); ++i) by_start[i] = i;
  std::stable_sort(by_start.begin(), by_start.end(), [&](uint32_t a, uint32_t b) {
    return spans.start_ns[steps_[a].row] < spans.start_ns[steps_[b].row];
  });
  for (uint32_t number = 0; number < by_start.size(); ++number) steps_[by_start[number]].number = number;
}

}  // namespace opscope::xplane
