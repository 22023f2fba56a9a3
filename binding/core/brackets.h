// Which bracket was the only one in flight.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "columns.h"

namespace opscope {

// Of one process. A bracket is in flight from its start to just before its end,
// an unfinished one for ever. Not thread-safe.
class Brackets {
 public:
  Brackets(const Recording& recording, uint32_t process);

  // The row of the bracket that was in flight during all of [start, end) while
  // no other was during any of it; kNoParent where there is none, or where the
  // only one has no row.
  int32_t OnlyOneAcross(int64_t start_ns, int64_t end_ns) noexcept;

 private:
  // While exactly this one was in flight. In order, and apart.
  struct Stretch {
    int64_t start_ns, end_ns;
    int32_t row;
  };
  std::vector<Stretch> alone_;
  size_t last_ = 0;  // calls come in long runs within one stretch
};

}  // namespace opscope
