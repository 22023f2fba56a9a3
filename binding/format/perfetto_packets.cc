#include "perfetto_packets.h"

namespace opscope::perfetto {

using wire::Writer;

PacketStream::PacketStream(const Recording& recording, ByteSink* sink, uint32_t name_room,
                           uint32_t thread_room)
    : recording_(recording), sink_(*sink), processes_(ProcessLabels(recording)), name_room_(name_room) {
  Grow();
  // Tracks of different captures in one file should not share numbers, so 20
  // bits come from the capture; 48 bits in all keep a number at 7 bytes.
  uint64_t hash = static_cast<uint64_t>(recording.process_id) * 0x9E3779B97F4A7C15u ^
                  static_cast<uint64_t>(recording.origin_epoch_ns);
  hash = (hash ^ hash >> 31) * 0x94D049BB133111EBu;
  base_ = (hash >> 44 | 1) << 28;
  next_track_ = base_ + kFirstThreadTrack + thread_room + processes_.size() - 1;
}

void PacketStream::Grow() {
  begins_.resize(recording_.names.size());
  name_epoch_.resize(recording_.names.size());
  event_epoch_.resize(recording_.strings.size());
  string_written_.resize(recording_.strings.size());
}

void PacketStream::Emit(const Writer& packet) {
  uint8_t head[wire::kMaxVarint + 1];
  head[0] = 0x0A;
  const uint8_t* end = wire::PutVarint(head + 1, packet.size());
  sink_.Append(head, static_cast<size_t>(end - head));
  sink_.Append(packet.data(), packet.size());
}

void PacketStream::FinishEvent(uint32_t field) {
  packet_.Varint(packet::kSequenceId, sequence_);
  packet_.Varint(packet::kSequenceFlags, kNeedsState);
  if (!interned_.empty()) packet_.Message(packet::kInternedData, interned_);
  interned_.Clear();
  packet_.Message(field, event_);
  Emit(packet_);
}

void PacketStream::WriteState(bool is_first) {
  ++epoch_;
  last_ns_ = 0;
  state_at_ = sink_.bytes();
  StartPacket();
  packet_.Varint(packet::kSequenceFlags, kStateCleared | kNeedsState);
  if (is_first) packet_.Varint(packet::kFirstOnSequence, 1);
  size_t opened = packet_.Open(packet::kDefaults);
  packet_.Varint(defaults::kTimestampClockId, kIncrementalClock);
  const size_t track_event = packet_.Open(defaults::kTrackEvent);
  packet_.Varint(event::kTrackUuid, default_track_);
  packet_.Close(track_event);
  packet_.Close(opened);

  opened = packet_.Open(packet::kInternedData);
  for (uint32_t i = 0; i < kCategoryCount; ++i) {
    Intern(&packet_, interned::kCategories, i + 1, CategoryName(static_cast<Category>(i)));
  }
  for (uint32_t i = 1; i < note::kCount; ++i) {
    Intern(&packet_, interned::kAnnotationNames, i, kNoteNames[i]);
  }
  packet_.Close(opened);

  // The value of the trace clock is the same in every snapshot: importers
  // refuse one that goes backwards in file order, and threads come one after
  // the other.
  opened = packet_.Open(packet::kClockSnapshot);
  AddClock(kMonotonicClock, recording_.origin_clock_ns, false);
  if (sequence_ == kMetaSequence && is_first) {
    AddClock(kRealtimeClock, recording_.origin_epoch_ns, false);
  }
  AddClock(kIncrementalClock, 0, true);
  AddClock(kSessionClock, 0, false);
  packet_.Varint(snapshot::kPrimaryClock, kMonotonicClock);
  packet_.Close(opened);
  Emit(packet_);
}

void PacketStream::WriteProcess(uint32_t process) {
  sequence_ = kMetaSequence;
  StartPacket();
  const size_t opened = packet_.Open(packet::kTrackDescriptor);
  packet_.Varint(track::kUuid, process_track(process));
  const size_t descriptor = packet_.Open(track::kProcess);
  packet_.Int(track::kPid, pid(process));
  packet_.String(track::kProcessName, processes_[process].name);
  packet_.Close(descriptor);
  packet_.Close(opened);
  Emit(packet_);
}

void PacketStream::WriteThread(uint32_t thread, int64_t tid) {
  const ThreadEntry& entry = recording_.threads[thread];
  StartPacket();
  const size_t opened = packet_.Open(packet::kTrackDescriptor);
  packet_.Varint(track::kUuid, ThreadTrack(thread));
  packet_.Varint(track::kParent, process_track(entry.process));
  const size_t field = packet_.Open(track::kThread);
  packet_.Int(track::kPid, pid(entry.process));
  packet_.Int(track::kTid, tid);
  if (!entry.name.empty()) packet_.String(track::kThreadName, entry.name);
  packet_.Close(field);
  packet_.Close(opened);
  Emit(packet_);
}

uint64_t PacketStream::NewTrack(uint64_t parent, std::string_view name, TrackKind kind) {
  const uint64_t uuid = next_track_++;
  StartPacket();
  const size_t opened = packet_.Open(packet::kTrackDescriptor);
  packet_.Varint(track::kUuid, uuid);
  packet_.Varint(track::kParent, parent);
  packet_.String(track::kName, name);
  if (kind != TrackKind::kSlices) {
    const size_t counter = packet_.Open(track::kCounter);
    if (kind == TrackKind::kBytes) packet_.Varint(track::kCounterUnit, track::kUnitBytes);
    packet_.Close(counter);
  }
  packet_.Close(opened);
  Emit(packet_);
  return uuid;
}

void PacketStream::AddClock(uint32_t id, int64_t value, bool is_incremental) {
  const size_t opened = packet_.Open(snapshot::kClocks);
  packet_.Varint(snapshot::kClockId, id);
  packet_.Int(snapshot::kTimestamp, value);
  if (is_incremental) packet_.Varint(snapshot::kIsIncremental, 1);
  packet_.Close(opened);
}

void PacketStream::PrepareBegin(uint32_t name) {
  uint8_t event[32];
  uint8_t* e = event;
  *e++ = wire::Tag(event::kType, wire::Type::kVarint);
  *e++ = kBegin;
  *e++ = wire::Tag(event::kNameIid, wire::Type::kVarint);
  e = wire::PutVarint(e, name + 1);
  *e++ = wire::Tag(event::kCategoryIids, wire::Type::kVarint);
  *e++ = static_cast<uint8_t>(static_cast<uint32_t>(recording_.names[name].category) + 1);
  BeginTemplate& begin = begins_[name];
  begin.size = PutTemplate(begin.bytes, event, static_cast<size_t>(e - event));
  begin.epoch = epoch_;
}

uint8_t PacketStream::PutTemplate(uint8_t* to, const uint8_t* event, size_t size) const {
  uint8_t* p = to;
  *p++ = wire::Tag(packet::kSequenceId, wire::Type::kVarint);
  p = wire::PutVarint(p, sequence_);
  *p++ = wire::Tag(packet::kSequenceFlags, wire::Type::kVarint);
  *p++ = kNeedsState;
  *p++ = wire::Tag(packet::kTrackEvent, wire::Type::kBytes);
  *p++ = static_cast<uint8_t>(size);
  std::memcpy(p, event, size);
  return static_cast<uint8_t>(p + size - to);
}

}  // namespace opscope::perfetto
