// Records of thread logs -> packets of a stream: what a viewer can show as
// slices, instants and counters, the rest in a field that viewers skip.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "../core/clock.h"
#include "../core/columns.h"
#include "../core/session.h"
#include "../core/session_window.h"
#include "lanes.h"
#include "perfetto_packets.h"

namespace opscope::perfetto {

// Each record becomes one packet of its thread's sequence, in order, and can be
// had back from it. Slices that a viewer is given besides lie on other tracks,
// or are marked. Needs the recording of the stream to have the names.
class RecordPackets {
 public:
  explicit RecordPackets(PacketStream* out)
      : out_(*out), event_(out->event()), names_(out->recording().names) {}

  // On the sequence that the stream stands at, that of the thread. `origin_ns` is the session's start on
  // the clock's scale.
  void Write(uint32_t thread, const std::vector<LogPiece>& pieces, const Session& session, ClockMap* clock,
             int64_t origin_ns);

 private:
  struct Entry {
    bool is_shown;     // its begin was a slice
    uint64_t span_id;  // 0: an op
  };
  struct NameLanes {
    Lanes lanes;
    std::vector<uint64_t> tracks;
  };
  struct Thread {
    std::vector<Entry> stack;
    std::unordered_map<uint32_t, NameLanes> lanes;          // by name
    std::unordered_map<uint32_t, uint64_t> counter_tracks;  // by name
    bool is_known = false;
  };
  // A span with an id that has not ended, wherever its end will come from.
  struct LiveSpan {
    int64_t start_ns;
    uint32_t name;
    bool is_async;
  };

  void WriteRecord(const uint64_t* record, int64_t at_ns, bool is_kept);
  void WriteRaw(const uint64_t* record, int64_t at_ns);
  void WriteBegin(const uint64_t* record, int64_t at_ns, bool is_kept);
  void WriteLeave(const uint64_t* record, int64_t at_ns);
  void WriteEndOfSpan(const uint64_t* record, int64_t at_ns);
  void WriteCounter(const uint64_t* record, int64_t at_ns);
  void WriteEndForTheEye(int64_t at_ns);
  void WriteMarkForTheEye(uint32_t name, int64_t clock_ns);
  void WriteOnLane(uint32_t name, int64_t start_ns, int64_t end_ns, bool has_failed);
  // The innermost entry of the span on the thread's stack; the stack's size where it has none.
  size_t FindEntry(uint64_t span_id) const noexcept;

  PacketStream& out_;
  wire::Writer& event_;
  const std::vector<NameEntry>& names_;
  std::vector<Thread> threads_;
  std::unordered_map<uint64_t, LiveSpan> live_;
  Thread* thread_ = nullptr;  // being written
};

}  // namespace opscope::perfetto
