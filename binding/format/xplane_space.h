// A whole XSpace of planes: their sizes first, then their bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "byte_sink.h"
#include "xplane_plane.h"

namespace opscope::xplane {

// When a session was, for the plane that tells it: the times of all others count from its start.
struct SessionTimes {
  int64_t start_epoch_ns = 0, stop_epoch_ns = 0;
};

// Of planes that come one after the other in the file. One use; not thread-safe.
class Space {
 public:
  std::vector<std::unique_ptr<Plane>> planes;
  std::vector<std::string> warnings;
  std::string hostname;

  // Counts all events; where the file would be larger than `max_bytes`, leaves out the oldest. Before
  // Write(). Returns how many were left out.
  uint64_t Fit(uint64_t max_bytes);
  uint64_t bytes() const noexcept;
  void Write(ByteSink* sink);

 private:
  // Sets from when on events have `room`; between the ends given.
  void FindFirstEnd(uint64_t room, int64_t first_ns, int64_t last_ns);
  // Returns the bytes of events.
  uint64_t Count(EventWriter* out);
  static uint64_t LineBytes(const Line& line) noexcept;
  static uint64_t PlaneBytes(const Plane& plane, const wire::Writer& stats) noexcept;
  void PutTail(wire::Writer* out) const;

  std::vector<std::unique_ptr<wire::Writer>> stats_;  // by plane
  int64_t first_end_ns_ = INT64_MIN;
};

// No lines: what a session was, and `add_stats` may tell more of it.
class TaskPlane : public Plane {
 public:
  explicit TaskPlane(SessionTimes times) : Plane(kTaskPlane, 0), times_(times) {}
  void WriteEvents(size_t, EventWriter*) override {}
  void WriteStats(wire::Writer* out) override;

 private:
  const SessionTimes times_;
};

}  // namespace opscope::xplane
