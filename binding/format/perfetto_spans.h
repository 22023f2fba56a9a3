// The span rows of a capture file: BEGIN and END of LIFO rows in time order,
// async rows and those that do not nest on tracks of their own.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "../core/columns.h"
#include "../core/remote_parents.h"
#include "lanes.h"
#include "perfetto_packets.h"
#include "span_rows.h"

namespace opscope::perfetto {

// On the sequence that the stream stands at, that of the thread. One thread at a time.
class SpanPackets {
 public:
  explicit SpanPackets(PacketStream* out);

  void Write(const ThreadEntry& thread);
  // For a note: 1 + the row's place in the file, 0 for none.
  uint64_t ParentPlace(int32_t row) const noexcept;

 private:
  void WriteRow(uint32_t row);
  void AddIds(uint32_t row);
  void AddAttributes(uint32_t row);
  void AddFlows(uint32_t row);
  uint64_t LaneTrack(uint32_t name, int64_t start_ns, int64_t end_ns);

  PacketStream& out_;
  wire::Writer& event_;
  const Recording& recording_;
  LaunchRows launch_rows_;
  std::vector<uint32_t> key_epoch_, value_epoch_;      // by string
  std::unordered_multimap<uint32_t, uint64_t> flows_;  // by row: arrows from and to spans of other processes

  // Of the thread being written.
  NestStack stack_;
  struct NameLanes {
    Lanes lanes;
    std::vector<uint64_t> tracks;
  };
  std::unordered_map<uint32_t, NameLanes> lanes_;  // by name
  RowCursor<AsyncRow> asyncs_;
  RowCursor<IdRow> ids_;
  RowCursor<AttributeRow> attributes_;
  RowCursor<LinkRow> links_;
};

}  // namespace opscope::perfetto
