#include "perfetto_capture.h"

#include "../core/processes.h"
#include "hex.h"
#include "perfetto_capture_tables.h"
#include "perfetto_cells.h"
#include "perfetto_schema.h"

namespace opscope {

using namespace perfetto;

namespace {

// Times come from the file: sums may wrap, but must not be undefined.
int64_t Minus(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

}  // namespace

bool CaptureRows::IsHead(const EventView& event) noexcept { return event.name == kHeadEvent; }

void CaptureRows::EnterSequence(uint32_t sequence) {
  if (sequence == sequence_) return;
  sequence_ = sequence;
  stack_.clear();
  last_async_ = kNoParent;
  open_ = {};
}

bool CaptureRows::AddPlainBegin(uint32_t sequence, int64_t at_ns, uint64_t name_iid) {
  EnterSequence(sequence);
  const uint32_t thread = sequence - kFirstThreadSequence;
  const uint64_t name = name_iid - 1;
  const size_t row = rows_.span_name.size();
  if (thread >= rows_.threads.size() || name >= rows_.names.size() || row >= INT32_MAX) {
    return false;
  }
  AddRow(thread, static_cast<uint32_t>(name), Minus(at_ns, origin_ns_), 0);
  stack_.push_back({static_cast<int32_t>(row), true});
  return true;
}

bool CaptureRows::AddPlainEnd(uint32_t sequence, int64_t at_ns) {
  EnterSequence(sequence);
  return AddEnd(0, true, Minus(at_ns, origin_ns_));
}

bool CaptureRows::Add(const PacketView& packet) {
  EnterSequence(packet.sequence);
  if (!packet.interned.empty()) strings_.Add(packet.interned);
  if (packet.has_track) {
    // The process told again, last of all.
    if (!packet.track.empty() && sequence_ == kMetaSequence) {
      wire::Reader in(packet.track);
      while (in.Next()) {
        if (in.field() == track::kProcess && heads_ != 0) is_complete_ = true;
      }
    }
    return true;
  }
  if (packet.has_gpu) return gpu_.AddRow(packet.gpu, Minus(packet.at_ns, origin_ns_));
  if (!packet.has_event) return true;

  EventView event;
  if (!event.Parse(packet.event)) return false;
  if (sequence_ == kMetaSequence) return AddMeta(packet, event);
  const uint32_t thread = sequence_ - kFirstThreadSequence;
  const int64_t at_ns = Minus(packet.at_ns, origin_ns_);
  if (thread == rows_.threads.size()) return gpu_.AddEvent(event, packet.event, at_ns);
  if (thread > rows_.threads.size()) return false;

  const bool on_thread = !event.has_track;
  switch (event.type) {
    case kBegin:
      return AddBegin(packet, event, thread);
    case kEnd:
      return AddEnd(event.track_uuid, on_thread, at_ns);
    case kInstant:
    case kCounterValueType: {
      const uint64_t name = event.name_iid - 1;
      if (name >= rows_.names.size()) return false;
      const auto index = static_cast<uint32_t>(name);
      if (event.type == kInstant) {
        rows_.marks.Append({at_ns, index, thread, MarkSpan(packet.event)});
      } else {
        rows_.counters.Append({at_ns, event.counter, index, thread});
      }
      return true;
    }
    default:
      return false;
  }
}

// The row as given; ResolveParents drops one that never comes.
int32_t CaptureRows::MarkSpan(std::string_view event) {
  wire::Reader in(event);
  while (in.Next()) {
    if (in.field() != event::kAnnotations) continue;
    AnnotationView note;
    note.Parse(in.bytes());
    if (note.name_iid == note::kParentRow && note.value <= INT32_MAX) {
      return static_cast<int32_t>(note.value) - 1;
    }
  }
  return kNoParent;
}

bool CaptureRows::AddMeta(const PacketView& packet, const EventView& event) {
  if (event.type == kInstant) {
    if (IsHead(event)) {
      if (++heads_ == 1) {
        const CaptureHead head = ReadCaptureHead(packet.event, &rows_);
        origin_ns_ = head.origin_ns;
        strings_.set_name_count(head.name_count);
      }
      return true;
    }
    ForRows(packet.event, [&](std::string_view row) { ReadTableRow(event.name, row, &rows_); });
    return true;
  }
  const int64_t at_ns = Minus(packet.at_ns, origin_ns_);
  if (event.type == kBegin && event.name == kPausedEvent) {
    open_ = {event.track_uuid, rows_.pauses.size(), Open::Kind::kPause};
    const auto process = static_cast<uint32_t>(AnnotationView::NumberOf(packet.event, kProcessCell));
    rows_.pauses.push_back({at_ns, at_ns, process});
    return true;
  }
  return event.type == kEnd && AddEnd(event.track_uuid, false, at_ns);
}

bool CaptureRows::AddBegin(const PacketView& packet, const EventView& event, uint32_t thread) {
  const bool on_thread = !event.has_track;
  if (event.name_iid > strings_.name_count()) {
    const uint32_t name = strings_.OfName(event.name_iid);
    if (on_thread || name == NumberTable::kAbsent) return false;
    const int64_t at_ns = Minus(packet.at_ns, origin_ns_);
    open_ = {event.track_uuid, rows_.launches.size(), Open::Kind::kLaunch};
    rows_.launches.Append({at_ns, at_ns, event.correlation_id, name, thread, kNoParent});
    return true;
  }
  return AddSpan(packet, event, thread, on_thread);
}

bool CaptureRows::AddSpan(const PacketView& packet, const EventView& event, uint32_t thread, bool on_thread) {
  const uint64_t name = event.name_iid - 1;
  if (name >= rows_.names.size()) return false;
  if (rows_.span_name.size() >= INT32_MAX) return false;
  const auto row = static_cast<uint32_t>(rows_.span_name.size());
  uint8_t flags = 0;

  if (event.has_annotations) {
    uint64_t id = 0, parent_id = 0, trace_high = 0, trace_low = 0;
    const size_t links = rows_.links.size(), returns = rows_.span_returns.size(),
                 attributes = rows_.attributes.size(), parents = parents_.size();
    wire::Reader in(packet.event);
    while (in.Next()) {
      if (in.field() != event::kAnnotations) continue;
      AnnotationView note;
      note.Parse(in.bytes());
      switch (note.name_iid) {
        case note::kSyncPart:
        case note::kFromLaunch:
          stack_.push_back({note.name_iid == note::kSyncPart ? last_async_ : kNoParent, false});
          // Only a damaged file has notes beside this one.
          rows_.links.Truncate(links);
          rows_.span_returns.Truncate(returns);
          rows_.attributes.Truncate(attributes);
          parents_.resize(parents);
          return true;
        case note::kSpanId:
          id = note.value;
          break;
        case note::kParentSpanId:
          parent_id = note.value;
          break;
        case note::kTraceId:
          if (note.text.size() == 32) {
            GetHex(note.text.substr(0, 16), &trace_high);
            GetHex(note.text.substr(16), &trace_low);
          }
          break;
        case note::kLink: {
          LinkRow link{0, 0, 0, row};
          if (note.text.size() == 49 && GetHex(note.text.substr(0, 16), &link.trace_id_high) &&
              GetHex(note.text.substr(16, 16), &link.trace_id_low) &&
              GetHex(note.text.substr(33), &link.span_id)) {
            rows_.links.Append(link);
          }
          break;
        }
        case note::kAsync:
          flags |= kAsync;
          break;
        case note::kError:
          flags |= kError;
          break;
        case note::kTimed:
          flags |= kTimed;
          break;
        case note::kBracket:
          flags |= kBracket;
          break;
        case note::kReturnNs:
          if (rows_.span_returns.size() == returns) {
            rows_.span_returns.Append({static_cast<int64_t>(note.value), row});
          }
          break;
        case note::kParentRow:
          parents_.push_back({row, note.value});
          break;
        default: {
          if (note.name_iid < kFirstKey) break;
          AttributeRow attribute;
          attribute.integer = static_cast<int64_t>(note.value);
          attribute.row = row;
          attribute.key = strings_.At(note.name_iid - kFirstKey);
          switch (note.kind) {
            case AnnotationView::Kind::kBool:
              attribute.type = AttributeType::kBool;
              break;
            case AnnotationView::Kind::kInt:
              attribute.type = AttributeType::kInt;
              break;
            case AnnotationView::Kind::kDouble:
              attribute.type = AttributeType::kDouble;
              break;
            default: {
              attribute.type = AttributeType::kString;
              const uint32_t text = strings_.At(note.value - 1);
              if (note.kind != AnnotationView::Kind::kStringIid || text == NumberTable::kAbsent) {
                attribute.key = NumberTable::kAbsent;
              }
              attribute.integer = text;
            }
          }
          if (attribute.key != NumberTable::kAbsent) rows_.attributes.Append(attribute);
        }
      }
    }
    if ((id | parent_id | trace_high | trace_low) != 0) {
      AddIds(row, id, parent_id, trace_high, trace_low);
    }
  }

  AddRow(thread, static_cast<uint32_t>(name), Minus(packet.at_ns, origin_ns_), flags);
  if (on_thread) {
    stack_.push_back({static_cast<int32_t>(row), true});
  } else {
    open_ = {event.track_uuid, row, Open::Kind::kSpan};
    last_async_ = static_cast<int32_t>(row);
  }
  return true;
}

void CaptureRows::AddRow(uint32_t thread, uint32_t name, int64_t at_ns, uint8_t flags) {
  rows_.span_thread.Append(thread);
  rows_.span_name.Append(name);
  rows_.span_start_ns.Append(at_ns);
  rows_.span_end_ns.Append(kOpenEnd);
  rows_.span_flags.Append(flags);
  rows_.span_parent.Append(stack_.empty() ? kNoParent : stack_.back().row);
}

bool CaptureRows::AddEnd(uint64_t track, bool on_thread, int64_t at_ns) {
  if (on_thread) {
    if (stack_.empty()) return false;
    const Slice slice = stack_.back();
    stack_.pop_back();
    if (slice.ends_row) rows_.span_end_ns[static_cast<size_t>(slice.row)] = at_ns;
    return true;
  }
  if (open_.kind == Open::Kind::kNone || open_.track != track) return false;
  switch (open_.kind) {
    case Open::Kind::kSpan:
      rows_.span_end_ns[open_.index] = at_ns;
      break;
    case Open::Kind::kLaunch:
      rows_.launches[open_.index].end_ns = at_ns;
      break;
    case Open::Kind::kPause:
      rows_.pauses[open_.index].end_ns = at_ns;
      break;
    case Open::Kind::kNone:
      break;
  }
  open_ = {};
  return true;
}

void CaptureRows::AddIds(uint32_t row, uint64_t id, uint64_t parent, uint64_t high, uint64_t low) {
  const auto put = [row](Column<uint64_t>* column, uint64_t value) {
    while (column->size() < row) column->Append(0);
    column->Append(value);
  };
  put(&rows_.span_id, id);
  put(&rows_.span_parent_id, parent);
  put(&rows_.span_trace_high, high);
  put(&rows_.span_trace_low, low);
}

void CaptureRows::Finish() {
  const size_t spans = rows_.span_name.size();
  if (!rows_.span_id.empty()) {
    for (Column<uint64_t>* column :
         {&rows_.span_id, &rows_.span_parent_id, &rows_.span_trace_high, &rows_.span_trace_low}) {
      while (column->size() < spans) column->Append(0);
    }
  }
  ResolveParents();
  KeepWholeContexts();
  KeepProcesses();
  strings_.PutInOrder();
}

// The table of processes may be lost: what names one that is not there is the first's.
void CaptureRows::KeepProcesses() {
  const auto keep = [count = ProcessCount(rows_.processes)](auto* table) {
    for (auto& row : *table)
      if (row.process >= count) row.process = 0;
  };
  keep(&rows_.threads);
  keep(&rows_.pauses);
  keep(&rows_.unseen_brackets);
  keep(&rows_.gpu_details.devices);
  keep(&rows_.gpu_details.overheads);
}

// Of a cut file: what its spans and threads are there for.
void CaptureRows::KeepWholeContexts() {
  Column<ContextRow> whole;
  for (const ContextRow& row : rows_.contexts) {
    if (row.span >= 0 && static_cast<size_t>(row.span) < rows_.span_name.size() &&
        row.thread < rows_.threads.size())
      whole.Append(row);
  }
  rows_.contexts = std::move(whole);
}

// A parent may come later in the file than its child, so its place is looked at
// when all rows are known.
void CaptureRows::ResolveParents() {
  const size_t spans = rows_.span_name.size();
  for (const ParentNote& note : parents_) {
    const bool is_row = note.place != 0 && note.place <= spans && note.place - 1 != note.row;
    rows_.span_parent[note.row] = is_row ? static_cast<int32_t>(note.place - 1) : kNoParent;
  }
  for (MarkRow& mark : rows_.marks) {
    if (mark.span >= static_cast<int64_t>(spans)) mark.span = kNoParent;
  }
}

}  // namespace opscope
