#include "xplane_space.h"

#include <algorithm>

namespace opscope::xplane {
namespace {

// One is enough wherever names are not most of the file.
constexpr int kMaxRounds = 6;

constexpr uint64_t MessageBytes(uint64_t size) noexcept { return 1 + wire::VarintSize(size) + size; }

void PutLineHead(const Line& line, wire::Writer* out) {
  out->Clear();
  if (line.id != 0) out->Int(line::kId, line.id);
  out->String(line::kName, line.name);
  if (line.base_ns != 0) out->Int(line::kTimestampNs, line.base_ns);
}
void PutPlaneHead(const Plane& plane, wire::Writer* out) {
  out->Clear();
  if (plane.id() != 0) out->Int(plane::kId, plane.id());
  out->String(plane::kName, plane.name());
}
// A tag below 16 and the length of what follows.
void AppendHead(uint32_t field, uint64_t size, ByteSink* sink) {
  uint8_t* p = sink->Room(1 + wire::kMaxVarint);
  *p++ = static_cast<uint8_t>(wire::Tag(field, wire::Type::kBytes));
  sink->Advance(wire::PutVarint(p, size));
}

}  // namespace

uint64_t Space::LineBytes(const Line& line) noexcept {
  wire::Writer head;
  PutLineHead(line, &head);
  return head.size() + line.bytes;
}

uint64_t Space::PlaneBytes(const Plane& plane, const wire::Writer& stats) noexcept {
  wire::Writer head;
  PutPlaneHead(plane, &head);
  uint64_t bytes =
      head.size() + plane.tables.events.bytes().size() + plane.tables.stats.bytes().size() + stats.size();
  for (const Line& line : plane.lines) {
    if (line.bytes != 0) bytes += MessageBytes(LineBytes(line));
  }
  return bytes;
}

void Space::PutTail(wire::Writer* out) const {
  for (const std::string& warning : warnings) out->String(space::kWarnings, warning);
  out->String(space::kHostnames, hostname);
}

uint64_t Space::bytes() const noexcept {
  wire::Writer tail;
  PutTail(&tail);
  uint64_t bytes = tail.size();
  for (size_t i = 0; i < planes.size(); ++i) bytes += MessageBytes(PlaneBytes(*planes[i], *stats_[i]));
  return bytes;
}

uint64_t Space::Count(EventWriter* out) {
  uint64_t bytes = 0;
  out->set_first_end_ns(first_end_ns_);
  stats_.clear();
  for (const auto& plane : planes) {
    plane->Clear();
    for (size_t i = 0; i < plane->lines.size(); ++i) {
      out->StartLine();
      plane->WriteEvents(i, out);
      plane->lines[i].bytes = out->bytes();
      plane->lines[i].base_ns = out->base_ns();
      bytes += out->bytes();
    }
    plane->WriteStats(stats_.emplace_back(std::make_unique<wire::Writer>()).get());
  }
  return bytes;
}

uint64_t Space::Fit(uint64_t max_bytes) {
  EventWriter all;
  const uint64_t event_bytes = Count(&all);
  if (bytes() <= max_bytes) return 0;
  // What names and texts take: at most as much as those of all events, which is near the truth unless they
  // are most of the file.
  uint64_t least = 0, most = bytes() - event_bytes, guess = most, left_out = 0;
  int64_t best_ns = INT64_MAX;
  for (int round = 0; round < kMaxRounds; ++round, guess = least + (most - least) / 2) {
    FindFirstEnd(max_bytes > guess ? max_bytes - guess : 0, all.earliest_end_ns(), all.latest_end_ns());
    EventWriter rest;
    Count(&rest);
    if (bytes() > max_bytes && round > 0) {
      least = guess;
      continue;
    }
    most = guess;
    best_ns = first_end_ns_;
    left_out = rest.left_out();
    if (bytes() >= max_bytes / 10 * 8) return left_out;
  }
  if (first_end_ns_ == best_ns) return left_out;
  first_end_ns_ = best_ns;
  EventWriter rest;
  Count(&rest);
  return left_out;
}

void Space::FindFirstEnd(uint64_t room, int64_t first_ns, int64_t last_ns) {
  // Each narrows down 4096 times where the limit lies: five go through all of int64.
  constexpr int kMaxSteps = 5;
  Ages ages;
  for (int step = 0; step < kMaxSteps && first_ns <= last_ns; ++step) {
    ages.Reset(first_ns, last_ns);
    first_end_ns_ = INT64_MIN;
    EventWriter counter(&ages);
    Count(&counter);
    uint64_t taken = 0;
    if (!ages.FindLimit(room, &first_ns, &last_ns, &taken)) return;
    first_end_ns_ = last_ns + 1;
    // Near enough to save another pass.
    if (taken >= room / 10 * 9 || first_ns == last_ns) return;
  }
}

void Space::Write(ByteSink* sink) {
  EventWriter out(sink);
  out.set_first_end_ns(first_end_ns_);
  wire::Writer head;
  for (size_t i = 0; i < planes.size() && !sink->failed(); ++i) {
    Plane& plane = *planes[i];
    AppendHead(space::kPlanes, PlaneBytes(plane, *stats_[i]), sink);
    PutPlaneHead(plane, &head);
    sink->Append(head.data(), head.size());
    for (size_t at = 0; at < plane.lines.size() && !sink->failed(); ++at) {
      const Line& line = plane.lines[at];
      if (line.bytes == 0) continue;
      AppendHead(plane::kLines, LineBytes(line), sink);
      PutLineHead(line, &head);
      sink->Append(head.data(), head.size());
      out.StartLine();
      plane.WriteEvents(at, &out);
    }
    const wire::Writer& plane_stats = *stats_[i];
    for (const wire::Writer* part : {&plane.tables.events.bytes(), &plane.tables.stats.bytes(), &plane_stats})
      sink->Append(part->data(), part->size());
  }
  head.Clear();
  PutTail(&head);
  sink->Append(head.data(), head.size());
}

void TaskPlane::WriteStats(wire::Writer* out) {
  PutUint(out, plane::kStats, tables.stats.IdOf(StatName::kProfileStartTime),
          static_cast<uint64_t>(times_.start_epoch_ns));
  PutUint(out, plane::kStats, tables.stats.IdOf(StatName::kProfileStopTime),
          static_cast<uint64_t>(times_.stop_epoch_ns));
}

}  // namespace opscope::xplane
