// The capture file: a Perfetto protobuf trace that ReadPerfetto and
// BuildRecording turn back into an equal recording.
//
// One packet sequence for each thread. LIFO spans are BEGIN and END packets in
// time order; async spans, and timed ones that do not nest, have tracks of
// their own under the thread, placed in the file where their row is, so that
// file order is row order. An unfinished span has no END. Launches and GPU rows
// are joined by the event ids of the rows. A merged recording has a track for each
// process, and flows between spans of different ones. Everything else that the schema has
// no field for is told in debug annotations (perfetto_schema.h).
#pragma once

#include <vector>

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// Streams; any thread. Hands all bytes to the sink's target before it returns.
Status WritePerfetto(const Recording& recording, ByteSink* sink, std::vector<Warning>* warnings);

}  // namespace opscope
