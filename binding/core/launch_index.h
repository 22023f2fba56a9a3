// Correlation ids -> launches.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "columns.h"
#include "id_map.h"

namespace opscope {

// The first launch of each correlation id: an array where the ids are about as
// dense as they come from one process (430 against 12 M joins/s), else a hash.
// Id 0 means none. Not thread-safe.
class LaunchIndex {
 public:
  explicit LaunchIndex(const Column<LaunchRow>& launches) : launches_(launches) {
    uint64_t low = UINT64_MAX, high = 0;
    for (const LaunchRow& launch : launches) {
      if (launch.correlation_id == 0) continue;
      low = std::min(low, launch.correlation_id);
      high = std::max(high, launch.correlation_id);
    }
    if (high == 0) return;
    constexpr uint64_t kSparsest = 4;  // 16 bytes a launch: no more than the hash takes
    if (high - low < launches.size() * kSparsest) {
      base_ = low;
      dense_.Reset(high - low + 1);
      dense_.Fill(IdMap::kAbsent);
    }
    for (uint32_t i = 0; i < launches.size(); ++i) Add(i);
    for (auto& [id, same] : shared_) SortOutShared(&same);
  }

  // Of several launches with the id, the last that began by then (else the
  // first); -1 where there is none.
  int32_t Find(uint64_t id, int64_t at_ns) const {
    uint32_t found = IdMap::kAbsent;
    if (!dense_.empty()) {
      if (id - base_ < dense_.size()) found = dense_[id - base_];
    } else if (id != 0) {
      found = hashed_.Find(id);
    }
    if (found == IdMap::kAbsent) return -1;
    return static_cast<int32_t>(shared_.empty() ? found : AmongShared(id, found, at_ns));
  }
  uint64_t duplicate_count() const noexcept { return duplicate_count_; }

 private:
  void Add(uint32_t launch) {
    const uint64_t id = launches_[launch].correlation_id;
    if (id == 0) return;
    uint32_t first;
    if (dense_.empty()) {
      first = hashed_.FindOrInsert(id, launch);
    } else {
      if (dense_[id - base_] == IdMap::kAbsent) dense_[id - base_] = launch;
      first = dense_[id - base_];
    }
    if (first == launch) return;
    std::vector<uint32_t>& same = shared_[id];
    if (same.empty()) same.push_back(first);
    same.push_back(launch);
  }

  // A driver call inside a runtime call shares its id, and the runtime call is
  // the one that the program made (CUPTI: one id per API call, nested or not).
  void SortOutShared(std::vector<uint32_t>* same) {
    std::stable_sort(same->begin(), same->end(), [this](uint32_t a, uint32_t b) {
      const LaunchRow &x = launches_[a], &y = launches_[b];
      return x.start_ns != y.start_ns ? x.start_ns < y.start_ns : x.end_ns > y.end_ns;
    });
    size_t kept = 1;
    for (size_t i = 1; i < same->size(); ++i) {
      const LaunchRow &outer = launches_[(*same)[kept - 1]], &inner = launches_[(*same)[i]];
      if (outer.thread == inner.thread && inner.end_ns <= outer.end_ns) continue;
      (*same)[kept++] = (*same)[i];
    }
    same->resize(kept);
    duplicate_count_ += kept - 1;
  }

  uint32_t AmongShared(uint64_t id, uint32_t first, int64_t at_ns) const {
    const auto found = shared_.find(id);
    if (found == shared_.end()) return first;
    const std::vector<uint32_t>& same = found->second;
    const auto after = std::partition_point(same.begin(), same.end(), [this, at_ns](uint32_t launch) {
      return launches_[launch].start_ns <= at_ns;
    });
    return after == same.begin() ? same.front() : *(after - 1);
  }

  const Column<LaunchRow>& launches_;
  uint64_t base_ = 0;
  Column<uint32_t> dense_;
  IdMap hashed_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> shared_;
  uint64_t duplicate_count_ = 0;
};

}  // namespace opscope
