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
#include "perfetto_packets.h"
#include "perfetto_schema.h"
#include "span_rows.h"
#include "wire.h"

namespace opscope {
namespace {

using namespace perfetto;

// Instants with tables are closed at this size, to keep packets small.
constexpr size_t kTableBytes = 48u << 10;
// Flow arrows of one launch; a graph may hold more kernels than anyone can follow.
constexpr uint32_t kMaxFlows = 1024;
struct QueueKey {
  uint32_t device, context, stream;
  bool is_sync;
  auto operator<=>(const QueueKey&) const = default;
};

class TraceWriter : PacketStream {
 public:
  TraceWriter(const Recording& recording, ByteSink* sink)
      : PacketStream(recording, sink), launch_rows_(recording), thread_ids_(UniqueThreadIds(recording)) {}

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
    event_.Varint(event::kCategoryIids, static_cast<uint32_t>(recording_.names[name].category) + 1);
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

  LaunchRows launch_rows_;
  std::vector<int32_t> thread_ids_;

  // Of the thread being written.
  NestStack stack_;
  struct NameLanes {
    Lanes lanes;
    std::vector<uint64_t> tracks;
  };
  std::unordered_map<uint32_t, NameLanes> lanes_;  // by name

  std::vector<uint32_t> flows_;  // GPU rows of each launch
  size_t next_mark_ = 0, next_counter_ = 0, next_launch_ = 0;
  RowCursor<AsyncRow> asyncs_{recording_.asyncs, 0};
  RowCursor<IdRow> ids_{recording_.ids, 0};
  RowCursor<AttributeRow> attributes_{recording_.attributes, 0};
  RowCursor<LinkRow> links_{recording_.links, 0};
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
    if (spans.flags[row] == 0 && row != extra && begin.epoch == epoch_ && parent == stack_.top_row() &&
        stack_.Fits(end_ns)) {
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
  const int64_t end_ns = (flags & kUnfinished) != 0 ? NestStack::kOpen : start_ns + spans.duration_ns[row];
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
    const uint64_t key = StringIid(&key_epoch_, interned::kAnnotationNames, kFirstKey, attribute->key);
    const size_t opened = event_.Open(event::kAnnotations);
    event_.Varint(annotation::kNameIid, key);
    switch (attribute->type) {
      case AttributeType::kString:
        event_.Varint(annotation::kStringIid, StringIid(&value_epoch_, interned::kStrings, 1,
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
