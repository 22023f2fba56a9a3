// What the events of a stream refer to: the words and threads of its recording,
// which grow, and the GPU rows of the batch being written.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "../core/gpu_source.h"
#include "../core/log_stream.h"

namespace opscope {

// A recording without spans. Not thread-safe.
class StreamWords {
 public:
  StreamWords(const StreamBatch& first, const std::string& meta_json);

  // Takes over what is new, and the GPU rows in place of those of the last batch.
  void Add(const StreamBatch& batch, const GpuRecords& gpu);

  const Recording& recording() const noexcept { return recording_; }
  // Index into the recording's threads.
  uint32_t ThreadOf(const StreamBatch::Log& log) const { return numbers_.at(log.index); }
  uint32_t ThreadOf(int64_t os_thread_id) const { return by_os_id_.at(os_thread_id); }
  // Of the last batch: threads that are new or have another name, and whether devices, contexts or streams
  // are.
  const std::vector<uint32_t>& changed_threads() const noexcept { return changed_; }
  bool has_new_gpu_tables() const noexcept { return has_new_gpu_tables_; }
  // The session's start on the scale of the batch's clock map.
  int64_t OriginOn(const StreamBatch& batch) const noexcept {
    return recording_.origin_clock_ns - static_cast<int64_t>(batch.clock_points.front().ns);
  }

 private:
  void AddThreads(const StreamBatch& batch, const GpuRecords& gpu);
  uint32_t AddThread(int64_t os_thread_id);
  void MarkChanged(uint32_t number);
  void AddGpu(const GpuRecords& gpu);
  uint32_t StringOf(const std::string& text);

  Recording recording_;
  bool has_new_gpu_tables_ = false;
  std::unordered_map<uint32_t, uint32_t> numbers_;  // of threads, by StreamBatch::Log::index
  std::unordered_map<int64_t, uint32_t> by_os_id_;
  std::unordered_map<std::string, uint32_t> strings_;
  std::vector<uint32_t> changed_;
};

}  // namespace opscope
