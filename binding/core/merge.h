// Thread logs + a session's window -> a recording.
#pragma once

#include <memory>

#include "columns.h"
#include "session.h"

namespace opscope {

// Pure but for reading the chunks that `input` pins; any thread. Pairs begins
// with ends per thread, keeps the spans that began inside the window and
// outside its pauses, gives a kept span the nearest kept one as its parent, and
// maps ticks to ns. What was open at the stop is kept as unfinished. GPU rows
// are attached afterwards.
std::shared_ptr<Recording> MergeLogs(const MergeInput& input);

}  // namespace opscope
