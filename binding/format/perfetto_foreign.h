// Packets of a Perfetto trace that we did not write -> rows, as well as it goes.
//
// Read: BEGIN and END slices, instants, counters, GPU render stages; threads,
// processes and named tracks, each of which becomes a thread of the rows; plain
// debug annotations as attributes. Ignored: scheduling and other kernel data,
// flows, nested annotations, legacy phases, compressed packets (counted).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "../core/raw_rows.h"
#include "perfetto_packet.h"

namespace opscope {

// Fed packet by packet, in file order; one thread at a time. Times of the rows
// are on the trace clock until Finish.
class ForeignRows {
 public:
  explicit ForeignRows(RawRows* rows) : rows_(*rows) {}

  // False when the packet makes no sense; nothing of it is kept then.
  bool Add(const PacketView& packet);
  // After the last packet: times start at the first event. `epoch_offset_ns` is
  // wall clock minus trace clock, 0 where the file does not say.
  void Finish(int64_t epoch_offset_ns);

 private:
  struct Track {
    uint64_t parent = 0;
    std::string name;
    int64_t thread_id = 0;
    uint32_t thread = UINT32_MAX;  // of the rows, from the first event on
    std::vector<uint32_t> open;    // span rows without an end
  };
  struct Words {
    NumberTable categories, event_names, keys, values, specifications, launch_args;
  };

  void AddWords(Words* words, std::string_view interned);
  void AddTrack(std::string_view descriptor);
  void AddThread(const PacketView& packet);
  void AddProcess(std::string_view process);
  bool AddEvent(const PacketView& packet);
  void AddAttributes(const Words& words, std::string_view event, uint32_t row);
  bool AddGpu(const PacketView& packet);
  Words& WordsOf(uint32_t sequence_index);
  Track& TrackAt(uint64_t uuid);
  uint32_t ThreadOf(Track* track);
  uint32_t String(std::string_view text);
  uint32_t Name(std::string_view text, std::string_view category);

  RawRows& rows_;
  std::vector<std::unique_ptr<Words>> words_;             // by sequence
  std::unordered_map<uint32_t, uint64_t> legacy_tracks_;  // sequence -> track
  std::unordered_map<uint64_t, Track> tracks_;
  std::unordered_map<std::string, uint32_t> strings_, names_;
};

}  // namespace opscope
