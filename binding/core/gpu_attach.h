// GPU records of a back end -> a merged recording.
#pragma once

#include "columns.h"
#include "gpu_source.h"

namespace opscope {

// Call once, after MergeLogs and before anything else reads the recording.
// Keeps the API calls that began inside the window and outside its pauses, and
// the GPU rows that they caused; a row whose call is unknown stays as an orphan if it began inside.
// Rows of work launched before the window or in a pause are left out. Finds the spans by
// AttributeGpu. Ranges of other libraries (NVTX) become timed spans of their
// thread. What cannot be placed is counted in warnings. Only rows of a category
// in the mask are kept: kDevice for kernels, kMemcpy for copies and fills, kSync for waits.
void AttachGpu(GpuRecords&& records, Recording* recording, uint32_t category_mask = ~0u);

}  // namespace opscope
