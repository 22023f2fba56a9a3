#include "lanes.h"

#include <algorithm>

namespace opscope {

// Unused lanes end at the beginning of time: free for everyone.
constexpr int64_t kNever = INT64_MIN;

void Lanes::Grow() {
  const uint32_t capacity = capacity_ == 0 ? 4 : capacity_ * 2;
  std::vector<int64_t> tree(2 * size_t{capacity}, kNever);
  std::copy_n(tree_.begin() + capacity_, capacity_, tree.begin() + capacity);
  for (uint32_t i = capacity - 1; i > 0; --i) tree[i] = std::min(tree[2 * i], tree[2 * i + 1]);
  tree_ = std::move(tree);
  capacity_ = capacity;
}

uint32_t Lanes::Place(int64_t start_ns, int64_t end_ns) {
  if (capacity_ == 0 || tree_[1] > start_ns) Grow();
  uint32_t node = 1;
  while (node < capacity_) node = tree_[2 * node] <= start_ns ? 2 * node : 2 * node + 1;
  const uint32_t lane = node - capacity_;
  tree_[node] = end_ns;
  while ((node /= 2) != 0) tree_[node] = std::min(tree_[2 * node], tree_[2 * node + 1]);
  count_ = std::max(count_, lane + 1);
  return lane;
}

}  // namespace opscope
