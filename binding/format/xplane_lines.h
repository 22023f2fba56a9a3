// The events of a line: counted first, because a message is told by its length, and written then.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "byte_sink.h"
#include "xplane_tables.h"

namespace opscope::xplane {

// Times are int64 picoseconds in the end: what lies beyond 106 days is drawn at the end of them.
constexpr int64_t kLastNs = INT64_MAX / 1000;

// Where the bytes of events lie in time, so that the oldest can be left out. By the end of an event: a
// request that began early and goes on is worth more than what it did first.
class Ages {
 public:
  // Spreads over [first_ns, last_ns]; what ends earlier or later is kept apart.
  void Reset(int64_t first_ns, int64_t last_ns);
  void Add(int64_t end_ns, uint64_t bytes) noexcept {
    if (end_ns < first_ns_) {
      before_ += bytes;
      return;
    }
    const uint64_t slot = static_cast<uint64_t>(end_ns - first_ns_) >> shift_;
    if (slot < kSlots) {
      bytes_[slot] += bytes;
    } else {
      after_ += bytes;
    }
  }
  // The slot in which the youngest events no longer fit into `room`, as [first_ns, last_ns]; how much of the
  // room the younger ones take. False where all fit.
  bool FindLimit(uint64_t room, int64_t* first_ns, int64_t* last_ns, uint64_t* taken) const noexcept;

 private:
  static constexpr size_t kSlots = 4096;
  std::array<uint64_t, kSlots> bytes_{};
  uint64_t before_ = 0, after_ = 0;
  int64_t first_ns_ = 0;
  unsigned shift_ = 0;
};

// Takes the events of one line after the other. They come sorted: by start, of equal starts the longest
// first.
class EventWriter {
 public:
  // Counts.
  EventWriter() = default;
  explicit EventWriter(Ages* ages) : ages_(ages) {}
  // Writes.
  explicit EventWriter(ByteSink* sink) : sink_(sink) {}
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  // What ends before is left out.
  void set_first_end_ns(int64_t ns) noexcept { first_end_ns_ = ns; }
  uint64_t left_out() const noexcept { return left_out_; }
  // Of what was not: the ends that Keeps() was told.
  int64_t earliest_end_ns() const noexcept { return earliest_end_ns_; }
  int64_t latest_end_ns() const noexcept { return latest_end_ns_; }

  void StartLine() noexcept {
    bytes_ = 0;
    base_ns_ = -1;
  }
  // For a line that begins before its first event.
  void StartLineAt(int64_t base_ns) noexcept {
    bytes_ = 0;
    base_ns_ = base_ns;
  }
  // Of the line so far. Offsets count from its first event, which saves a byte or two an event.
  uint64_t bytes() const noexcept { return bytes_; }
  int64_t base_ns() const noexcept { return std::max<int64_t>(base_ns_, 0); }
  bool failed() const noexcept { return sink_ != nullptr && sink_->failed(); }

  // Asked before each event: whether it is in the file. What belongs together is told with one end, so that
  // it stays together.
  bool Keeps(int64_t end_ns) noexcept {
    if (end_ns < first_end_ns_) {
      ++left_out_;
      return false;
    }
    end_ns_ = end_ns;
    earliest_end_ns_ = std::min(earliest_end_ns_, end_ns);
    latest_end_ns_ = std::max(latest_end_ns_, end_ns);
    return true;
  }

  // An event without stats.
  void Plain(uint32_t metadata, int64_t start_ns, int64_t end_ns) {
    const uint64_t offset_ps = OffsetPs(start_ns), duration_ps = DurationPs(start_ns, end_ns);
    if (sink_ == nullptr) {
      // The head of the event is two bytes, each of its tags one.
      return Count(5 + VarintBytes(metadata) + VarintBytes(offset_ps) + VarintBytes(duration_ps));
    }
    uint8_t* p = sink_->Room(64);
    uint8_t* const end = PutHead(p + 2, metadata, offset_ps, duration_ps);
    p[0] = wire::Tag(line::kEvents, wire::Type::kBytes);
    p[1] = static_cast<uint8_t>(end - p - 2);  // at most 28
    sink_->Advance(end);
  }

  // An event with stats, from Start to Finish.
  void Start(uint32_t metadata, int64_t start_ns, int64_t end_ns) {
    event_.Clear();
    uint8_t head[3 + 3 * wire::kMaxVarint + 4];
    const uint8_t* end = PutHead(head, metadata, OffsetPs(start_ns), DurationPs(start_ns, end_ns));
    event_.Raw(head, static_cast<size_t>(end - head));
  }
  void Uint(uint32_t stat, uint64_t value) { PutUint(&event_, event::kStats, stat, value); }
  void Int(uint32_t stat, int64_t value) { PutInt(&event_, event::kStats, stat, value); }
  void Double(uint32_t stat, double value) { PutDouble(&event_, event::kStats, stat, value); }
  void String(uint32_t stat, std::string_view value) { PutString(&event_, event::kStats, stat, value); }
  void Ref(uint32_t stat, uint32_t id) { PutRef(&event_, event::kStats, stat, id); }
  void Finish();

 private:
  static constexpr size_t VarintBytes(uint64_t value) noexcept {
    return (static_cast<size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
  }
  static int64_t Clamped(int64_t ns) noexcept { return std::clamp<int64_t>(ns, 0, kLastNs); }
  uint64_t OffsetPs(int64_t start_ns) noexcept {
    start_ns = Clamped(start_ns);
    if (base_ns_ < 0) base_ns_ = start_ns;
    return static_cast<uint64_t>(start_ns - base_ns_) * 1000;
  }
  static uint64_t DurationPs(int64_t start_ns, int64_t end_ns) noexcept {
    return static_cast<uint64_t>(std::max<int64_t>(Clamped(end_ns) - Clamped(start_ns), 0)) * 1000;
  }
  static uint8_t* PutHead(uint8_t* p, uint32_t metadata, uint64_t offset_ps, uint64_t duration_ps) noexcept {
    *p++ = wire::Tag(event::kMetadataId, wire::Type::kVarint);
    p = wire::PutVarintFast(p, metadata);
    *p++ = wire::Tag(event::kOffsetPs, wire::Type::kVarint);
    p = wire::PutVarintFast(p, offset_ps);
    *p++ = wire::Tag(event::kDurationPs, wire::Type::kVarint);
    return wire::PutVarintFast(p, duration_ps);
  }
  void Count(size_t bytes) noexcept {
    bytes_ += bytes;
    if (ages_ != nullptr) ages_->Add(end_ns_, bytes);
  }

  Ages* ages_ = nullptr;
  ByteSink* sink_ = nullptr;
  int64_t first_end_ns_ = INT64_MIN;
  int64_t base_ns_ = -1;
  int64_t end_ns_ = 0;
  int64_t earliest_end_ns_ = INT64_MAX, latest_end_ns_ = INT64_MIN;
  uint64_t bytes_ = 0;
  uint64_t left_out_ = 0;
  wire::Writer event_;
};

}  // namespace opscope::xplane
