// Timelines want slices on one track that nest or follow each other. Lanes are
// for rows that may overlap; the nest stack tells which rows of a thread need one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace opscope {

// Gives each interval the first lane that is free at its start. Any order of
// starts is safe; ascending starts use the fewest lanes. Not thread-safe.
class Lanes {
 public:
  // A lane is free again at the end of its last interval, inclusive.
  uint32_t Place(int64_t start_ns, int64_t end_ns);
  uint32_t count() const noexcept { return count_; }

 private:
  void Grow();

  // A complete binary tree over lane ends, root at 1: each node holds the
  // earliest end below it, so the first free lane is found in O(log lanes). A
  // server with 1e5 requests in flight makes a linear search quadratic.
  std::vector<int64_t> tree_;
  uint32_t capacity_ = 0;
  uint32_t count_ = 0;
};

// The open slices of one thread while its rows are walked in begin order.
// Writers and the reader of a capture file take the row on top as a row's
// parent unless told otherwise, so both sides must follow the same rules.
class NestStack {
 public:
  static constexpr int64_t kOpen = INT64_MAX;  // end of an unfinished slice
  static constexpr int32_t kNone = -1;

  struct Slice {
    int64_t end_ns;
    int32_t row;
  };

  bool empty() const noexcept { return slices_.empty(); }
  int32_t top_row() const noexcept { return slices_.empty() ? kNone : slices_.back().row; }
  const Slice& top() const noexcept { return slices_.back(); }
  void Push(int64_t end_ns, int32_t row) { slices_.push_back({end_ns, row}); }
  void Pop() noexcept { slices_.pop_back(); }
  void Clear() noexcept { slices_.clear(); }

  // Whether the top slice is over when a row of this time and parent begins. A
  // row of no length at the very end of its parent is still inside.
  bool IsOver(int64_t start_ns, int64_t end_ns, int32_t parent) const noexcept {
    if (slices_.empty()) return false;
    const Slice& top = slices_.back();
    if (top.end_ns != start_ns) return top.end_ns < start_ns;
    return top.row != parent || end_ns != start_ns;
  }
  // The same from times alone: for formats whose readers know no more.
  bool EndsBy(int64_t start_ns) const noexcept {
    return !slices_.empty() && slices_.back().end_ns <= start_ns;
  }
  // Whether a slice with this end can be drawn inside what is open.
  bool Fits(int64_t end_ns) const noexcept { return slices_.empty() || end_ns <= slices_.back().end_ns; }

 private:
  std::vector<Slice> slices_;
};

}  // namespace opscope
