// A pprof profile (google/pprof, proto/profile.proto): what `go tool pprof`,
// Speedscope, Pyroscope and Parca read. Its readers expect it compressed with
// gzip, which is the caller's part.
//
// A sample is one path on one thread: frames are names, an instance as
// "type [instance]". What a GPU did for a span is a leaf frame under it, one
// sample for each name, device and stream; without a span, a frame at the root.
// Values: calls; self, host time that no span inside covers, an async span being
// on the host up to its return; where there are async spans, wall: the same with
// async spans for as long as they are open; where there are GPU rows, gpu.
//
// As in the op rows, unfinished spans and the categories gc, event_loop and
// overhead have no samples of their own, waits for a GPU are no GPU time, and a
// span whose parent is on another thread is below that parent. Single calls,
// ids, attributes, links, marks and counters have no place here.
#pragma once

#include <vector>

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// Streams; any thread. Hands all bytes to the sink's target before it returns.
Status WritePprof(const Recording& recording, ByteSink* sink, std::vector<Warning>* warnings);

}  // namespace opscope
