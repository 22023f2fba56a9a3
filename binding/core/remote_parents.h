// Spans whose parent is a span of another process of the recording.
#pragma once

#include <cstdint>
#include <vector>

#include "columns.h"

namespace opscope {

struct RemoteParent {
  uint32_t parent, child;  // rows
};

// By child; none in a plain recording. Found by the ids that the child was given: those of its parent and,
// where both are known, of their trace. The tree is left alone: a child in another process is no part of its
// parent's time, so as a child it would change what every op above it cost.
std::vector<RemoteParent> FindRemoteParents(const Recording& recording);

}  // namespace opscope
