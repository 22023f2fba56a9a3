// What a session keeps: begins inside its window, outside its pauses, of its categories.
#pragma once

#include <cstddef>
#include <cstdint>

#include "record.h"
#include "session.h"

namespace opscope {

// Reads `session`, which must outlive it. Keeps its place among the pauses, so
// ask in the order of times, and Rewind before older ones. One thread.
class SessionWindow {
 public:
  explicit SessionWindow(const Session& session) noexcept : session_(session) {}

  bool Keeps(uint64_t ticks, uint32_t name_id) noexcept {
    if (ticks < session_.start_ticks || (session_.options.category_mask & CategoryBit(name_id)) == 0)
      return false;
    while (pause_ < session_.pauses.size() && ticks >= session_.pauses[pause_].second) ++pause_;
    return pause_ == session_.pauses.size() || ticks < session_.pauses[pause_].first;
  }
  void Rewind() noexcept { pause_ = 0; }

 private:
  const Session& session_;
  size_t pause_ = 0;
};

}  // namespace opscope
