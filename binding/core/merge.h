// Thread logs + a session's window -> a recording.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "columns.h"
#include "session.h"

namespace opscope {

// Pure but for reading the chunks that `input` pins; any thread. Pairs begins
// with ends per thread, keeps the spans that began inside the window and
// outside its pauses, gives a kept span the nearest kept one as its parent, and
// maps ticks to ns. What was open at the stop is kept as unfinished. GPU rows
// are attached afterwards.
std::shared_ptr<Recording> MergeLogs(const MergeInput& input);

// What a capture warns of, with how often; nothing that did not happen.
std::vector<Warning> WarningsOf(const RecorderCounts& counts, uint64_t unfinished);

}  // namespace opscope
