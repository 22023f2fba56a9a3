// The GPU's part of a capture file: API calls beside their threads, what they
// caused on the queues of its streams, memory in use, and what recording cost.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "../core/columns.h"
#include "perfetto_packets.h"

namespace opscope::perfetto {

// Launches and GPU rows are joined by the event ids of the rows. One thread at a
// time; threads in their order, then the rows.
class GpuPackets {
 public:
  explicit GpuPackets(PacketStream* out);

  // On the sequence that the stream stands at, that of the thread.
  void WriteLaunches(uint32_t thread);
  // Rows, overheads and memory, on a sequence of their own.
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

  PacketStream& out_;
  wire::Writer& event_;
  const Recording& recording_;
  std::vector<uint32_t> flows_;  // GPU rows of each launch
  size_t next_launch_ = 0;
  uint32_t words_epoch_ = 0;
};

}  // namespace opscope::perfetto
