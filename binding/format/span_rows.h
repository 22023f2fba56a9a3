// What all writers need to know about the rows before they walk them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../core/columns.h"

namespace opscope {

// The rows that AttributeGpu made from copy launches and from copies of graph
// launches. A capture file tells launches and GPU rows, and loading makes these
// rows of them again: each once. Immutable.
class LaunchRows {
 public:
  explicit LaunchRows(const Recording& recording);

  bool Has(uint32_t row) const noexcept { return !bits_.empty() && (bits_[row / 64] >> (row % 64) & 1) != 0; }
  // How many rows before this one are not such rows: its place in a capture file.
  uint32_t PlaceOf(uint32_t row) const noexcept;

 private:
  void Mark(const Recording& recording, int32_t row, const LaunchRow& launch, bool is_graph);

  std::vector<uint64_t> bits_;    // empty: there are none
  std::vector<uint32_t> before_;  // set bits before each word
};

// Walks a table that is ascending by row alongside the rows of one thread.
template <typename Row>
class RowCursor {
 public:
  RowCursor(const Column<Row>& table, uint32_t first_row) noexcept : at_(table.begin()), end_(table.end()) {
    for (size_t count = table.size(); count != 0;) {
      const size_t half = count / 2;
      if (at_[half].row < first_row) {
        at_ += half + 1;
        count -= half + 1;
      } else {
        count = half;
      }
    }
  }
  // The row of the next entry, UINT32_MAX after the last.
  uint32_t next_row() const noexcept { return at_ == end_ ? UINT32_MAX : at_->row; }
  // The next entry if it belongs to the row. Entries of rows before are passed over.
  const Row* Take(uint32_t row) noexcept {
    while (at_ != end_ && at_->row < row) ++at_;
    return at_ != end_ && at_->row == row ? at_++ : nullptr;
  }

 private:
  const Row* at_;
  const Row* end_;
};

// The thread's name, else "worker 2" or "thread 5".
std::string ThreadLabel(const Recording& recording, uint32_t thread);

// Numbers that are different for each thread and fit what viewers expect of a
// thread id: the system's where it is known and unique, else one above pid_max.
std::vector<int32_t> UniqueThreadIds(const Recording& recording);
// 4194304 is the largest pid_max of Linux.
constexpr int32_t kFirstMadeUpThreadId = 4194305;

}  // namespace opscope
