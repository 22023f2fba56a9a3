// Which GPU records of a stream belong to its session, as AttachGpu would choose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_set>

#include "../core/clock.h"
#include "../core/gpu_source.h"
#include "../core/log_stream.h"

namespace opscope {

// One per file; batches in their order. Not thread-safe.
class StreamGpuFilter {
 public:
  // What began inside the window and outside the pauses that are known by then,
  // and rows of calls that did. `clock` is the batch's.
  GpuRecords Kept(const GpuRecords& gpu, const StreamBatch& batch, ClockMap* clock);
  // The session begins anew: rows of the calls so far are not its.
  void Restart();

 private:
  void Add(std::unordered_set<uint64_t>* ids, std::deque<uint64_t>* order, uint64_t id);

  std::unordered_set<uint64_t> inside_, outside_;  // correlation ids of the last calls
  std::deque<uint64_t> inside_order_, outside_order_;
};

}  // namespace opscope
