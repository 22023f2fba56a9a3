// An XSpace (openxla/xla, xplane.proto): what the Profile plugin of TensorBoard, xprof and
// jax.profiler.ProfileData read, and what a profiler service answers with.
//
// One plane of the host, "/host:CPU", always there; one for each GPU; "Task Environment", which has the wall
// clock, since times count from the session's start. Spans of a thread nest by time on its line; async ones
// lie on lanes beside it, and what does not lie inside its parent is linked with it as consumer and producer.
// The outermost spans of category request or inference are the steps. Ops of category cpu_op are called
// op:Type, kernels carry the path of their op in tf_op. What readers have no name for is told in stats named
// opscope.*.
//
// A merged recording is one XSpace: its threads have the name of their process in front. Pauses and the times
// in which a thread worked for an async span are not told.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// Protobuf ends at 2 GiB, and viewers long before.
constexpr uint64_t kDefaultXplaneBytes = 512u << 20;

// Any thread. A file that would be larger than `max_bytes` is without its oldest events, which is a warning
// in it and in `warnings`. Beside the bytes it takes some for each GPU row and for each span that is no plain
// one.
Status WriteXplane(const Recording& recording, uint64_t max_bytes, ByteSink* sink,
                   std::vector<Warning>* warnings);
// The same in memory behind `headroom` free bytes, for whoever puts a message around them.
Status MakeXplane(const Recording& recording, uint64_t max_bytes, uint64_t headroom,
                  std::unique_ptr<ByteSink>* bytes);

}  // namespace opscope
