// PaddlePaddle's profile file: one proto2 Profile, read by
// Paddle's own timeline.py. Order: kernels and fills, host, API calls, copies,
// oldest first in each; epoch ns.
//
// Names are op paths ("mul/compute"), where a '/' inside a name becomes U+2215,
// as the reader takes every '/' for nesting; warning "slash-in-name" counts the
// names. An instance is written as the original does, type%variable%. Host
// events have device_id 0 (we know no blocks) and sub_device_id = thread index.
// Rows that do not nest on their thread, async ones above all, follow on lanes
// with sub_device_ids from the thread count up, since viewers draw a
// sub_device_id as one row. API calls are on device -1 with their thread index.
// Synchronisation rows, marks, counters, ids and attributes have no place here.
#pragma once

#include <vector>

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// Streams; any thread. Hands all bytes to the sink's target before it returns.
Status WritePaddle(const Recording& recording, ByteSink* sink, std::vector<Warning>* warnings);

}  // namespace opscope
