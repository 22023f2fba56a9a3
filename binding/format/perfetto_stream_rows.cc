#include "perfetto_stream_rows.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "../core/record.h"
#include "perfetto_cells.h"
#include "perfetto_schema.h"

namespace opscope {

using namespace perfetto;

namespace {

// Of a cut or foreign file: more threads or pauses than these cost memory and mean nothing.
constexpr uint64_t kMaxThreads = 1u << 20, kMaxPauses = 1u << 24;

int64_t Minus(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// Devices and their like are told again when there are more of them.
template <typename Row, typename Key>
void KeepLast(std::vector<Row>* rows, Key key) {
  std::vector<Row> kept;
  for (Row& row : *rows) {
    const auto same =
        std::find_if(kept.begin(), kept.end(), [&](const Row& k) { return key(k) == key(row); });
    if (same == kept.end()) {
      kept.push_back(std::move(row));
    } else {
      *same = std::move(row);
    }
  }
  *rows = std::move(kept);
}

// What a slice or instant says beside its name.
struct Notes {
  explicit Notes(std::string_view event) {
    ForNotes(event, [this](const AnnotationView& note) {
      if (note.name_iid == note::kSpanId) id = note.value;
      if (note.name_iid == note::kParentSpanId) parent = note.value;
      if (note.name_iid == note::kBracket) bits |= uint64_t{1} << 32;
      if (note.name_iid == note::kRoot) bits |= uint64_t{1} << 33;
      if (note.name_iid == note::kForTheEye) is_for_the_eye = true;
      if (note.name_iid == note::kError) has_failed = true;
      if (note.name_iid == note::kLeft) has_left = true;
    });
  }
  uint64_t id = 0, parent = 0;
  uint64_t bits = 0;  // beside the name of a kBeginSpan
  bool is_for_the_eye = false, has_failed = false, has_left = false;
};

}  // namespace

void StreamRows::Start(const CaptureHead& head) {
  origin_ns_ = head.origin_ns;
  logs_.category_mask = head.category_mask;
  strings_.set_name_count(head.name_count);
}

StreamedThread* StreamRows::ThreadOf(uint32_t sequence) noexcept {
  const uint32_t number = sequence - kFirstThreadSequence;
  return number < logs_.threads.size() ? &logs_.threads[number] : nullptr;
}

bool StreamRows::Put(StreamedThread* thread, int64_t at_ns, Kind kind,
                     std::initializer_list<uint64_t> words) {
  last_ns_ = std::max(last_ns_, at_ns);
  const auto ticks = static_cast<uint64_t>(at_ns) + static_cast<uint64_t>(origin_ns_);
  thread->words.push_back(MakeHead(ticks, kind));
  thread->words.insert(thread->words.end(), words.begin(), words.end());
  return true;
}

// 0 where there is no such name: a name's id has its category in it, index 0 is a name of its own.
uint64_t StreamRows::NameId(uint64_t name_iid) const noexcept {
  const auto category = static_cast<uint64_t>(logs_.names[name_iid - 1].category);
  return category << kNameIndexBits | (name_iid - 1);
}

bool StreamRows::AddPlainBegin(uint32_t sequence, int64_t at_ns, uint64_t name_iid) {
  StreamedThread* thread = ThreadOf(sequence);
  if (thread == nullptr || name_iid - 1 >= logs_.names.size()) return false;
  return Put(thread, Minus(at_ns, origin_ns_), Kind::kBegin, {NameId(name_iid)});
}

bool StreamRows::AddPlainEnd(uint32_t sequence, int64_t at_ns) {
  StreamedThread* thread = ThreadOf(sequence);
  return thread != nullptr && Put(thread, Minus(at_ns, origin_ns_), Kind::kEnd, {});
}

bool StreamRows::Add(const PacketView& packet) {
  if (!packet.interned.empty()) strings_.Add(packet.interned);
  if (packet.has_track) return true;
  const int64_t at_ns = Minus(packet.at_ns, origin_ns_);
  if (packet.has_gpu) {
    last_ns_ = std::max(last_ns_, at_ns);
    return gpu_.AddRow(packet.gpu, at_ns);
  }
  if (!packet.record.empty()) {
    StreamedThread* thread = ThreadOf(packet.sequence);
    return thread != nullptr && AddRecord(thread, packet.record);
  }
  if (!packet.has_event) return true;
  EventView event;
  if (!event.Parse(packet.event)) return false;
  if (packet.sequence == kMetaSequence) return AddMeta(packet, event);
  if (packet.sequence == kStreamGpuSequence) return gpu_.AddEvent(event, packet.event, at_ns);
  StreamedThread* thread = ThreadOf(packet.sequence);
  if (thread == nullptr) return false;
  const uint32_t number = packet.sequence - kFirstThreadSequence;
  switch (event.type) {
    case kBegin:
      if (event.name_iid > kStreamNames) return AddLaunch(number, event, at_ns);
      return event.has_track || AddBegin(thread, packet, event);
    case kEnd:
      if (!event.has_track) return AddEnd(thread, packet);
      if (event.track_uuid == launch_track_) {
        rows_.launches[rows_.launches.size() - 1].end_ns = at_ns;
        launch_track_ = 0;
      }
      return true;
    case kInstant:
      return AddInstant(thread, packet, event);
    case kCounterValueType: {
      if (event.name_iid - 1 >= logs_.names.size()) return false;
      uint64_t bits;
      std::memcpy(&bits, &event.counter, sizeof bits);
      return Put(thread, at_ns, Kind::kCounter, {NameId(event.name_iid), bits});
    }
    default:
      return false;
  }
}

bool StreamRows::AddLaunch(uint32_t thread, const EventView& event, int64_t at_ns) {
  const uint32_t name = strings_.OfName(event.name_iid);
  if (!event.has_track || name == NumberTable::kAbsent) return false;
  last_ns_ = std::max(last_ns_, at_ns);
  rows_.launches.Append({at_ns, at_ns, event.correlation_id, name, thread, kNoParent});
  launch_track_ = event.track_uuid;
  return true;
}

bool StreamRows::AddBegin(StreamedThread* thread, const PacketView& packet, const EventView& event) {
  if (event.name_iid - 1 >= logs_.names.size()) return false;
  const Notes notes(packet.event);
  const int64_t at_ns = Minus(packet.at_ns, origin_ns_);
  const uint64_t name = NameId(event.name_iid);
  if (notes.id != 0) return Put(thread, at_ns, Kind::kBeginSpan, {name | notes.bits, notes.id, notes.parent});
  if (notes.parent != 0) return Put(thread, at_ns, Kind::kBeginChild, {name, notes.parent});
  return Put(thread, at_ns, Kind::kBegin, {name});
}

bool StreamRows::AddEnd(StreamedThread* thread, const PacketView& packet) {
  const Notes notes(packet.event);
  if (notes.is_for_the_eye) return true;
  const int64_t at_ns = Minus(packet.at_ns, origin_ns_);
  if (notes.id == 0) return Put(thread, at_ns, Kind::kEnd, {});
  const Kind kind = notes.has_left ? Kind::kLeave : notes.has_failed ? Kind::kFailSpan : Kind::kEndSpan;
  return Put(thread, at_ns, kind, {notes.id});
}

bool StreamRows::AddInstant(StreamedThread* thread, const PacketView& packet, const EventView& event) {
  if (event.name_iid - 1 >= logs_.names.size()) return false;
  const Notes notes(packet.event);
  if (notes.is_for_the_eye) return true;
  const int64_t at_ns = Minus(packet.at_ns, origin_ns_);
  const uint64_t name = NameId(event.name_iid);
  if (notes.id == 0) return Put(thread, at_ns, Kind::kMark, {name});
  return Put(thread, at_ns, Kind::kSpanMark, {name, notes.id});
}

bool StreamRows::AddRecord(StreamedThread* thread, std::string_view bytes) {
  uint64_t kind = 0;
  int64_t at_ns = 0;
  std::string_view packed;
  wire::Reader in(bytes);
  while (in.Next()) {
    if (in.field() == stream_record::kKind) kind = in.value();
    if (in.field() == stream_record::kAtNs) at_ns = in.signed_value();
    if (in.field() == stream_record::kWords) packed = in.bytes();
  }
  if (in.damaged() || kind == 0 || kind > kKindMask || packed.size() % sizeof(uint64_t) != 0) return false;
  const uint32_t fixed = WordsOf(static_cast<Kind>(kind));
  const size_t count = packed.size() / sizeof(uint64_t);
  if (fixed == 0 || count + 1 < fixed) return false;
  std::vector<uint64_t>& words = thread->words;
  const size_t first = words.size();
  Put(thread, at_ns, static_cast<Kind>(kind), {});
  words.resize(first + 1 + count);
  if (count != 0) std::memcpy(&words[first + 1], packed.data(), packed.size());
  const auto is_name = [this](uint64_t id) { return NameIndexOf(id) < logs_.names.size(); };
  bool is_good = RecordWords(&words[first]) == count + 1;
  if (HasName(static_cast<Kind>(kind))) {
    is_good &= is_name(words[first + 1]);
  } else if (static_cast<Kind>(kind) == Kind::kAttribute) {
    const uint64_t type = words[first + 1] >> 32 & 0xFF;
    const bool is_text = type == static_cast<uint64_t>(AttributeType::kString);  // may be empty
    is_good &= is_name(words[first + 1]) && type <= static_cast<uint64_t>(AttributeType::kBool) &&
               (is_text || count > 2);
  }
  if (!is_good) words.resize(first);
  return is_good;
}

bool StreamRows::AddMeta(const PacketView& packet, const EventView& event) {
  if (event.type != kInstant) return true;  // pauses, for the eye
  if (event.name == kHeadEvent) {
    met_second_head_ = true;
    return true;
  }
  if (event.name == kCountsEvent || event.name == kEndEvent) {
    ForNotes(packet.event, [&](const AnnotationView& field) {
      for (const RecorderCount& count : kRecorderCounts) {
        if (field.name == count.name) logs_.counts.*count.field = field.value;
      }
      if (event.name == kEndEvent && field.name == "duration_ns") {
        rows_.duration_ns = static_cast<int64_t>(field.value);
        is_complete_ = true;
      }
    });
    return true;
  }
  ForRows(packet.event, [&](std::string_view row) { AddTableRow(event.name, row); });
  return true;
}

void StreamRows::AddTableRow(std::string_view table, std::string_view row) {
  if (table == kThreadsEvent) return AddThread(row);
  if (table == kPausesEvent) return AddPause(row);
  if (table == kRangesEvent) return AddRange(row);
  ReadTableRow(table, row, &rows_);
  if (table != kNamesEvent) return;
  logs_.names.push_back(std::move(rows_.names.back()));
  rows_.names.pop_back();
}

void StreamRows::AddThread(std::string_view row) {
  uint64_t index = kMaxThreads;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "index") index = cell.value;
  });
  if (index > logs_.threads.size() || index >= kMaxThreads) return;
  if (index == logs_.threads.size()) logs_.threads.emplace_back();
  StreamedThread& thread = logs_.threads[index];
  ForCells(row, [&](const AnnotationView& cell) {
    const auto number = static_cast<int64_t>(cell.value);
    if (cell.name == "name") thread.name = cell.text;
    if (cell.name == "os_thread_id") thread.os_thread_id = number;
    if (cell.name == "js_thread_id") thread.js_thread_id = static_cast<int32_t>(number);
    if (cell.name == "unseen_brackets") thread.unseen_brackets = static_cast<uint32_t>(number);
  });
}

void StreamRows::AddPause(std::string_view row) {
  StreamedPause pause;
  uint64_t index = kMaxPauses;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "index") index = cell.value;
    if (cell.name == "start_ns") pause.start_ns = static_cast<int64_t>(cell.value);
    if (cell.name == "end_ns") pause.end_ns = static_cast<int64_t>(cell.value);
    if (cell.name == "unseen") pause.is_unseen = true;
  });
  if (index > logs_.pauses.size() || index >= kMaxPauses) return;
  if (index == logs_.pauses.size()) logs_.pauses.emplace_back();
  logs_.pauses[index] = pause;
  last_ns_ = std::max({last_ns_, pause.start_ns, pause.end_ns});
}

void StreamRows::AddRange(std::string_view row) {
  GpuRangeRow range{0, 0, 0, static_cast<uint32_t>(logs_.range_texts.size())};
  std::string text;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "start_ns") range.start_ns = static_cast<int64_t>(cell.value);
    if (cell.name == "end_ns") range.end_ns = static_cast<int64_t>(cell.value);
    if (cell.name == "os_thread_id") range.os_thread_id = static_cast<int64_t>(cell.value);
    if (cell.name == "text") text = cell.text;
  });
  logs_.ranges.push_back(range);
  logs_.range_texts.push_back(std::move(text));
}

void StreamRows::Finish() {
  if (!is_complete_) rows_.duration_ns = last_ns_;
  strings_.PutInOrder();
  GpuDetails& details = rows_.gpu_details;
  KeepLast(&details.devices, [](const GpuDevice& device) { return device.id; });
  KeepLast(&details.contexts, [](const GpuContext& context) { return context.id; });
  KeepLast(&details.stream_names,
           [](const GpuStreamName& name) { return std::pair(name.context, name.stream); });
  KeepLast(&rows_.warnings, [](const Warning& warning) { return std::pair(warning.code, warning.detail); });
}

}  // namespace opscope
