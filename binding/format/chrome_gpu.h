// The GPU's part of a Chrome trace: API calls beside their threads, GPU rows on
// processes of their own, arrows between, memory in use, and what recording cost.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "../core/columns.h"
#include "chrome_lines.h"
#include "gpu_labels.h"
#include "lanes.h"
#include "live_memory.h"

namespace opscope {

// One thread at a time; threads in their order, then the rows. Where the rows of
// the recording are replaced by others, between Forward and Start.
class GpuLines {
 public:
  explicit GpuLines(JsonLines* out)
      : out_(*out),
        line_(out->line()),
        recording_(out->recording()),
        labels_(recording_),
        launches_(recording_.launches.size()) {}

  void WriteLaunches(uint32_t thread, int64_t tid);
  // Rows, memory and overheads.
  void Write();

  // The rows are others than before.
  void Start();
  // Launches that rows written later may come from.
  void Forward();

 private:
  // What a track of lanes is called, and where it stands; `thread` as in WriteTrack.
  struct Place {
    std::string name;
    int64_t pid, sort_index, thread;
  };
  struct Launch {
    int64_t start_ns, pid, tid;
  };
  struct Stream {
    Lanes lanes;
    std::vector<int64_t> tids;
  };

  void WriteRows();
  void WriteRow(const GpuRow& row, int64_t pid, int64_t tid, const KernelRow* kernel);
  void WriteFlow(const GpuRow& row, int64_t pid, int64_t tid);
  const Launch* LaunchOf(const GpuRow& row) const;
  void WriteMemory();
  void WriteOverheads();
  void AddKernel(const KernelRow& kernel);
  void AddSides(std::string_view key, uint32_t x, uint32_t y, uint32_t z);
  // Both are named where they are first asked for.
  int64_t ProcessOf(uint32_t device);
  int64_t TrackOf(const GpuRow& row, int64_t pid);
  // The lane's number; its place is told where it is first needed.
  int64_t LaneOf(Stream* stream, int64_t start_ns, int64_t end_ns, const Place& place);

  JsonLines& out_;
  std::string& line_;
  const Recording& recording_;
  GpuLabels labels_;
  std::vector<Launch> launches_;
  std::unordered_map<uint64_t, Launch> earlier_;  // by correlation id
  std::deque<uint64_t> earlier_ids_;              // the oldest first
  std::set<uint32_t> named_devices_;
  std::map<uint32_t, uint32_t> hosts_;  // by device, the process that its plain track numbers are of
  std::map<std::tuple<uint32_t, uint32_t, uint32_t, bool>, Stream>
      streams_;                           // device, process, stream, for syncs
  std::map<uint32_t, Stream> threads_;    // of launches
  std::map<uint32_t, Stream> overheads_;  // by process
  LiveMemory memory_;
  size_t next_launch_ = 0;
  uint64_t flow_id_ = 0;
};

}  // namespace opscope
