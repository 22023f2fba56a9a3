#include "perfetto_records.h"

#include <algorithm>
#include <cstring>

#include "../core/record.h"
#include "perfetto_schema.h"
#include "wire.h"

namespace opscope::perfetto {

void RecordPackets::Write(uint32_t thread, const std::vector<LogPiece>& pieces, const Session& session,
                          ClockMap* clock, int64_t origin_ns) {
  if (threads_.size() <= thread) threads_.resize(thread + 1);
  thread_ = &threads_[thread];
  SessionWindow window(session);
  BeginTemplate end_template;
  const uint8_t end_event[] = {wire::Tag(event::kType, wire::Type::kVarint), kEnd};
  end_template.size = out_.PutTemplate(end_template.bytes, end_event, sizeof end_event);

  for (const LogPiece& piece : pieces) {
    if (!thread_->is_known) thread_->stack.assign(piece.open_at_start, {false, 0});
    thread_->is_known = true;
    const uint64_t* const end = piece.words + piece.count;
    for (const uint64_t* record = piece.words; record < end; record += RecordWords(record)) {
      const Kind kind = KindOf(record[0]);
      const uint64_t ticks = TicksOf(record[0]);
      if (ticks > session.stop_ticks) return;
      const int64_t at_ns = clock->Map(ticks) - origin_ns;
      if (kind == Kind::kEnd && !thread_->stack.empty() && thread_->stack.back().is_shown) {
        out_.sink().Advance(out_.PutFast(out_.sink().Room(kFastPacket), at_ns, end_template));
        thread_->stack.pop_back();
        continue;
      }
      const bool is_kept = HasName(kind) && window.Keeps(ticks, static_cast<uint32_t>(record[1]));
      if (kind == Kind::kBegin && is_kept) {
        const BeginTemplate& begin = out_.begin(NameIndexOf(record[1]));
        if (begin.epoch == out_.epoch()) {
          out_.sink().Advance(out_.PutFast(out_.sink().Room(kFastPacket), at_ns, begin));
          thread_->stack.push_back({true, 0});
          continue;
        }
      }
      WriteRecord(record, at_ns, is_kept);
    }
  }
}

void RecordPackets::WriteRecord(const uint64_t* record, int64_t at_ns, bool is_kept) {
  std::vector<Entry>& stack = thread_->stack;
  switch (KindOf(record[0])) {
    case Kind::kBegin:
    case Kind::kBeginChild:
    case Kind::kBeginSpan:
      return WriteBegin(record, at_ns, is_kept);
    case Kind::kEnd:
      if (!stack.empty()) stack.pop_back();
      return WriteRaw(record, at_ns);
    case Kind::kEndAt:
      WriteRaw(record, at_ns);
      if (record[1] < stack.size()) {
        const auto entry = stack.begin() + static_cast<std::ptrdiff_t>(record[1]);
        if (entry->is_shown) WriteEndForTheEye(at_ns);
        stack.erase(entry);
      }
      return;
    case Kind::kOpenSpan:
      if (is_kept) live_[record[2]] = {at_ns, NameIndexOf(record[1]), true};
      return WriteRaw(record, at_ns);
    case Kind::kLeave:
      return WriteLeave(record, at_ns);
    case Kind::kEndSpan:
    case Kind::kFailSpan:
      return WriteEndOfSpan(record, at_ns);
    case Kind::kTimed: {
      WriteRaw(record, at_ns);
      const int64_t origin_ns = out_.recording().origin_clock_ns;
      if (is_kept) {
        WriteOnLane(NameIndexOf(record[1]), static_cast<int64_t>(record[2]) - origin_ns,
                    static_cast<int64_t>(record[3]) - origin_ns, false);
      }
      return;
    }
    case Kind::kMark:
    case Kind::kSpanMark:
      if (!is_kept) return WriteRaw(record, at_ns);
      out_.StartEvent(kInstant);
      out_.AddName(NameIndexOf(record[1]));
      if (KindOf(record[0]) == Kind::kSpanMark) out_.Note(note::kSpanId, annotation::kPointer, record[2]);
      return out_.EmitNextEvent(at_ns);
    case Kind::kTimedMark:
      WriteRaw(record, at_ns);
      if (is_kept) WriteMarkForTheEye(NameIndexOf(record[1]), static_cast<int64_t>(record[2]));
      return;
    case Kind::kCounter:
      if (!is_kept) return WriteRaw(record, at_ns);
      return WriteCounter(record, at_ns);
    case Kind::kAttribute:
    case Kind::kLink:
    case Kind::kTraceId:
    case Kind::kUnseenEnd:
    case Kind::kEnter:
    case Kind::kExit:
      return WriteRaw(record, at_ns);
  }
}

void RecordPackets::WriteRaw(const uint64_t* record, int64_t at_ns) {
  out_.StartPacket();
  wire::Writer& packet = out_.packet();
  const size_t opened = packet.Open(kStreamRecord);
  packet.Varint(stream_record::kKind, static_cast<uint64_t>(KindOf(record[0])));
  packet.Int(stream_record::kAtNs, at_ns);
  // Little-endian, as all machines are that CUDA or Node run on.
  packet.Bytes(stream_record::kWords, record + 1, (RecordWords(record) - 1) * sizeof(uint64_t));
  packet.Close(opened);
  out_.Emit(packet);
}

void RecordPackets::WriteBegin(const uint64_t* record, int64_t at_ns, bool is_kept) {
  const Kind kind = KindOf(record[0]);
  const uint64_t span_id = kind == Kind::kBeginSpan ? record[2] : 0;
  thread_->stack.push_back({is_kept, span_id});
  if (!is_kept) return WriteRaw(record, at_ns);
  const uint32_t name = NameIndexOf(record[1]);
  out_.StartEvent(kBegin);
  out_.AddName(name);
  if (kind == Kind::kBeginSpan) {
    live_[span_id] = {at_ns, name, false};
    out_.Note(note::kSpanId, annotation::kPointer, span_id);
    if (record[3] != 0) out_.Note(note::kParentSpanId, annotation::kPointer, record[3]);
    if ((record[1] >> 32 & 1) != 0) out_.NoteTrue(note::kBracket);
    if ((record[1] >> 33 & 1) != 0) out_.NoteTrue(note::kRoot);
  } else if (kind == Kind::kBeginChild) {
    out_.Note(note::kParentSpanId, annotation::kPointer, record[2]);
  }
  out_.EmitNextEvent(at_ns);
}

size_t RecordPackets::FindEntry(uint64_t span_id) const noexcept {
  const std::vector<Entry>& stack = thread_->stack;
  for (size_t i = stack.size(); i-- > 0;) {
    if (stack[i].span_id == span_id) return i;
  }
  return stack.size();
}

void RecordPackets::WriteLeave(const uint64_t* record, int64_t at_ns) {
  std::vector<Entry>& stack = thread_->stack;
  if (const auto live = live_.find(record[1]); live != live_.end()) live->second.is_async = true;
  const size_t at = FindEntry(record[1]);
  if (at == stack.size()) return WriteRaw(record, at_ns);
  const bool is_shown = stack[at].is_shown, is_top = at + 1 == stack.size();
  stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(at));
  if (is_shown && is_top) {
    out_.StartEvent(kEnd);
    out_.Note(note::kSpanId, annotation::kPointer, record[1]);
    out_.NoteTrue(note::kLeft);
    return out_.EmitNextEvent(at_ns);
  }
  WriteRaw(record, at_ns);
  if (is_shown) WriteEndForTheEye(at_ns);
}

void RecordPackets::WriteEndOfSpan(const uint64_t* record, int64_t at_ns) {
  std::vector<Entry>& stack = thread_->stack;
  const bool has_failed = KindOf(record[0]) == Kind::kFailSpan;
  const size_t at = FindEntry(record[1]);
  const bool is_on_stack = at < stack.size();
  const bool is_shown = is_on_stack && stack[at].is_shown, is_top = is_on_stack && at + 1 == stack.size();
  if (is_on_stack) stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(at));
  if (is_shown && is_top) {
    out_.StartEvent(kEnd);
    out_.Note(note::kSpanId, annotation::kPointer, record[1]);
    if (has_failed) out_.NoteTrue(note::kError);
    out_.EmitNextEvent(at_ns);
  } else {
    WriteRaw(record, at_ns);
    if (is_shown) WriteEndForTheEye(at_ns);
  }
  const auto live = live_.find(record[1]);
  if (live == live_.end()) return;
  const LiveSpan span = live->second;
  live_.erase(live);
  if (span.is_async) WriteOnLane(span.name, span.start_ns, at_ns, has_failed);
}

void RecordPackets::WriteCounter(const uint64_t* record, int64_t at_ns) {
  const uint32_t name = NameIndexOf(record[1]);
  uint64_t& track = thread_->counter_tracks[name];
  if (track == 0)
    track = out_.NewTrack(out_.default_track(), names_[name].text, PacketStream::TrackKind::kCounter);
  double value;
  std::memcpy(&value, &record[2], sizeof value);
  out_.StartEvent(kCounterValueType);
  event_.Varint(event::kTrackUuid, track);
  out_.AddName(name);
  event_.Double(event::kDoubleCounterValue, value);
  out_.EmitNextEvent(at_ns);
}

// A viewer closes the innermost slice, maybe the wrong one: spans that were
// ended out of order, which is counted, cannot be shown right as they come.
void RecordPackets::WriteEndForTheEye(int64_t at_ns) {
  out_.StartEvent(kEnd);
  out_.NoteTrue(note::kForTheEye);
  out_.EmitNextEvent(at_ns);
}

void RecordPackets::WriteMarkForTheEye(uint32_t name, int64_t clock_ns) {
  out_.StartEvent(kInstant);
  out_.AddName(name);
  out_.NoteTrue(note::kForTheEye);
  out_.EmitEvent(clock_ns - out_.recording().origin_clock_ns);
}

void RecordPackets::WriteOnLane(uint32_t name, int64_t start_ns, int64_t end_ns, bool has_failed) {
  NameLanes& own = thread_->lanes[name];
  const uint32_t lane = own.lanes.Place(start_ns, std::max(start_ns, end_ns));
  while (own.tracks.size() <= lane)
    own.tracks.push_back(out_.NewTrack(out_.default_track(), names_[name].text));
  out_.StartEvent(kBegin);
  event_.Varint(event::kTrackUuid, own.tracks[lane]);
  out_.AddName(name);
  if (has_failed) out_.NoteTrue(note::kError);
  out_.EmitEvent(start_ns);
  out_.StartEvent(kEnd);
  event_.Varint(event::kTrackUuid, own.tracks[lane]);
  out_.EmitEvent(std::max(start_ns, end_ns));
}

}  // namespace opscope::perfetto
