#include "perfetto_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hex.h"
#include "lanes.h"
#include "perfetto_schema.h"
#include "span_rows.h"
#include "wire.h"

namespace opscope {
namespace {

using namespace perfetto;
using wire::Writer;

// State that packets lean on is told again at least this often, so that a file
// that lost its beginning still decodes (spec/session-and-dataframe.md §3.3).
constexpr uint64_t kStateBytes = 16u << 20;
// Instants with tables are closed at this size, to keep packets small.
constexpr size_t kTableBytes = 48u << 10;
// Flow arrows of one launch; a graph may hold more kernels than anyone can follow.
constexpr uint32_t kMaxFlows = 1024;
// Room for one begin or end packet of the fast path, with what copies overshoot.
constexpr size_t kFastPacket = 64;

// The part of a span's BEGIN packet that follows the time: the same for every
// span of that name on that thread.
struct BeginTemplate {
  static constexpr size_t kMaxSize = 24;
  uint32_t epoch = 0;  // valid while it is the writer's
  uint8_t size = 0;
  uint8_t bytes[kMaxSize] = {};
};

struct QueueKey {
  uint32_t device, context, stream;
  bool is_sync;
  auto operator<=>(const QueueKey&) const = default;
};

class TraceWriter {
 public:
  TraceWriter(const Recording& recording, ByteSink* sink)
      : recording_(recording),
        sink_(*sink),
        launch_rows_(recording),
        thread_ids_(UniqueThreadIds(recording)),
        begins_(recording.names.size()),
        name_epoch_(recording.names.size()),
        event_epoch_(recording.strings.size()),
        key_epoch_(recording.strings.size()),
        value_epoch_(recording.strings.size()),
        string_written_(recording.strings.size()) {
    // Tracks of different captures in one file should not share numbers, so 20
    // bits come from the capture; 48 bits in all keep a number at 7 bytes.
    uint64_t hash = static_cast<uint64_t>(recording.process_id) * 0x9E3779B97F4A7C15u ^
                    static_cast<uint64_t>(recording.origin_epoch_ns);
    hash = (hash ^ hash >> 31) * 0x94D049BB133111EBu;
    base_ = (hash >> 44 | 1) << 28;
    next_track_ = base_ + kFirstThreadTrack + recording.threads.size();
  }

  void Run() {
    WriteHead();
    CountFlows();
    for (uint32_t t = 0; t < recording_.threads.size() && !sink_.failed(); ++t) WriteThread(t);
    if (!recording_.gpu.empty() && !sink_.failed()) WriteGpu();
    WriteUnusedStrings();
    // The process told twice is the mark of a complete file.
    WriteProcess();
  }

 private:
  static constexpr uint64_t kProcessTrack = 1, kControlTrack = 2, kFirstThreadTrack = 16;

  uint64_t ThreadTrack(uint32_t thread) const noexcept {
    return base_ + kFirstThreadTrack + thread;
  }

  // Packets.

  void Emit(const Writer& packet) {
    uint8_t head[wire::kMaxVarint + 1];
    head[0] = 0x0A;
    const uint8_t* end = wire::PutVarint(head + 1, packet.size());
    sink_.Append(head, static_cast<size_t>(end - head));
    sink_.Append(packet.data(), packet.size());
  }
  void StartPacket() {
    packet_.Clear();
    packet_.Varint(packet::kSequenceId, sequence_);
  }
  // A packet with the event in event_ and what it interned, on the session clock.
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
  void FinishEvent(uint32_t field) {
    packet_.Varint(packet::kSequenceId, sequence_);
    packet_.Varint(packet::kSequenceFlags, kNeedsState);
    if (!interned_.empty()) packet_.Message(packet::kInternedData, interned_);
    interned_.Clear();
    packet_.Message(field, event_);
    Emit(packet_);
  }

  void StartSequence(uint32_t id, uint64_t default_track) {
    sequence_ = id;
    default_track_ = default_track;
    WriteState(true);
  }

  void WriteState(bool is_first) {
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
  void AddClock(uint32_t id, int64_t value, bool is_incremental) {
    const size_t opened = packet_.Open(snapshot::kClocks);
    packet_.Varint(snapshot::kClockId, id);
    packet_.Int(snapshot::kTimestamp, value);
    if (is_incremental) packet_.Varint(snapshot::kIsIncremental, 1);
    packet_.Close(opened);
  }
  void RefreshState() {
    if (sink_.bytes() - state_at_ >= kStateBytes) WriteState(false);
  }

  static void Intern(Writer* to, uint32_t table, uint64_t iid, std::string_view text) {
    const size_t opened = to->Open(table);
    to->Varint(interned::kIid, iid);
    to->String(interned::kText, text);
    to->Close(opened);
  }

  void WriteProcess() {
    sequence_ = kMetaSequence;
    StartPacket();
    const size_t opened = packet_.Open(packet::kTrackDescriptor);
    packet_.Varint(track::kUuid, base_ + kProcessTrack);
    const size_t process = packet_.Open(track::kProcess);
    packet_.Int(track::kPid, static_cast<int32_t>(recording_.process_id));
    packet_.String(track::kProcessName, "node");
    packet_.Close(process);
    packet_.Close(opened);
    Emit(packet_);
  }

  uint64_t NewTrack(uint64_t parent, std::string_view name, bool is_counter) {
    const uint64_t uuid = next_track_++;
    StartPacket();
    const size_t opened = packet_.Open(packet::kTrackDescriptor);
    packet_.Varint(track::kUuid, uuid);
    packet_.Varint(track::kParent, parent);
    packet_.String(track::kName, name);
    if (is_counter) packet_.Close(packet_.Open(track::kCounter));
    packet_.Close(opened);
    Emit(packet_);
    return uuid;
  }

  // Interned words. Each returns the number to write, and tells the word in
  // interned_ where this sequence has not heard it since its last state.

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
    return StringIid(&event_epoch_, interned::kEventNames, 1 + recording_.names.size(), s);
  }

  void PrepareBegin(uint32_t name) {
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
  uint8_t PutTemplate(uint8_t* to, const uint8_t* event, size_t size) const {
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

  // Debug annotations of event_.

  void NoteUint(uint32_t name, uint64_t value) { Note(name, annotation::kUint, value); }
  void NoteTrue(uint32_t name) { Note(name, annotation::kBool, 1); }
  void Note(uint32_t name, uint32_t field, uint64_t value) {
    const size_t opened = event_.Open(event::kAnnotations);
    event_.Varint(annotation::kNameIid, name);
    event_.Varint(field, value);
    event_.Close(opened);
  }
  void NoteString(uint32_t name, std::string_view text) {
    const size_t opened = event_.Open(event::kAnnotations);
    event_.Varint(annotation::kNameIid, name);
    event_.String(annotation::kString, text);
    event_.Close(opened);
  }
  // With inline names, for the capture's own tables.
  static void Field(Writer* to, uint32_t list, std::string_view name, uint64_t value) {
    const size_t opened = to->Open(list);
    to->String(annotation::kName, name);
    to->Varint(annotation::kUint, value);
    to->Close(opened);
  }
  static void Field(Writer* to, uint32_t list, std::string_view name, int64_t value) {
    const size_t opened = to->Open(list);
    to->String(annotation::kName, name);
    to->Int(annotation::kInt, value);
    to->Close(opened);
  }
  static void Field(Writer* to, uint32_t list, std::string_view name, std::string_view text) {
    const size_t opened = to->Open(list);
    to->String(annotation::kName, name);
    to->String(annotation::kString, text);
    to->Close(opened);
  }

  void WriteHead() {
    StartSequence(kMetaSequence, base_ + kProcessTrack);
    WriteProcess();
    StartInstant(kHeadEvent);
    constexpr uint32_t kList = event::kAnnotations;
    Field(&event_, kList, "opscope_format", kFormatVersion);
    Field(&event_, kList, "duration_ns", recording_.duration_ns);
    Field(&event_, kList, "origin_epoch_ns", recording_.origin_epoch_ns);
    Field(&event_, kList, "origin_clock_ns", recording_.origin_clock_ns);
    Field(&event_, kList, "process_id", recording_.process_id);
    Field(&event_, kList, "dropped", recording_.dropped);
    Field(&event_, kList, "unfinished", recording_.unfinished);
    Field(&event_, kList, "spans", uint64_t{recording_.spans.size()});
    Field(&event_, kList, "names", uint64_t{recording_.names.size()});
    Field(&event_, kList, "threads", uint64_t{recording_.threads.size()});
    Field(&event_, kList, "meta_json", recording_.meta_json);
    EmitEvent(0);

    WriteTable(kNamesEvent, recording_.names, [this](const NameEntry& name) {
      Field(&event_, annotation::kDict, "text", name.text);
      if (!name.instance.empty()) Field(&event_, annotation::kDict, "instance", name.instance);
      Field(&event_, annotation::kDict, "category", static_cast<uint64_t>(name.category));
      Field(&event_, annotation::kDict, "role", static_cast<uint64_t>(name.role));
    });
    WriteTable(kThreadsEvent, recording_.threads, [this](const ThreadEntry& thread) {
      Field(&event_, annotation::kDict, "name", thread.name);
      Field(&event_, annotation::kDict, "os_thread_id", thread.os_thread_id);
      Field(&event_, annotation::kDict, "js_thread_id", int64_t{thread.js_thread_id});
    });
    // AttributeGpu finds this one again when the file is loaded.
    std::vector<Warning> warnings = recording_.warnings;
    std::erase_if(warnings, [](const Warning& w) { return w.code == "duplicate-correlation"; });
    WriteTable(kWarningsEvent, warnings, [this](const Warning& warning) {
      Field(&event_, annotation::kDict, "code", warning.code);
      Field(&event_, annotation::kDict, "detail", warning.detail);
      Field(&event_, annotation::kDict, "count", warning.count);
    });
    WritePauses();
  }

  void StartInstant(std::string_view name) {
    event_.Clear();
    event_.Varint(event::kType, kInstant);
    event_.String(event::kName, name);
  }

  template <typename Row, typename WriteRow>
  void WriteTable(std::string_view event_name, const std::vector<Row>& rows, WriteRow write_row) {
    for (size_t i = 0; i < rows.size();) {
      StartInstant(event_name);
      const size_t list = event_.Open(event::kAnnotations);
      event_.String(annotation::kName, "rows");
      do {
        const size_t row = event_.Open(annotation::kArray);
        write_row(rows[i]);
        event_.Close(row);
      } while (++i < rows.size() && event_.size() < kTableBytes);
      event_.Close(list);
      EmitEvent(0);
    }
  }

  void WritePauses() {
    if (recording_.pauses.empty()) return;
    const uint64_t control = NewTrack(base_ + kProcessTrack, "opscope control", false);
    for (const PauseRow& pause : recording_.pauses) {
      event_.Clear();
      event_.Varint(event::kType, kBegin);
      event_.Varint(event::kTrackUuid, control);
      event_.String(event::kName, kPausedEvent);
      EmitEvent(pause.start_ns);
      event_.Clear();
      event_.Varint(event::kType, kEnd);
      event_.Varint(event::kTrackUuid, control);
      EmitEvent(pause.end_ns);
    }
  }

  // Threads.

  void WriteThread(uint32_t thread) {
    StartSequence(kFirstThreadSequence + thread, ThreadTrack(thread));
    const ThreadEntry& entry = recording_.threads[thread];
    StartPacket();
    const size_t opened = packet_.Open(packet::kTrackDescriptor);
    packet_.Varint(track::kUuid, ThreadTrack(thread));
    packet_.Varint(track::kParent, base_ + kProcessTrack);
    const size_t thread_field = packet_.Open(track::kThread);
    packet_.Int(track::kPid, static_cast<int32_t>(recording_.process_id));
    packet_.Int(track::kTid, thread_ids_[thread]);
    if (!entry.name.empty()) packet_.String(track::kThreadName, entry.name);
    packet_.Close(thread_field);
    packet_.Close(opened);
    Emit(packet_);

    WriteSpans(entry);
    WriteMarks(thread);
    WriteCounters(thread);
    WriteLaunches(thread);
  }

  void WriteSpans(const ThreadEntry& thread);
  void WriteRow(uint32_t row);
  void AddIds(uint32_t row);
  // For a note: 1 + the row's place in the file, 0 for none.
  uint64_t ParentPlace(int32_t row) const noexcept {
    // A row made from a launch is not in the file; nothing nests in one.
    while (row >= 0 && launch_rows_.Has(static_cast<uint32_t>(row))) {
      row = recording_.spans.parent[static_cast<uint32_t>(row)];
    }
    return row < 0 ? 0 : uint64_t{1} + launch_rows_.PlaceOf(static_cast<uint32_t>(row));
  }
  uint64_t LaneTrack(uint32_t name, int64_t start_ns, int64_t end_ns);

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

  void StartEvent(EventType type) {
    event_.Clear();
    event_.Varint(event::kType, type);
  }
  void AddName(uint32_t name) {
    event_.Varint(event::kNameIid, NameIid(name));
    event_.Varint(event::kCategoryIids,
                  static_cast<uint32_t>(recording_.names[name].category) + 1);
  }

  void WriteMarks(uint32_t thread) {
    ForThread(recording_.marks, &next_mark_, thread, [this](const MarkRow& mark) {
      StartEvent(kInstant);
      AddName(mark.name);
      if (mark.span >= 0) NoteUint(note::kParentRow, ParentPlace(mark.span));
      EmitEvent(mark.at_ns);
    });
  }

  void WriteCounters(uint32_t thread) {
    std::unordered_map<uint32_t, uint64_t> tracks;
    ForThread(recording_.counters, &next_counter_, thread, [&](const CounterRow& counter) {
      uint64_t& uuid = tracks[counter.name];
      if (uuid == 0) {
        uuid = NewTrack(default_track_, recording_.names[counter.name].text, true);
      }
      StartEvent(kCounterValueType);
      event_.Varint(event::kTrackUuid, uuid);
      AddName(counter.name);
      event_.Double(event::kDoubleCounterValue, counter.value);
      EmitEvent(counter.at_ns);
    });
  }

  // A GPU row's event id: its launch and its place among the rows of that launch.
  static uint64_t EventId(uint32_t launch, uint32_t place) noexcept {
    return uint64_t{place} << 32 | (uint64_t{launch} + 1);
  }
  void CountFlows() {
    flows_.assign(recording_.launches.size(), 0);
    for (const GpuRow& row : recording_.gpu) {
      if (row.launch >= 0) ++flows_[static_cast<size_t>(row.launch)];
    }
  }

  void WriteLaunches(uint32_t thread) {
    Lanes lanes;
    std::vector<uint64_t> tracks;
    ForThread(recording_.launches, &next_launch_, thread, [&](const LaunchRow& launch) {
      const auto index = static_cast<uint32_t>(&launch - recording_.launches.data());
      const uint32_t lane = lanes.Place(launch.start_ns, launch.end_ns);
      while (tracks.size() <= lane) tracks.push_back(NewTrack(default_track_, "CUDA API", false));
      StartEvent(kBegin);
      event_.Varint(event::kTrackUuid, tracks[lane]);
      event_.Varint(event::kNameIid, EventIid(launch.name));
      event_.Varint(event::kCategoryIids, static_cast<uint32_t>(Category::kRuntimeApi) + 1);
      event_.Varint(event::kCorrelationId, launch.correlation_id);
      if (const uint32_t flows = std::min(flows_[index], kMaxFlows); flows != 0) {
        const size_t opened = event_.Open(event::kGpuCorrelation);
        for (uint32_t i = 0; i < flows; ++i) {
          event_.Varint(event::kSubmissionEventIds, EventId(index, i));
        }
        event_.Close(opened);
      }
      event_.Varint(event::kGpuApi, interned::kApiCuda);
      EmitEvent(launch.start_ns);
      StartEvent(kEnd);
      event_.Varint(event::kTrackUuid, tracks[lane]);
      EmitEvent(launch.end_ns);
    });
  }

  // GPU rows.

  struct Queue {
    Lanes lanes;
    std::vector<uint32_t> iids;  // of each lane
    std::vector<uint32_t> epochs;
  };

  void WriteGpu();
  void AddLaunchArg(std::string_view name, uint64_t value) {
    const size_t opened = event_.Open(gpu::kLaunchArgs);
    event_.String(gpu::kArgName, name);
    event_.Varint(gpu::kArgUint, value);
    event_.Close(opened);
  }
  void AddSpecification(uint64_t iid, std::string_view name) {
    const size_t opened = interned_.Open(interned::kSpecifications);
    interned_.Varint(interned::kIid, iid);
    interned_.String(interned::kText, name);
    interned_.Varint(interned::kSpecificationCategory, interned::kCategoryCompute);
    interned_.Close(opened);
  }

  void WriteUnusedStrings() {
    sequence_ = kMetaSequence;
    for (uint32_t s = 0; s < recording_.strings.size(); ++s) {
      if (!string_written_[s]) {
        Intern(&interned_, interned::kStrings, s + 1, recording_.strings[s]);
      }
      const bool is_last = s + 1 == recording_.strings.size();
      if (interned_.size() < kTableBytes && !is_last) continue;
      if (interned_.empty()) continue;
      StartPacket();
      packet_.Varint(packet::kSequenceFlags, kNeedsState);
      packet_.Message(packet::kInternedData, interned_);
      interned_.Clear();
      Emit(packet_);
    }
  }

  const Recording& recording_;
  ByteSink& sink_;
  LaunchRows launch_rows_;
  std::vector<int32_t> thread_ids_;
  uint64_t base_ = 0;
  uint64_t next_track_ = 0;

  // Of the sequence being written.
  uint32_t sequence_ = 0;
  uint64_t default_track_ = 0;
  int64_t last_ns_ = 0;     // of the incremental clock
  uint64_t state_at_ = 0;   // bytes before its last state
  uint32_t epoch_ = 0;      // counts states
  NestStack stack_;
  struct NameLanes {
    Lanes lanes;
    std::vector<uint64_t> tracks;
  };
  std::unordered_map<uint32_t, NameLanes> lanes_;  // by name

  std::vector<BeginTemplate> begins_;
  std::vector<uint32_t> name_epoch_, event_epoch_, key_epoch_, value_epoch_;
  std::vector<bool> string_written_;
  std::vector<uint32_t> flows_;  // GPU rows of each launch
  size_t next_mark_ = 0, next_counter_ = 0, next_launch_ = 0;
  RowCursor<AsyncRow> asyncs_{recording_.asyncs, 0};
  RowCursor<IdRow> ids_{recording_.ids, 0};
  RowCursor<AttributeRow> attributes_{recording_.attributes, 0};
  RowCursor<LinkRow> links_{recording_.links, 0};

  Writer packet_, event_, interned_;
};

void TraceWriter::WriteSpans(const ThreadEntry& thread) {
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
  end_template.size = PutTemplate(end_template.bytes, end_event, sizeof end_event);

  const auto next_extra = [this] {
    return std::min({ids_.next_row(), attributes_.next_row(), links_.next_row()});
  };
  uint32_t extra = next_extra();
  uint8_t* p = sink_.Room(ByteSink::kMaxRoom);
  const uint8_t* safe = sink_.limit() - 2 * kFastPacket;
  const auto refill = [&] {
    sink_.Advance(p);
    RefreshState();
    p = sink_.Room(ByteSink::kMaxRoom);
    safe = sink_.limit() - 2 * kFastPacket;
  };

  for (uint32_t row = thread.first_row; row < end_row; ++row) {
    const int64_t start_ns = spans.start_ns[row];
    const int64_t end_ns = start_ns + spans.duration_ns[row];
    const int32_t parent = spans.parent[row];
    while (stack_.IsOver(start_ns, end_ns, parent)) {
      p = PutFast(p, stack_.top().end_ns, end_template);
      stack_.Pop();
      if (p > safe) refill();
    }
    const BeginTemplate& begin = begins_[spans.name[row]];
    if (spans.flags[row] == 0 && row != extra && begin.epoch == epoch_ &&
        parent == stack_.top_row() && stack_.Fits(end_ns)) {
      p = PutFast(p, start_ns, begin);
      stack_.Push(end_ns, static_cast<int32_t>(row));
    } else {
      sink_.Advance(p);
      RefreshState();
      WriteRow(row);
      extra = next_extra();
      p = sink_.Room(2 * kFastPacket);
      safe = sink_.limit() - 2 * kFastPacket;
    }
    if (p > safe) {
      refill();
      if (sink_.failed()) return;
    }
  }
  for (; !stack_.empty(); stack_.Pop()) {
    if (stack_.top().end_ns == NestStack::kOpen) continue;
    p = PutFast(p, stack_.top().end_ns, end_template);
    if (p > safe) refill();
  }
  sink_.Advance(p);
}

// Any row, however odd. Its BEGIN goes where the row is in file order.
void TraceWriter::WriteRow(uint32_t row) {
  const SpanColumns& spans = recording_.spans;
  const uint32_t name = spans.name[row];
  const uint8_t flags = spans.flags[row];
  const int64_t start_ns = spans.start_ns[row];
  const int64_t end_ns =
      (flags & kUnfinished) != 0 ? NestStack::kOpen : start_ns + spans.duration_ns[row];
  const AsyncRow* async = asyncs_.Take(row);

  if (launch_rows_.Has(row)) {
    if (!stack_.Fits(end_ns)) return;
    StartEvent(kBegin);
    AddName(name);
    NoteTrue(note::kFromLaunch);
    EmitNextEvent(start_ns);
    stack_.Push(end_ns, static_cast<int32_t>(row));
    return;
  }

  const bool on_lane = (flags & kAsync) != 0 || !stack_.Fits(end_ns);
  const uint64_t lane = on_lane ? LaneTrack(name, start_ns, end_ns) : 0;
  StartEvent(kBegin);
  if (on_lane) event_.Varint(event::kTrackUuid, lane);
  AddName(name);
  AddIds(row);
  if ((flags & kAsync) != 0) NoteTrue(note::kAsync);
  if ((flags & kError) != 0) NoteTrue(note::kError);
  if ((flags & kTimed) != 0) NoteTrue(note::kTimed);
  if (async != nullptr) {
    Note(note::kReturnNs, annotation::kInt, static_cast<uint64_t>(async->return_ns));
  }
  if (spans.parent[row] != stack_.top_row()) {
    NoteUint(note::kParentRow, ParentPlace(spans.parent[row]));
  }
  while (const AttributeRow* attribute = attributes_.Take(row)) {
    const uint64_t key =
        StringIid(&key_epoch_, interned::kAnnotationNames, kFirstKey, attribute->key);
    const size_t opened = event_.Open(event::kAnnotations);
    event_.Varint(annotation::kNameIid, key);
    switch (attribute->type) {
      case AttributeType::kString:
        event_.Varint(annotation::kStringIid,
                      StringIid(&value_epoch_, interned::kStrings, 1,
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

  if (!on_lane) {
    EmitNextEvent(start_ns);
    stack_.Push(end_ns, static_cast<int32_t>(row));
    return;
  }
  EmitEvent(start_ns);
  if (end_ns != NestStack::kOpen) {
    StartEvent(kEnd);
    event_.Varint(event::kTrackUuid, lane);
    EmitEvent(end_ns);
  }
  if (async != nullptr && async->return_ns > start_ns && stack_.Fits(async->return_ns)) {
    StartEvent(kBegin);
    AddName(name);
    NoteTrue(note::kSyncPart);
    EmitNextEvent(start_ns);
    stack_.Push(async->return_ns, static_cast<int32_t>(row));
  }
}

void TraceWriter::AddIds(uint32_t row) {
  if (const IdRow* id = ids_.Take(row)) {
    if (id->span_id != 0) Note(note::kSpanId, annotation::kPointer, id->span_id);
    if (id->remote_parent_id != 0) {
      Note(note::kParentSpanId, annotation::kPointer, id->remote_parent_id);
    }
    if ((id->trace_id_high | id->trace_id_low) != 0) {
      char text[32];
      PutHex(PutHex(text, id->trace_id_high), id->trace_id_low);
      NoteString(note::kTraceId, {text, sizeof text});
    }
  }
  while (const LinkRow* link = links_.Take(row)) {
    char text[49];
    char* end = PutHex(PutHex(text, link->trace_id_high), link->trace_id_low);
    *end++ = '-';
    PutHex(end, link->span_id);
    NoteString(note::kLink, {text, sizeof text});
  }
}

uint64_t TraceWriter::LaneTrack(uint32_t name, int64_t start_ns, int64_t end_ns) {
  NameLanes& lanes = lanes_[name];
  const uint32_t lane = lanes.lanes.Place(start_ns, end_ns);
  while (lanes.tracks.size() <= lane) {
    lanes.tracks.push_back(NewTrack(default_track_, recording_.names[name].text, false));
  }
  return lanes.tracks[lane];
}

void TraceWriter::WriteGpu() {
  static constexpr std::array<const char*, 4> kStages = {"kernel", "copy", "fill", "sync"};
  const auto thread_count = static_cast<uint32_t>(recording_.threads.size());
  StartSequence(kFirstThreadSequence + thread_count, base_ + kProcessTrack);
  std::map<QueueKey, Queue> queues;
  std::unordered_map<uint32_t, uint32_t> context_epochs;
  std::vector<uint32_t> kernel_epochs(recording_.strings.size());
  uint32_t stage_epoch = 0;
  uint32_t next_queue = kFirstQueue;

  for (size_t i = 0; i < recording_.gpu.size(); ++i) {
    if (sink_.failed()) return;
    RefreshState();
    const GpuRow& row = recording_.gpu[i];
    if (stage_epoch != epoch_) {
      stage_epoch = epoch_;
      for (uint32_t s = 0; s < kStages.size(); ++s) AddSpecification(s + 1, kStages[s]);
    }
    const bool is_sync = row.kind == GpuKind::kSync;
    Queue& queue = queues[{row.device, row.context, row.stream, is_sync}];
    const uint32_t lane = queue.lanes.Place(row.start_ns, row.end_ns);
    while (queue.iids.size() <= lane) {
      queue.iids.push_back(next_queue++);
      queue.epochs.push_back(0);
    }
    if (queue.epochs[lane] != epoch_) {
      queue.epochs[lane] = epoch_;
      std::string name = "stream " + std::to_string(row.stream) + (is_sync ? " sync" : "");
      if (lane != 0) name += " +" + std::to_string(lane);
      AddSpecification(queue.iids[lane], name);
    }
    if (uint32_t& epoch = context_epochs[row.context]; epoch != epoch_) {
      epoch = epoch_;
      const size_t opened = interned_.Open(interned::kContexts);
      interned_.Varint(interned::kIid, ContextIid(row.context));
      interned_.Int(interned::kContextPid, static_cast<int32_t>(recording_.process_id));
      interned_.Varint(interned::kContextApi, interned::kApiCuda);
      interned_.Close(opened);
    }

    event_.Clear();
    uint64_t event_id = uint64_t{1} << 63 | i;
    if (row.launch >= 0) {
      const auto launch = static_cast<uint32_t>(row.launch);
      event_id = EventId(launch, --flows_[launch]);
    }
    event_.Varint(gpu::kEventId, event_id);
    event_.Int(gpu::kDuration, row.end_ns - row.start_ns);
    event_.Varint(gpu::kContext, ContextIid(row.context));
    event_.Varint(gpu::kGpuId, row.device);
    event_.Varint(gpu::kHwQueueIid, queue.iids[lane]);
    event_.Varint(gpu::kStageIid, static_cast<uint64_t>(row.kind) + 1);
    event_.Varint(gpu::kNameIid, EventIid(row.name));
    if (row.kind == GpuKind::kKernel) {
      event_.Varint(gpu::kKernelIid, StringIid(&kernel_epochs, interned::kKernels, 1, row.name));
    }
    const bool is_short = row.correlation_id <= UINT32_MAX;
    if (is_short && row.correlation_id != 0) event_.Varint(gpu::kSubmissionId, row.correlation_id);
    const size_t opened = event_.Open(gpu::kLaunch);
    AddLaunchArg("device", row.device);
    AddLaunchArg("stream", row.stream);
    if (row.bytes != 0) AddLaunchArg("bytes", row.bytes);
    if (row.from != MemoryKind::kUnknown) AddLaunchArg("from", static_cast<uint64_t>(row.from));
    if (row.to != MemoryKind::kUnknown) AddLaunchArg("to", static_cast<uint64_t>(row.to));
    if (!is_short) AddLaunchArg("correlation", row.correlation_id);
    event_.Close(opened);
    EmitNextEvent(row.start_ns, packet::kGpuEvent);
  }
}

}  // namespace

Status WritePerfetto(const Recording& recording, ByteSink* sink, std::vector<Warning>*) try {
  TraceWriter(recording, sink).Run();
  return sink->Finish();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
