// Adds up the spans that end, while a session goes on: what a live view shows.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "columns.h"
#include "span_follower.h"

namespace opscope {

// Spans of one name. A request inside of a request is apart from one that is not.
struct EndedGroup {
  std::string name;
  Category category = Category::kUser;
  bool is_inner = false;
  uint64_t calls = 0;
  int64_t total_ns = 0;
  int64_t max_ns = 0;
  std::vector<double> durations_ns;  // of the first ones, as many as there is room for
  uint64_t open = 0;                 // with an id, at the last look
  int64_t oldest_ns = 0;             // of those, since it began
};

// However long a span was open, it is counted when it ends: a window of a second
// has no span that began before it. Take is for any thread.
class EndedSpans final : public SpanFollower {
 public:
  // Since it was last asked; bounded, whatever the program does.
  std::vector<EndedGroup> Take();

 private:
  // Half a megabyte of durations: exact percentiles up to 65,536 spans between two calls of Take.
  static constexpr size_t kMaxDurations = 1u << 16;
  // A program with more names of sections has an id in them.
  static constexpr size_t kMaxGroups = 1000;

  void Ended(const Open& open, int64_t duration_ns) override;
  void Looked(uint64_t now_ticks) override;
  EndedGroup* GroupOf(const Open& open);

  std::mutex mutex_;
  std::map<std::pair<uint32_t, bool>, EndedGroup> groups_;  // by name id and is_inner
  size_t duration_count_ = 0;
};

}  // namespace opscope
