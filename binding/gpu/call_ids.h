// A set of widened correlation ids, for joins over millions of rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

namespace opscope::gpu {

// Bits where the numbers lie close, a hash where not. Not thread-safe.
class CallIds {
 public:
  CallIds(uint64_t first, uint64_t last, size_t count) : first_(first) {
    const uint64_t range = last - first + 1;
    if (range <= 64 * static_cast<uint64_t>(count) + 1024) bits_.resize(static_cast<size_t>(range));
  }
  void Add(uint64_t id) {
    if (bits_.empty()) {
      hashed_.insert(id);
    } else {
      bits_[static_cast<size_t>(id - first_)] = true;
    }
  }
  bool Has(uint64_t id) const {
    if (bits_.empty()) return hashed_.count(id) != 0;
    return id >= first_ && id - first_ < bits_.size() && bits_[static_cast<size_t>(id - first_)];
  }

 private:
  uint64_t first_;
  std::vector<bool> bits_;
  std::unordered_set<uint64_t> hashed_;
};

}  // namespace opscope::gpu
