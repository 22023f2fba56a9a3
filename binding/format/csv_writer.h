// CSV as RFC 4180 has it: a header, lines that end in CR LF, quotes around what
// holds a comma, a quote or a line end. null is nothing at all.
#pragma once

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// The rows and columns of the Arrow file; streams; any thread. `is_absolute`:
// start and end as 2025-11-22T02:53:20.000010000Z instead of ns since the session's start.
Status WriteCsv(const Recording& recording, bool is_absolute, ByteSink* sink);

}  // namespace opscope
