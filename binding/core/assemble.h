// Rows of a capture file, whose parents are told -> a recording.
#pragma once

#include <memory>

#include "raw_rows.h"

namespace opscope {

// The other half of BuildRecording, for rows with RawRows::span_parent that
// CheckRawRows has passed: threads and spans keep their order, so that a
// recording which was written and read back is the same one. Pure.
std::shared_ptr<Recording> AssembleRecording(RawRows&& rows);

}  // namespace opscope
