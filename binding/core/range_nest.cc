#include "range_nest.h"

#include <algorithm>
#include <utility>

#include "row_order.h"

namespace opscope {
namespace {

// One use; not thread-safe.
class RangeNester {
 public:
  RangeNester(std::vector<TimedRange> ranges, Recording* recording)
      : ranges_(std::move(ranges)), out_(*recording), spans_(recording->spans) {}

  void Run() {
    std::stable_sort(ranges_.begin(), ranges_.end(), [](const TimedRange& a, const TimedRange& b) {
      if (a.thread != b.thread) return a.thread < b.thread;
      return a.start_ns != b.start_ns ? a.start_ns < b.start_ns : a.end_ns > b.end_ns;
    });
    const uint32_t first_name = AppendRows();
    PutInBeginOrder(&out_);
    for (const ThreadEntry& thread : out_.threads) Nest(thread, first_name);
    SortTable(&out_.asyncs, [](const AsyncRow& a, const AsyncRow& b) { return a.row < b.row; });
  }

 private:
  struct OpenSpan {
    int64_t end_ns;
    int32_t row;
    bool is_range;
  };

  // Behind their threads' own rows. Returns the first name that only ranges have.
  uint32_t AppendRows() {
    Column<uint32_t> new_rows(spans_.size());
    std::vector<uint32_t> range_rows(ranges_.size());
    uint32_t shift = 0;
    size_t next = 0;
    for (uint32_t thread = 0; thread < out_.threads.size(); ++thread) {
      ThreadEntry& entry = out_.threads[thread];
      for (uint32_t row = entry.first_row; row < entry.first_row + entry.row_count; ++row)
        new_rows[row] = row + shift;
      entry.first_row += shift;
      for (; next < ranges_.size() && ranges_[next].thread == thread; ++next, ++shift)
        range_rows[next] = entry.first_row + entry.row_count++;
    }
    MoveRows(&out_, new_rows, new_rows.size() + ranges_.size());
    uint32_t first_name = UINT32_MAX;
    for (size_t i = 0; i < ranges_.size(); ++i) {
      const TimedRange& range = ranges_[i];
      const uint32_t row = range_rows[i];
      spans_.start_ns[row] = range.start_ns;
      spans_.duration_ns[row] = range.end_ns - range.start_ns;
      spans_.name[row] = range.name;
      spans_.parent[row] = kNoParent;
      spans_.flags[row] = kTimed;
      first_name = std::min(first_name, range.name);
    }
    return first_name;
  }

  int64_t EndOf(uint32_t row) const noexcept {
    return (spans_.flags[row] & kUnfinished) != 0 ? INT64_MAX
                                                  : spans_.start_ns[row] + spans_.duration_ns[row];
  }

  void Nest(const ThreadEntry& thread, uint32_t first_name) {
    open_.clear();
    for (uint32_t row = thread.first_row; row < thread.first_row + thread.row_count; ++row) {
      while (!open_.empty() && open_.back().end_ns <= spans_.start_ns[row]) open_.pop_back();
      if (spans_.name[row] >= first_name) {
        NestRange(row);
      } else if ((spans_.flags[row] & kAsync) == 0) {
        NestSpan(row, thread);
      }
    }
  }

  void NestRange(uint32_t row) {
    int64_t end = EndOf(row);
    // What sticks out by the clocks' error is cut, not taken for an overlap.
    if (!open_.empty() && end > open_.back().end_ns && end - open_.back().end_ns <= kGpuClockErrorNs) {
      end = open_.back().end_ns;
      spans_.duration_ns[row] = end - spans_.start_ns[row];
    }
    const auto holder = std::find_if(open_.rbegin(), open_.rend(),
                                     [end](const OpenSpan& span) { return span.end_ns >= end; });
    if (holder != open_.rend()) spans_.parent[row] = holder->row;
    if (holder == open_.rbegin()) {
      open_.push_back({end, static_cast<int32_t>(row), true});
    } else {
      spans_.flags[row] |= kAsync;
      out_.asyncs.Append({spans_.start_ns[row], row});
    }
  }

  // Its own parent stays, unless a range lies between the two.
  void NestSpan(uint32_t row, const ThreadEntry& thread) {
    const int64_t end = EndOf(row);
    const int32_t parent = spans_.parent[row];
    const bool is_elsewhere =
        parent != kNoParent && (static_cast<uint32_t>(parent) < thread.first_row ||
                                static_cast<uint32_t>(parent) >= thread.first_row + thread.row_count);
    if (!is_elsewhere && !open_.empty() && open_.back().is_range && open_.back().row > parent &&
        open_.back().end_ns >= end)
      spans_.parent[row] = open_.back().row;
    open_.push_back({end, static_cast<int32_t>(row), false});
  }

  std::vector<TimedRange> ranges_;
  Recording& out_;
  SpanColumns& spans_;
  std::vector<OpenSpan> open_;
};

}  // namespace

void NestRanges(std::vector<TimedRange> ranges, Recording* recording) {
  if (!ranges.empty()) RangeNester(std::move(ranges), recording).Run();
}

}  // namespace opscope
