// Chrome Trace Event JSON, for chrome://tracing,
// Perfetto, speedscope and whatever else reads it.
//
// What an importer needs to get the op rows back exactly:
// - Span rows are the events X and b of pids below 5000000, in file order, but for
//   X events with args.sync_part (the part of an async row up to its return, for
//   the eye), those of launches (args.correlation) and of what recording cost on
//   the GPU's side (args.overhead). cat is the category.
// - A row's parent is row args.parent_row (-1: none) where that is told, else the
//   row of its process that has the id args.parent_span_id, else the innermost X
//   before it on its tid that ends after its start; a sync_part stands for its row.
// - args: role and instance where not an op, async, timed, error, unfinished,
//   return_ns, span_id, trace_id, attributes, links.
// - metadata: threads, pauses, warnings, counts, GPU devices, contexts and streams,
//   and the capture's meta text. Of a merged capture also processes; threads, pauses,
//   devices and overheads tell the index of theirs, 0 where none is told. tids are
//   unique in the file, pids too: arrows of category remote lead from one to another.
// - Counters on the pids of GPUs show memory in use; `allocation` beside their args
//   is what each was made of.
// GPU rows are on pid 5000000 + device; the rows of launches on a tid of their
// own beside their thread, because CUPTI's clock may let them stick out of spans.
#pragma once

#include <vector>

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// Streams; any thread. Hands all bytes to the sink's target before it returns.
Status WriteChrome(const Recording& recording, ByteSink* sink, std::vector<Warning>* warnings);

}  // namespace opscope
