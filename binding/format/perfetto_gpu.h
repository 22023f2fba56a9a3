// The GPU's part of a capture file: API calls beside their threads, what they
// caused on the queues of its streams, memory in use, and what recording cost.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../core/columns.h"
#include "lanes.h"
#include "live_memory.h"
#include "perfetto_packets.h"

namespace opscope::perfetto {

// Launches and GPU rows are joined by the event ids of the rows. One thread at a
// time; threads in their order, then the rows. The recording may hold other rows
// each time: tracks and numbers go on.
class GpuPackets {
 public:
  explicit GpuPackets(PacketStream* out);
  // Before the launches and rows of a recording are written.
  void Start();

  // On the sequence that the stream stands at, that of the thread.
  void WriteLaunches(uint32_t thread);
  // Whether Write would write anything.
  bool HasRows() const noexcept;
  // Rows, overheads and memory, on a sequence that was started for them.
  void Write();

 private:
  void WriteRows();
  void WriteOverheads();
  void WriteMemory();
  void RefreshWords();
  void AddLaunchArg(uint32_t arg, uint64_t value);
  void AddMemoryArg(uint32_t arg, MemoryKind kind);
  void AddSides(uint32_t field, uint32_t x, uint32_t y, uint32_t z);
  void AddKernel(const KernelRow& kernel);
  void AddSpecification(uint64_t iid, std::string_view name);

  struct Tracks {
    Lanes lanes;
    std::vector<uint64_t> tracks;  // of each lane
  };
  struct QueueKey {
    uint32_t device, context, stream;
    bool is_sync;
    auto operator<=>(const QueueKey&) const = default;
  };
  struct Queue {
    Lanes lanes;
    std::vector<uint32_t> iids;  // of each lane
    std::vector<uint32_t> epochs;
  };

  PacketStream& out_;
  wire::Writer& event_;
  const Recording& recording_;
  std::vector<uint32_t> flows_;  // GPU rows of each launch
  size_t next_launch_ = 0;
  uint64_t first_launch_ = 0, first_row_ = 0;  // numbers of the recording's first ones
  uint64_t launch_count_ = 0, row_count_ = 0;

  std::unordered_map<uint32_t, Tracks> api_calls_;  // by thread
  std::map<QueueKey, Queue> queues_;
  uint32_t next_queue_ = perfetto::kFirstQueue;
  std::unordered_map<uint32_t, uint32_t> context_epochs_;
  std::vector<uint32_t> kernel_epochs_;  // by string
  std::vector<Tracks> overheads_;        // by process
  LiveMemory live_memory_;
  std::map<LiveMemory::Pool, uint64_t> memory_tracks_;
  uint32_t words_epoch_ = 0;
};

}  // namespace opscope::perfetto
