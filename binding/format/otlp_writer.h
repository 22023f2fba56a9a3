// OTLP/JSON, an ExportTraceServiceRequest of OpenTelemetry: what collectors take
// at /v1/traces (opentelemetry-proto, docs/specification.md#json-protobuf-encoding).
//
// Spans in the order of the recording, then what the GPU did, as children of the
// spans that launched it, each with the ids of core/row_ids.h. All are INTERNAL.
// GPU work whose span is not known has a trace of its own. A parent in another
// trace is a link, since parent ids hold within a trace. An unfinished span ends
// with the session and says so. Marks are events of their spans; marks outside of
// spans, and counters, have no place here and are counted. API calls, memory
// events and what recording cost are left out.
#pragma once

#include <vector>

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// Streams, with 4 bytes a span and 4 a mark beside the sink's buffers; any thread.
// Hands all bytes to the sink's target before it returns.
Status WriteOtlp(const Recording& recording, ByteSink* sink, std::vector<Warning>* warnings);

}  // namespace opscope
