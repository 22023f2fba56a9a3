#include "perfetto_spans.h"

#include <algorithm>

#include "hex.h"
#include "perfetto_schema.h"
#include "wire.h"

namespace opscope::perfetto {

SpanPackets::SpanPackets(PacketStream* out)
    : out_(*out),
      event_(out->event()),
      recording_(out->recording()),
      launch_rows_(recording_),
      key_epoch_(recording_.strings.size()),
      value_epoch_(recording_.strings.size()),
      asyncs_(recording_.asyncs, 0),
      ids_(recording_.ids, 0),
      attributes_(recording_.attributes, 0),
      links_(recording_.links, 0) {
  const std::vector<RemoteParent> arrows = FindRemoteParents(recording_);
  for (size_t i = 0; i < arrows.size(); ++i) {
    flows_.emplace(arrows[i].parent, out_.FlowId(i));
    flows_.emplace(arrows[i].child, out_.FlowId(i));
  }
}

uint64_t SpanPackets::ParentPlace(int32_t row) const noexcept {
  // A row made from a launch is not in the file; nothing nests in one.
  while (row >= 0 && launch_rows_.Has(static_cast<uint32_t>(row))) {
    row = recording_.spans.parent[static_cast<uint32_t>(row)];
  }
  return row < 0 ? 0 : uint64_t{1} + launch_rows_.PlaceOf(static_cast<uint32_t>(row));
}

void SpanPackets::Write(const ThreadEntry& thread) {
  const SpanColumns& spans = recording_.spans;
  const uint32_t end_row = thread.first_row + thread.row_count;
  asyncs_ = {recording_.asyncs, thread.first_row};
  ids_ = {recording_.ids, thread.first_row};
  attributes_ = {recording_.attributes, thread.first_row};
  links_ = {recording_.links, thread.first_row};
  stack_.Clear();
  lanes_.clear();

  BeginTemplate end_template;
  const uint8_t end_event[] = {wire::Tag(event::kType, wire::Type::kVarint), kEnd};
  end_template.size = out_.PutTemplate(end_template.bytes, end_event, sizeof end_event);

  const auto next_extra = [this] {
    return std::min({ids_.next_row(), attributes_.next_row(), links_.next_row()});
  };
  uint32_t extra = next_extra();
  uint8_t* p = out_.sink().Room(ByteSink::kMaxRoom);
  const uint8_t* safe = out_.sink().limit() - 2 * kFastPacket;
  const auto refill = [&] {
    out_.sink().Advance(p);
    out_.RefreshState();
    p = out_.sink().Room(ByteSink::kMaxRoom);
    safe = out_.sink().limit() - 2 * kFastPacket;
  };

  for (uint32_t row = thread.first_row; row < end_row; ++row) {
    const int64_t start_ns = spans.start_ns[row];
    const int64_t end_ns = start_ns + spans.duration_ns[row];
    const int32_t parent = spans.parent[row];
    while (stack_.IsOver(start_ns, end_ns, parent)) {
      p = out_.PutFast(p, stack_.top().end_ns, end_template);
      stack_.Pop();
      if (p > safe) refill();
    }
    const BeginTemplate& begin = out_.begin(spans.name[row]);
    if (spans.flags[row] == 0 && row != extra && begin.epoch == out_.epoch() && parent == stack_.top_row() &&
        stack_.Fits(end_ns)) {
      p = out_.PutFast(p, start_ns, begin);
      stack_.Push(end_ns, static_cast<int32_t>(row));
    } else {
      out_.sink().Advance(p);
      out_.RefreshState();
      WriteRow(row);
      extra = next_extra();
      p = out_.sink().Room(2 * kFastPacket);
      safe = out_.sink().limit() - 2 * kFastPacket;
    }
    if (p > safe) {
      refill();
      if (out_.failed()) return;
    }
  }
  for (; !stack_.empty(); stack_.Pop()) {
    if (stack_.top().end_ns == NestStack::kOpen) continue;
    p = out_.PutFast(p, stack_.top().end_ns, end_template);
    if (p > safe) refill();
  }
  out_.sink().Advance(p);
}

// Any row, however odd. Its BEGIN goes where the row is in file order.
void SpanPackets::WriteRow(uint32_t row) {
  const SpanColumns& spans = recording_.spans;
  const uint32_t name = spans.name[row];
  const uint8_t flags = spans.flags[row];
  const int64_t start_ns = spans.start_ns[row];
  const int64_t end_ns = (flags & kUnfinished) != 0 ? NestStack::kOpen : start_ns + spans.duration_ns[row];
  const AsyncRow* async = asyncs_.Take(row);

  if (launch_rows_.Has(row)) {
    if (!stack_.Fits(end_ns)) return;
    out_.StartEvent(kBegin);
    out_.AddName(name);
    out_.NoteTrue(note::kFromLaunch);
    out_.EmitNextEvent(start_ns);
    stack_.Push(end_ns, static_cast<int32_t>(row));
    return;
  }

  const bool on_lane = (flags & kAsync) != 0 || !stack_.Fits(end_ns);
  const uint64_t lane = on_lane ? LaneTrack(name, start_ns, end_ns) : 0;
  out_.StartEvent(kBegin);
  if (on_lane) event_.Varint(event::kTrackUuid, lane);
  out_.AddName(name);
  AddIds(row);
  if (!flows_.empty()) AddFlows(row);
  if ((flags & kAsync) != 0) out_.NoteTrue(note::kAsync);
  if ((flags & kError) != 0) out_.NoteTrue(note::kError);
  if ((flags & kTimed) != 0) out_.NoteTrue(note::kTimed);
  if ((flags & kBracket) != 0) out_.NoteTrue(note::kBracket);
  if (async != nullptr) {
    out_.Note(note::kReturnNs, annotation::kInt, static_cast<uint64_t>(async->return_ns));
  }
  if (spans.parent[row] != stack_.top_row()) {
    out_.NoteUint(note::kParentRow, ParentPlace(spans.parent[row]));
  }
  AddAttributes(row);

  if (!on_lane) {
    out_.EmitNextEvent(start_ns);
    stack_.Push(end_ns, static_cast<int32_t>(row));
    return;
  }
  out_.EmitEvent(start_ns);
  if (end_ns != NestStack::kOpen) {
    out_.StartEvent(kEnd);
    event_.Varint(event::kTrackUuid, lane);
    out_.EmitEvent(end_ns);
  }
  if (async != nullptr && async->return_ns > start_ns && stack_.Fits(async->return_ns)) {
    out_.StartEvent(kBegin);
    out_.AddName(name);
    out_.NoteTrue(note::kSyncPart);
    out_.EmitNextEvent(start_ns);
    stack_.Push(async->return_ns, static_cast<int32_t>(row));
  }
}

void SpanPackets::AddAttributes(uint32_t row) {
  while (const AttributeRow* attribute = attributes_.Take(row)) {
    const uint64_t key = out_.StringIid(&key_epoch_, interned::kAnnotationNames, kFirstKey, attribute->key);
    const size_t opened = event_.Open(event::kAnnotations);
    event_.Varint(annotation::kNameIid, key);
    switch (attribute->type) {
      case AttributeType::kString:
        event_.Varint(annotation::kStringIid, out_.StringIid(&value_epoch_, interned::kStrings, 1,
                                                             static_cast<uint32_t>(attribute->integer)));
        break;
      case AttributeType::kDouble:
        event_.Double(annotation::kDouble, attribute->number);
        break;
      case AttributeType::kInt:
        event_.Int(annotation::kInt, attribute->integer);
        break;
      case AttributeType::kBool:
        event_.Varint(annotation::kBool, attribute->integer != 0);
        break;
    }
    event_.Close(opened);
  }
}

void SpanPackets::AddIds(uint32_t row) {
  if (const IdRow* id = ids_.Take(row)) {
    if (id->span_id != 0) out_.Note(note::kSpanId, annotation::kPointer, id->span_id);
    if (id->remote_parent_id != 0) {
      out_.Note(note::kParentSpanId, annotation::kPointer, id->remote_parent_id);
    }
    if ((id->trace_id_high | id->trace_id_low) != 0) {
      char text[32];
      PutHex(PutHex(text, id->trace_id_high), id->trace_id_low);
      out_.NoteString(note::kTraceId, {text, sizeof text});
    }
  }
  while (const LinkRow* link = links_.Take(row)) {
    char text[49];
    char* end = PutHex(PutHex(text, link->trace_id_high), link->trace_id_low);
    *end++ = '-';
    PutHex(end, link->span_id);
    out_.NoteString(note::kLink, {text, sizeof text});
  }
}

void SpanPackets::AddFlows(uint32_t row) {
  const auto [first, last] = flows_.equal_range(row);
  for (auto flow = first; flow != last; ++flow) event_.Fixed64(event::kFlowIds, flow->second);
}

uint64_t SpanPackets::LaneTrack(uint32_t name, int64_t start_ns, int64_t end_ns) {
  NameLanes& lanes = lanes_[name];
  const uint32_t lane = lanes.lanes.Place(start_ns, end_ns);
  while (lanes.tracks.size() <= lane) {
    lanes.tracks.push_back(out_.NewTrack(out_.default_track(), recording_.names[name].text));
  }
  return lanes.tracks[lane];
}

}  // namespace opscope::perfetto
