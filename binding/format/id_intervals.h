// Which of many whole numbers have been seen, most of them neighbours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

namespace opscope {

// Ids that a server counts up take one interval however many they are. Bounded:
// of scattered ones, the smallest are forgotten. Not thread-safe.
class IdIntervals {
 public:
  static constexpr size_t kMost = 1u << 16;

  bool Has(int64_t id) const {
    const auto above = ends_.upper_bound(id);
    return above != ends_.begin() && std::prev(above)->second >= id;
  }
  void Add(int64_t id) {
    auto above = ends_.upper_bound(id);
    if (above != ends_.begin()) {
      const auto below = std::prev(above);
      if (below->second >= id) return;
      if (below->second + 1 == id) {
        below->second = id;
        if (above != ends_.end() && above->first == id + 1) {
          below->second = above->second;
          ends_.erase(above);
        }
        return;
      }
    }
    if (above != ends_.end() && above->first == id + 1) {
      auto node = ends_.extract(above);
      node.key() = id;
      ends_.insert(std::move(node));
      return;
    }
    ends_.emplace_hint(above, id, id);
    if (ends_.size() > kMost) ends_.erase(ends_.begin());
  }
  void Clear() { ends_.clear(); }

 private:
  std::map<int64_t, int64_t> ends_;  // first -> last
};

}  // namespace opscope
