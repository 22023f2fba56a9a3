// Arrow IPC file ("Feather V2"): the rows of a recording as columns, for data tools.
//
// Schema, one dictionary for each column of few texts, batches of 64 Ki rows,
// footer. Bodies and their buffers lie at multiples of 64 bytes of the file, so
// that a reader may map it.
#pragma once

#include <vector>

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// Streams; any thread. Beside the recording it takes up to 40 bytes a row, the
// texts of the dictionaries, and one batch. `is_absolute`: start and end are
// timestamp[ns, UTC] instead of int64 ns since the session's start.
Status WriteArrow(const Recording& recording, bool is_absolute, ByteSink* sink);

}  // namespace opscope
