// The packets of one trace being written: sequences and their state, interned
// words, annotations. perfetto_writer.cc decides what to say with them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "../core/columns.h"
#include "byte_sink.h"
#include "perfetto_schema.h"
#include "process_labels.h"
#include "wire.h"

namespace opscope::perfetto {

// State that packets lean on is told again at least this often, so that a file
// that lost its beginning still decodes.
constexpr uint64_t kStateBytes = 16u << 20;
// Room for one begin or end packet of the fast path, with what copies overshoot.
constexpr size_t kFastPacket = 64;

// The part of a span's BEGIN packet that follows the time: the same for every
// span of that name on that thread.
struct BeginTemplate {
  static constexpr size_t kMaxSize = 24;
  uint32_t epoch = 0;  // valid while it is the stream's
  uint8_t size = 0;
  uint8_t bytes[kMaxSize] = {};
};

// One sequence after the other; an event is built in event(), then emitted with
// the words that it interned. One thread at a time.
class PacketStream {
 public:
  PacketStream(const Recording& recording, ByteSink* sink)
      : PacketStream(recording, sink, static_cast<uint32_t>(recording.names.size()),
                     static_cast<uint32_t>(recording.threads.size())) {}
  // Of a recording whose words and threads become more, up to these counts.
  PacketStream(const Recording& recording, ByteSink* sink, uint32_t name_room, uint32_t thread_room);
  // After words were added to the recording.
  void Grow();
  PacketStream(const PacketStream&) = delete;
  PacketStream& operator=(const PacketStream&) = delete;

  const Recording& recording() const noexcept { return recording_; }
  ByteSink& sink() noexcept { return sink_; }
  bool failed() const noexcept { return sink_.failed(); }
  wire::Writer& event() noexcept { return event_; }
  wire::Writer& packet() noexcept { return packet_; }
  // Words told with the next event.
  wire::Writer& interned() noexcept { return interned_; }
  // Counts states: what was told in an older one must be told again.
  uint32_t epoch() const noexcept { return epoch_; }
  const BeginTemplate& begin(uint32_t name) const noexcept { return begins_[name]; }
  bool is_written(uint32_t s) const noexcept { return string_written_[s]; }

  uint64_t process_track(uint32_t process = 0) const noexcept {
    return process == 0 ? base_ + 1 : base_ + kFirstThreadTrack + recording_.threads.size() + process - 1;
  }
  int32_t pid(uint32_t process) const noexcept { return static_cast<int32_t>(processes_[process].id); }
  // Of arrows between spans; `arrow` counts those of the recording.
  uint64_t FlowId(size_t arrow) const noexcept { return base_ + arrow + 1; }
  uint64_t ThreadTrack(uint32_t thread) const noexcept { return base_ + kFirstThreadTrack + thread; }
  uint64_t default_track() const noexcept { return default_track_; }

  // Back to a sequence that was started before.
  void ReturnTo(uint32_t id) noexcept { sequence_ = id; }
  void Emit(const wire::Writer& packet);
  void StartPacket() {
    packet_.Clear();
    packet_.Varint(packet::kSequenceId, sequence_);
  }
  // A packet with the event in event() and what it interned, on the session clock.
  void EmitEvent(int64_t at_ns) {
    packet_.Clear();
    packet_.Int(packet::kTimestamp, at_ns);
    packet_.Varint(packet::kTimestampClockId, kSessionClock);
    FinishEvent(packet::kTrackEvent);
  }
  // The same on the incremental clock.
  void EmitNextEvent(int64_t at_ns, uint32_t field = packet::kTrackEvent) {
    packet_.Clear();
    packet_.Int(packet::kTimestamp, at_ns - last_ns_);
    last_ns_ = at_ns;
    FinishEvent(field);
  }

  void StartSequence(uint32_t id, uint64_t default_track) {
    sequence_ = id;
    default_track_ = default_track;
    WriteState(true);
  }

  // Back to one that was started before, to write more than a packet of it.
  void ContinueSequence(uint32_t id, uint64_t default_track) {
    sequence_ = id;
    default_track_ = default_track;
    WriteState(false);
  }

  void RefreshState() {
    if (sink_.bytes() - state_at_ >= kStateBytes) WriteState(false);
  }

  static void Intern(wire::Writer* to, uint32_t table, uint64_t iid, std::string_view text) {
    const size_t opened = to->Open(table);
    to->Varint(interned::kIid, iid);
    to->String(interned::kText, text);
    to->Close(opened);
  }

  void WriteProcess(uint32_t process = 0);

  // The track of one of the recording's threads, with the id that viewers are to know it by.
  void WriteThread(uint32_t thread, int64_t tid);

  enum class TrackKind : uint8_t { kSlices, kCounter, kBytes };
  uint64_t NewTrack(uint64_t parent, std::string_view name, TrackKind kind = TrackKind::kSlices);

  void StartEvent(EventType type) {
    event_.Clear();
    event_.Varint(event::kType, type);
  }
  // With the category.
  void AddName(uint32_t name) {
    event_.Varint(event::kNameIid, NameIid(name));
    event_.Varint(event::kCategoryIids, static_cast<uint32_t>(recording_.names[name].category) + 1);
  }

  // The entries of a table that is sorted by thread. `*at` is where the walk stands.
  template <typename Row, typename Write>
  void ForThread(const Column<Row>& table, size_t* at, uint32_t thread, Write write) {
    while (*at < table.size() && table[*at].thread < thread) ++*at;
    for (; *at < table.size() && table[*at].thread == thread; ++*at) {
      if (sink_.failed()) return;
      RefreshState();
      write(table[*at]);
    }
  }

  // Interned words. Each returns the number to write, and tells the word in
  // interned() where this sequence has not heard it since its last state.

  uint64_t NameIid(uint32_t name) {
    if (name_epoch_[name] != epoch_) {
      name_epoch_[name] = epoch_;
      Intern(&interned_, interned::kEventNames, name + 1, recording_.names[name].text);
      // Rows of copies may be for the eye only, which takes the slow way to see.
      if (recording_.names[name].role != Role::kCopy) PrepareBegin(name);
    }
    return name + 1;
  }
  uint64_t StringIid(std::vector<uint32_t>* epochs, uint32_t table, uint64_t offset, uint32_t s) {
    if ((*epochs)[s] != epoch_) {
      (*epochs)[s] = epoch_;
      string_written_[s] = true;
      Intern(&interned_, table, offset + s, recording_.strings[s]);
    }
    return offset + s;
  }
  uint64_t EventIid(uint32_t s) {
    return StringIid(&event_epoch_, interned::kEventNames, uint64_t{1} + name_room_, s);
  }

  uint8_t PutTemplate(uint8_t* to, const uint8_t* event, size_t size) const;
  // One packet of the fast path. Needs kFastPacket of room.
  uint8_t* PutFast(uint8_t* p, int64_t at_ns, const BeginTemplate& rest) noexcept {
    const uint64_t delta = static_cast<uint64_t>(at_ns) - static_cast<uint64_t>(last_ns_);
    last_ns_ = at_ns;
    p[0] = 0x0A;
    p[2] = wire::Tag(packet::kTimestamp, wire::Type::kVarint);
    uint8_t* after = wire::PutVarintFast(p + 3, delta);
    std::memcpy(after, rest.bytes, BeginTemplate::kMaxSize);
    after += rest.size;
    p[1] = static_cast<uint8_t>(after - (p + 2));
    return after;
  }

  // Debug annotations of event().

  void NoteUint(uint32_t name, uint64_t value) { Note(name, annotation::kUint, value); }
  void NoteTrue(uint32_t name) { Note(name, annotation::kBool, 1); }
  void Note(uint32_t name, uint32_t field, uint64_t value) {
    const size_t opened = event_.Open(event::kAnnotations);
    event_.Varint(annotation::kNameIid, name);
    event_.Varint(field, value);
    event_.Close(opened);
  }
  void NoteProcess(uint32_t process) {
    if (process == 0) return;
    const size_t opened = event_.Open(event::kAnnotations);
    event_.String(annotation::kName, kProcessCell);
    event_.Varint(annotation::kUint, process);
    event_.Close(opened);
  }
  void NoteString(uint32_t name, std::string_view text) {
    const size_t opened = event_.Open(event::kAnnotations);
    event_.Varint(annotation::kNameIid, name);
    event_.String(annotation::kString, text);
    event_.Close(opened);
  }

 private:
  static constexpr uint64_t kFirstThreadTrack = 16;

  void FinishEvent(uint32_t field);
  void WriteState(bool is_first);
  void AddClock(uint32_t id, int64_t value, bool is_incremental);
  void PrepareBegin(uint32_t name);

  const Recording& recording_;
  ByteSink& sink_;
  const std::vector<ProcessLabel> processes_;
  const uint32_t name_room_;
  uint64_t base_ = 0;
  uint64_t next_track_ = 0;

  // Of the sequence being written.
  uint32_t sequence_ = 0;
  uint64_t default_track_ = 0;
  int64_t last_ns_ = 0;    // of the incremental clock
  uint64_t state_at_ = 0;  // bytes before its last state
  uint32_t epoch_ = 0;     // counts states

  std::vector<BeginTemplate> begins_;  // by name
  std::vector<uint32_t> name_epoch_, event_epoch_;
  std::vector<bool> string_written_;

  wire::Writer packet_, event_, interned_;
};

}  // namespace opscope::perfetto
