// Wall time of spans apart from what they hold, for recordings with async spans.
#pragma once

#include <cstdint>
#include <vector>

#include "columns.h"
#include "op_walk.h"

namespace opscope {

// By path of the walk, which has run: the time of the finished spans that no
// child on the same thread covers. Unlike OpWalk::SelfNs it takes an async span
// for as long as it is open: waiting counts, and what waits at the same time adds
// up to more than has passed. Holds 8 bytes a span meanwhile. Pure.
std::vector<int64_t> WallSelfByPath(const Recording& recording, const OpWalk& walk);

}  // namespace opscope
