// Where on the lines of the host everything goes: readers know nothing of parents, they nest by time, line by
// line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../core/columns.h"
#include "../core/id_map.h"
#include "lanes.h"
#include "span_rows.h"
#include "xplane_order.h"

namespace opscope::xplane {

// A set of rows; costs nothing while it is empty.
class RowSet {
 public:
  bool Has(size_t row) const noexcept { return !bits_.empty() && (bits_[row / 64] >> (row % 64) & 1) != 0; }
  void Add(size_t row, size_t row_count) {
    if (bits_.empty()) bits_.resize(row_count / 64 + 1);
    bits_[row / 64] |= uint64_t{1} << (row % 64);
  }
  bool empty() const noexcept { return bits_.empty(); }

 private:
  std::vector<uint64_t> bits_;
};

// A span that readers take for a step.
struct StepRow {
  uint32_t row;
  uint32_t number;  // from 0, by start
};

// On a lane: a row, or a launch with this bit.
constexpr uint32_t kLaunchBit = 1u << 31;

struct ThreadLanes {
  std::vector<uint32_t> items;  // lane after lane, each sorted as a line is
  std::vector<uint32_t> first;  // by lane; one more at the end
  size_t lane_count() const noexcept { return first.empty() ? 0 : first.size() - 1; }
};

// Built in one pass. Async spans lie on lanes beside their thread, children in the lane of their parent where
// they fit; on the thread itself they have their synchronous part. Immutable.
class HostLayout {
 public:
  explicit HostLayout(const Recording& recording);

  const LaunchRows& launch_rows() const noexcept { return launch_rows_; }
  const std::vector<ThreadLanes>& lanes() const noexcept { return lanes_; }
  // What lies on a lane instead of the thread. Of an async row: that it has no synchronous part there.
  bool IsOffThread(const Item& item) const noexcept {
    if (item.kind == Item::kMark) return false;
    return item.kind == Item::kLaunch ? launches_off_.Has(item.index) : rows_off_.Has(item.index);
  }
  // Whether any row is drawn as what it is not, so that the sets below have to be asked.
  bool HasLinks() const noexcept { return !producers_.empty() || !consumers_.empty(); }
  // Others name the row as their parent: in its line it does not enclose them.
  bool IsProducer(uint32_t row) const noexcept { return producers_.Has(row); }
  // What encloses the row in its line is not its parent. Likewise of launches and marks.
  bool IsConsumer(uint32_t row) const noexcept { return consumers_.Has(row); }
  bool IsLaunchConsumer(uint32_t launch) const noexcept { return launch_consumers_.Has(launch); }
  bool IsMarkConsumer(uint32_t mark) const noexcept { return mark_consumers_.Has(mark); }
  // The row, or the one above it that is no launch's.
  int32_t Visible(int32_t row) const noexcept {
    while (row >= 0 && launch_rows_.Has(static_cast<uint32_t>(row)))
      row = recording_.spans.parent[static_cast<size_t>(row)];
    return row;
  }
  const Column<StepRow>& steps() const noexcept { return steps_; }

 private:
  struct Slice {
    int64_t end_ns;
    int32_t row;  // the span that a reader takes for what is inside
  };
  struct Lane {
    std::vector<Slice> open;
    int64_t last_start_ns = 0, last_end_ns = 0;
  };
  struct Placed {
    uint32_t item, lane;
  };

  void LayThread(uint32_t thread, ThreadOrder* order);
  void LayOnThread(const Item& item, const ThreadOrder& order);
  void LayOnLane(uint32_t item, int64_t start_ns, int64_t end_ns, int32_t parent);
  bool FitsInLane(const Lane& lane, int64_t start_ns, int64_t end_ns, int32_t parent) const noexcept;
  void Link(int32_t parent);
  void FindSteps();

  const Recording& recording_;
  LaunchRows launch_rows_;
  std::vector<ThreadLanes> lanes_;
  RowSet rows_off_, launches_off_;
  RowSet producers_, consumers_, launch_consumers_, mark_consumers_;
  Column<StepRow> steps_;

  // Of the thread being laid out.
  std::vector<Slice> open_;
  std::vector<Lane> thread_lanes_;
  std::vector<Placed> placed_;
  Lanes free_lanes_;
  IdMap lane_of_row_;
};

}  // namespace opscope::xplane
