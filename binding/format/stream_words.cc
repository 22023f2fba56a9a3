#include "stream_words.h"

#include <algorithm>
#include <utility>

#include "../core/clock.h"

namespace opscope {

StreamWords::StreamWords(const StreamBatch& first, const std::string& meta_json) {
  ClockMap clock(first.clock_points);
  recording_.origin_clock_ns =
      static_cast<int64_t>(first.clock_points.front().ns) + clock.Map(first.session.start_ticks);
  recording_.origin_epoch_ns = first.session.start_epoch_ns;
  recording_.process_id = first.process_id;
  recording_.meta_json = meta_json;
}

void StreamWords::Add(const StreamBatch& batch, const GpuRecords& gpu) {
  recording_.names.insert(recording_.names.end(), batch.names.begin(), batch.names.end());
  AddThreads(batch, gpu);
  AddGpu(gpu);
}

// A thread that launches has a place even if it made no record.
void StreamWords::AddThreads(const StreamBatch& batch, const GpuRecords& gpu) {
  changed_.clear();
  for (const StreamBatch::Log& log : batch.logs) {
    const auto [at, is_new] = numbers_.try_emplace(log.index, 0);
    if (is_new) at->second = AddThread(log.os_thread_id);
    ThreadEntry& thread = recording_.threads[at->second];
    if (thread.name == log.thread_name && thread.js_thread_id == log.js_thread_id) continue;
    thread.name = log.thread_name;
    thread.js_thread_id = log.js_thread_id;
    MarkChanged(at->second);
  }
  const auto add = [this](int64_t os_thread_id) {
    if (!by_os_id_.contains(os_thread_id)) AddThread(os_thread_id);
  };
  for (const GpuApiCall& call : gpu.calls) add(call.os_thread_id);
  for (const GpuRangeRow& range : gpu.ranges) add(range.os_thread_id);
}

uint32_t StreamWords::AddThread(int64_t os_thread_id) {
  const auto number = static_cast<uint32_t>(recording_.threads.size());
  ThreadEntry thread;
  thread.os_thread_id = os_thread_id;
  recording_.threads.push_back(std::move(thread));
  by_os_id_[os_thread_id] = number;
  MarkChanged(number);
  return number;
}

void StreamWords::MarkChanged(uint32_t number) {
  if (std::find(changed_.begin(), changed_.end(), number) == changed_.end()) changed_.push_back(number);
}

uint32_t StreamWords::StringOf(const std::string& text) {
  const auto [at, is_new] = strings_.try_emplace(text, static_cast<uint32_t>(recording_.strings.size()));
  if (is_new) recording_.strings.push_back(text);
  return at->second;
}

void StreamWords::AddGpu(const GpuRecords& gpu) {
  Column<LaunchRow>& calls = recording_.launches;
  calls.Truncate(0);
  recording_.gpu.Truncate(0);
  GpuDetails& details = recording_.gpu_details;
  details.kernels.Truncate(0);
  details.overheads.Truncate(0);
  details.memory.Truncate(0);
  const int64_t origin_ns = recording_.origin_clock_ns;
  std::vector<uint32_t> strings;
  for (const std::string& text : gpu.strings) strings.push_back(StringOf(text));
  for (const GpuApiCall& call : gpu.calls) {
    calls.Append({call.start_ns - origin_ns, call.end_ns - origin_ns, call.correlation_id, strings[call.name],
                  ThreadOf(call.os_thread_id), kNoParent});
  }
  std::stable_sort(calls.begin(), calls.end(),
                   [](const LaunchRow& a, const LaunchRow& b) { return a.thread < b.thread; });
  // For the arrows from launch to row.
  std::unordered_map<uint64_t, int32_t> launches;
  for (size_t i = 0; i < calls.size(); ++i)
    launches.emplace(calls[i].correlation_id, static_cast<int32_t>(i));
  for (GpuRow row : gpu.rows) {
    row.start_ns -= origin_ns;
    row.end_ns -= origin_ns;
    row.name = strings[row.name];
    const auto launch = launches.find(row.correlation_id);
    row.launch = launch == launches.end() ? -1 : launch->second;
    recording_.gpu.Append(row);
  }
  for (const KernelRow& row : gpu.kernels) details.kernels.Append(row);
  for (GpuOverheadRow row : gpu.overheads) {
    row.start_ns -= origin_ns;
    row.end_ns -= origin_ns;
    details.overheads.Append(row);
  }
  for (GpuMemoryRow row : gpu.memory) {
    row.at_ns -= origin_ns;
    details.memory.Append(row);
  }
  const auto size_of = [](const auto& of) {
    return of.devices.size() + of.contexts.size() + of.stream_names.size();
  };
  has_new_gpu_tables_ = size_of(gpu) > size_of(details);
  if (!has_new_gpu_tables_) return;
  details.devices = gpu.devices;
  details.contexts = gpu.contexts;
  details.stream_names = gpu.stream_names;
}

}  // namespace opscope
