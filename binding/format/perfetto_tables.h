// What a capture file tells before its events: the capture's own tables, in
// instants of the first sequence, and its pauses.
#pragma once

#include <string_view>
#include <vector>

#include "../core/columns.h"
#include "perfetto_packets.h"

namespace opscope::perfetto {

class TablePackets {
 public:
  explicit TablePackets(PacketStream* out) : out_(*out), event_(out->event()), recording_(out->recording()) {}

  // Starts the first sequence.
  void Write();

 private:
  void WriteHead();
  void WriteGpuTables();
  void WriteGpuInfo();
  void AddGpuFacts(const GpuDevice& device);
  void WritePauses();
  void StartInstant(std::string_view name);
  void WriteAttribution();
  template <typename Table, typename WriteRow>
  void WriteTable(std::string_view event_name, const Table& rows, WriteRow write_row);

  // Annotations with inline names: `list` is that of the event or of a row.
  void Field(uint32_t list, std::string_view name, uint64_t value);
  void Field(uint32_t list, std::string_view name, int64_t value);
  void Field(uint32_t list, std::string_view name, std::string_view text);
  template <typename Value>
  void Cell(std::string_view name, const Value& value) {
    Field(annotation::kDict, name, value);
  }

  PacketStream& out_;
  wire::Writer& event_;
  const Recording& recording_;
};

}  // namespace opscope::perfetto
