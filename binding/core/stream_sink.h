// Where a session's records go while it goes on: a format writes them to its file.
#pragma once

#include <cstdint>

#include "gpu_source.h"
#include "log_stream.h"
#include "status.h"

namespace opscope {

// One thread at a time. What was flushed survives the process.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // Takes over a batch and what the GPU back end told since the last one, each once and in order.
  // Throws std::bad_alloc; the sink is of no use then.
  virtual void Add(const StreamBatch& batch, const GpuRecords& gpu) = 0;
  // Brings all that was added to the file. After an error the file holds what it
  // held before, the rest is kept, and the next call tries again.
  virtual Status Flush() = 0;
  // Of the file as flushed.
  virtual uint64_t bytes() const noexcept = 0;
};

}  // namespace opscope
