// The GPU's part of a Chrome trace: API calls beside their threads, GPU rows on
// processes of their own, arrows between, memory in use, and what recording cost.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "../core/columns.h"
#include "chrome_lines.h"
#include "gpu_labels.h"
#include "lanes.h"

namespace opscope {

// One thread at a time; threads in their order, then the rows.
class GpuLines {
 public:
  explicit GpuLines(JsonLines* out)
      : out_(*out),
        line_(out->line()),
        recording_(out->recording()),
        labels_(recording_),
        launch_tids_(recording_.launches.size()) {}

  void WriteLaunches(uint32_t thread, int64_t pid, const std::string& thread_name, int64_t sort_index);
  // Rows, memory and overheads.
  void Write();

 private:
  struct Stream {
    Lanes lanes;
    std::vector<int64_t> tids;
  };

  void WriteRows();
  void WriteRow(const GpuRow& row, int64_t pid, int64_t tid, const KernelRow* kernel);
  void WriteFlow(const GpuRow& row, int64_t pid, int64_t tid, uint64_t flow_id);
  void WriteMemory();
  void WriteOverheads();
  void AddKernel(const KernelRow& kernel);
  void AddSides(std::string_view key, uint32_t x, uint32_t y, uint32_t z);
  // Both are named where they are first asked for.
  int64_t ProcessOf(uint32_t device);
  int64_t TrackOf(const GpuRow& row, int64_t pid);

  JsonLines& out_;
  std::string& line_;
  const Recording& recording_;
  GpuLabels labels_;
  std::vector<int64_t> launch_tids_;
  std::set<uint32_t> named_devices_;
  std::map<uint32_t, uint32_t> hosts_;  // by device, the process that its plain track numbers are of
  std::map<std::tuple<uint32_t, uint32_t, uint32_t, bool>, Stream>
      streams_;  // device, process, stream, for syncs
  size_t next_launch_ = 0;
};

}  // namespace opscope
