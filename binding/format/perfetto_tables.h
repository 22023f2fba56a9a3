// What a capture file tells before its events: the capture's own tables, in
// instants of the first sequence, and its pauses.
#pragma once

#include <string_view>
#include <vector>

#include "../core/columns.h"
#include "perfetto_packets.h"
#include "perfetto_table.h"

namespace opscope::perfetto {

class TablePackets {
 public:
  explicit TablePackets(PacketStream* out) : out_(*out), table_(out), recording_(out->recording()) {}

  // Starts the first sequence.
  void Write();
  // Parts of it, on the sequence that the stream stands at: names, warnings; devices, contexts and names of
  // streams.
  void WriteNames(const std::vector<NameEntry>& names);
  void WriteWarnings(const std::vector<Warning>& warnings);
  void WriteGpuTables();

 private:
  void WriteHead();
  void WriteGpuInfo();
  void AddGpuFacts(const GpuDevice& device);
  void WritePauses();
  void WriteAttribution();

  void ProcessCell(uint32_t process) {
    if (process != 0) table_.Cell(kProcessCell, uint64_t{process});
  }

  PacketStream& out_;
  TableWriter table_;
  const Recording& recording_;
};

}  // namespace opscope::perfetto
