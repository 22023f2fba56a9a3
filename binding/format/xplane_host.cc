#include "xplane_host.h"

#include <algorithm>
#include <utility>

#include "../core/processes.h"
#include "gpu_labels.h"
#include "hex.h"
#include "json_text.h"
#include "live_memory.h"
#include "xplane_names.h"

namespace opscope::xplane {

RowExtras::RowExtras(const Recording& recording, const HostLayout& layout)
    : recording_(recording),
      step_rows_(layout.steps()),
      steps_(step_rows_, 0),
      ids_(recording.ids, 0),
      attributes_(recording.attributes, 0),
      links_(recording.links, 0) {}

void RowExtras::Seek(uint32_t row) {
  // Of the same row too: where a line has but one, the next pass over it begins with what this one has taken.
  if (row <= row_) {
    steps_ = {step_rows_, row};
    ids_ = {recording_.ids, row};
    attributes_ = {recording_.attributes, row};
    links_ = {recording_.links, row};
  }
  row_ = row;
}

void RowExtras::Done() noexcept {
  next_ = std::min({steps_.next_row(), ids_.next_row(), attributes_.next_row(), links_.next_row()});
}

HostPlane::HostPlane(const Recording& recording, const Devices& devices)
    : Plane(kHostPlane, 0),
      recording_(recording),
      devices_(devices),
      layout_(recording),
      order_(recording, layout_.launch_rows()),
      extras_(recording, layout_),
      uses_(recording.strings.size()),
      events_(recording.names.size()),
      string_events_(recording.strings.size()),
      keys_(recording.strings.size()),
      values_(recording.strings.size()),
      thread_ids_(UniqueThreadIds(recording)),
      processes_(ProcessLabels(recording)),
      next_line_id_(kFirstMadeUpThreadId + static_cast<int64_t>(recording.threads.size())) {
  for (const AttributeRow& row : recording.attributes) {
    if (row.type != AttributeType::kString) continue;
    uint8_t& uses = uses_[static_cast<size_t>(row.integer)];
    if (uses < 2) ++uses;
  }
  for (uint32_t t = 0; t < recording.threads.size(); ++t) AddThreadLines(t);
  AddGpuLines();
  std::stable_sort(sources_.begin(), sources_.end(),
                   [](const Source& a, const Source& b) { return a.line.name < b.line.name; });
  for (Source& source : sources_) lines.push_back(std::move(source.line));
}

std::string HostPlane::LanesText() const {
  std::string text;
  for (size_t i = 0; i < sources_.size(); ++i) {
    const Source& source = sources_[i];
    if (source.content != Content::kLane && source.content != Content::kCounters) continue;
    text += std::to_string(lines[i].id) + "=" + std::to_string(thread_ids_[source.index]) + " ";
  }
  return text;
}

std::string HostPlane::ThreadsText() const {
  std::string text = "[";
  for (uint32_t t = 0; t < thread_ids_.size(); ++t) {
    const ThreadEntry& thread = recording_.threads[t];
    if (t != 0) text += ',';
    text += '[';
    AppendInteger(thread_ids_[t], &text);
    text += ',';
    AppendSafeInteger(thread.os_thread_id, &text);
    text += ',';
    AppendInteger(thread.js_thread_id, &text);
    text += ',';
    AppendJsonString(processes_.size() > 1 ? NameOfThread(t) : thread.name, &text);
    text += ']';
  }
  return text + "]";
}

std::string HostPlane::NameOfThread(uint32_t thread) const {
  const std::string name = ThreadLabel(recording_, thread);
  if (processes_.size() < 2) return name;
  return processes_[recording_.threads[thread].process].name + " · " + name;
}

void HostPlane::Clear() {
  Plane::Clear();
  for (std::vector<uint32_t>* ids : {&events_, &string_events_, &keys_, &values_})
    std::fill(ids->begin(), ids->end(), 0);
  fixed_events_.fill(0);
  overhead_events_.clear();
}

void HostPlane::AddLine(Source source, std::string name) {
  if (source.line.id == 0) source.line.id = next_line_id_++;
  source.line.name = std::move(name);
  sources_.push_back(std::move(source));
}

void HostPlane::AddThreadLines(uint32_t thread) {
  const std::string name = NameOfThread(thread);
  AddLine({Content::kThread, thread, 0, {thread_ids_[thread], ""}}, name);
  for (uint32_t lane = 0; lane < layout_.lanes()[thread].lane_count(); ++lane) {
    std::string lane_name = name + " async";
    if (lane != 0) lane_name.append(" ").append(std::to_string(lane + 1));
    AddLine({Content::kLane, thread, lane, {}}, std::move(lane_name));
  }
  const auto has_counters =
      std::lower_bound(recording_.counters.begin(), recording_.counters.end(), thread,
                       [](const CounterRow& row, uint32_t wanted) { return row.thread < wanted; });
  if (has_counters != recording_.counters.end() && has_counters->thread == thread)
    AddLine({Content::kCounters, thread, 0, {}}, kCounterLine);
}

void HostPlane::AddGpuLines() {
  const GpuDetails& details = recording_.gpu_details;
  if (!details.memory.empty()) AddLine({Content::kMemory, 0, 0, {}}, "GPU memory");
  Lanes lanes;
  for (uint32_t i = 0; i < details.overheads.size(); ++i) {
    const GpuOverheadRow& row = details.overheads[i];
    const uint32_t lane = lanes.Place(row.start_ns, std::max(row.end_ns, row.start_ns + 1));
    if (lane == overhead_lanes_.size()) {
      overhead_lanes_.emplace_back();
      AddLine({Content::kOverhead, 0, lane, {}}, "CUPTI overhead");
    }
    overhead_lanes_[lane].push_back(i);
  }
  const bool has_unknown = std::any_of(recording_.gpu.begin(), recording_.gpu.end(), [](const GpuRow& row) {
    return row.launch < 0 && row.kind != GpuKind::kSync;
  });
  if (has_unknown) AddLine({Content::kUnknownLaunches, 0, 0, {}}, "launches that were not recorded");
}

void HostPlane::WriteEvents(size_t line, EventWriter* out) {
  const Source& source = sources_[line];
  switch (source.content) {
    case Content::kThread:
      return WriteThread(source.index, out);
    case Content::kLane:
      return WriteLane(source.index, source.lane, out);
    case Content::kCounters:
      return WriteCounters(source.index, out);
    case Content::kMemory:
      return WriteMemory(out);
    case Content::kOverhead:
      return WriteOverheads(source.lane, out);
    case Content::kUnknownLaunches:
      return WriteUnknownLaunches(out);
  }
}

void HostPlane::WriteThread(uint32_t thread, EventWriter* out) {
  extras_.Seek(recording_.threads[thread].first_row);
  extras_.Done();
  order_.Walk(recording_.threads[thread], thread, [&](const Item& item) {
    if (layout_.IsOffThread(item)) return;
    switch (item.kind) {
      case Item::kSpan:
        return WriteSpan(item.index, out);
      case Item::kSyncPart:
        return WriteSyncPart(item, out);
      case Item::kLaunch:
        return WriteLaunch(item.index, out);
      case Item::kMark:
        return WriteMark(item.index, out);
    }
  });
}

void HostPlane::WriteLane(uint32_t thread, uint32_t lane, EventWriter* out) {
  const ThreadLanes& lanes = layout_.lanes()[thread];
  for (uint32_t at = lanes.first[lane]; at < lanes.first[lane + 1]; ++at) {
    const uint32_t item = lanes.items[at];
    if ((item & kLaunchBit) != 0) {
      WriteLaunch(item & ~kLaunchBit, out);
    } else {
      const SpanColumns& spans = recording_.spans;
      if (out->Keeps(spans.start_ns[item] + spans.duration_ns[item])) WriteRichSpan(item, out);
    }
  }
}

inline void HostPlane::WriteSpan(uint32_t row, EventWriter* out) {
  const SpanColumns& spans = recording_.spans;
  const int64_t start_ns = spans.start_ns[row], end_ns = start_ns + spans.duration_ns[row];
  if (!out->Keeps(end_ns)) return;
  const bool is_linked = layout_.HasLinks() && (layout_.IsProducer(row) || layout_.IsConsumer(row));
  if (spans.flags[row] == 0 && !is_linked && !extras_.MayHave(row)) {
    out->Plain(EventOf(spans.name[row]), start_ns, end_ns);
  } else {
    WriteRichSpan(row, out);
  }
}

void HostPlane::WriteRichSpan(uint32_t row, EventWriter* out) {
  const SpanColumns& spans = recording_.spans;
  const int64_t start_ns = spans.start_ns[row];
  extras_.Seek(row);
  out->Start(EventOf(spans.name[row]), start_ns, start_ns + spans.duration_ns[row]);
  if (const StepRow* step = extras_.TakeStep()) {
    out->Int(Stat(StatName::kIsRoot), 1);
    out->Int(Stat(StatName::kStepNum), step->number);
  }
  if (layout_.IsConsumer(row)) AddConsumer(layout_.Visible(spans.parent[row]), out);
  if (layout_.IsProducer(row)) {
    out->Int(Stat(StatName::kProducerType), 0);
    out->Int(Stat(StatName::kProducerId), int64_t{row} + 1);
  }
  AddFlags(spans.flags[row], out);
  AddIds(out);
  while (const AttributeRow* attribute = extras_.TakeAttribute()) AddAttribute(*attribute, out);
  extras_.Done();
  out->Finish();
}

// A generic link (type 0) from the span that caused it, which also takes it into the span's step. 0: from
// none, where what lies around it is no parent.
void HostPlane::AddConsumer(int32_t span, EventWriter* out) {
  out->Int(Stat(StatName::kConsumerType), 0);
  out->Int(Stat(StatName::kConsumerId), int64_t{span} + 1);
}

void HostPlane::AddFlags(uint8_t flags, EventWriter* out) {
  static constexpr std::pair<SpanFlag, StatName> kFlags[] = {{opscope::kAsync, StatName::kAsync},
                                                             {opscope::kUnfinished, StatName::kUnfinished},
                                                             {opscope::kError, StatName::kError},
                                                             {opscope::kTimed, StatName::kTimed},
                                                             {opscope::kBracket, StatName::kBracket}};
  for (const auto& [flag, name] : kFlags) {
    if ((flags & flag) != 0) out->Int(Stat(name), 1);
  }
}

void HostPlane::AddIds(EventWriter* out) {
  char text[49];
  if (const IdRow* id = extras_.TakeId()) {
    if ((id->trace_id_high | id->trace_id_low) != 0) {
      PutHex(PutHex(text, id->trace_id_high), id->trace_id_low);
      out->String(Stat(StatName::kTraceId), {text, 32});
    }
    if (id->span_id != 0) {
      PutHex(text, id->span_id);
      out->String(Stat(StatName::kSpanId), {text, 16});
    }
    if (id->remote_parent_id != 0) {
      PutHex(text, id->remote_parent_id);
      out->String(Stat(StatName::kParentSpanId), {text, 16});
    }
  }
  while (const LinkRow* link = extras_.TakeLink()) {
    char* end = PutHex(PutHex(text, link->trace_id_high), link->trace_id_low);
    *end++ = '-';
    PutHex(end, link->span_id);
    out->String(Stat(StatName::kLink), {text, sizeof text});
  }
}

void HostPlane::AddAttribute(const AttributeRow& row, EventWriter* out) {
  uint32_t& key = keys_[row.key];
  if (key == 0) key = tables.stats.IdOf(AttributeStat(recording_.strings[row.key]));
  switch (row.type) {
    case AttributeType::kDouble:
      return out->Double(key, row.number);
    case AttributeType::kInt:
    case AttributeType::kBool:
      return out->Int(key, row.integer);
    case AttributeType::kString: {
      const auto string = static_cast<size_t>(row.integer);
      // A table of texts that occur once, ids of requests, would only make readers slow.
      if (uses_[string] < 2) return out->String(key, recording_.strings[string]);
      uint32_t& value = values_[string];
      if (value == 0) value = tables.stats.IdOf(recording_.strings[string]);
      return out->Ref(key, value);
    }
  }
}

void HostPlane::WriteSyncPart(const Item& item, EventWriter* out) {
  const SpanColumns& spans = recording_.spans;
  // With the whole of the span: it would be a part of nothing.
  if (!out->Keeps(item.start_ns + spans.duration_ns[item.index])) return;
  out->Start(EventOf(spans.name[item.index]), item.start_ns, item.end_ns);
  AddConsumer(static_cast<int32_t>(item.index), out);
  out->Int(Stat(StatName::kSyncPart), 1);
  out->Finish();
}

void HostPlane::WriteLaunch(uint32_t index, EventWriter* out) {
  const LaunchRow& launch = recording_.launches[index];
  if (!out->Keeps(launch.end_ns)) return;
  out->Start(EventOfString(launch.name), launch.start_ns, launch.end_ns);
  const int64_t device = devices_.OfLaunch(index);
  if (device >= 0) out->Int(Stat(StatName::kDeviceId), device);
  out->Uint(Stat(StatName::kCorrelationId), launch.correlation_id);
  if (layout_.IsLaunchConsumer(index)) AddConsumer(layout_.Visible(launch.span), out);
  out->Finish();
}

void HostPlane::WriteMark(uint32_t index, EventWriter* out) {
  const MarkRow& mark = recording_.marks[index];
  if (!out->Keeps(mark.at_ns)) return;
  out->Start(EventOf(mark.name), mark.at_ns, mark.at_ns);
  out->Int(Stat(StatName::kMark), 1);
  if (layout_.IsMarkConsumer(index)) AddConsumer(layout_.Visible(mark.span), out);
  out->Finish();
}

void HostPlane::WriteCounters(uint32_t thread, EventWriter* out) {
  const Column<CounterRow>& counters = recording_.counters;
  const CounterRow* row =
      std::lower_bound(counters.begin(), counters.end(), thread,
                       [](const CounterRow& counter, uint32_t wanted) { return counter.thread < wanted; });
  for (; row != counters.end() && row->thread == thread; ++row) {
    if (!out->Keeps(row->at_ns)) continue;
    out->Start(EventOf(row->name), row->at_ns, row->at_ns);
    out->Double(Stat(StatName::kValue), row->value);
    out->Finish();
  }
}

// The events of the memory profile. What the GPU's own allocator keeps in reserve is not recorded.
void HostPlane::WriteMemory(EventWriter* out) {
  LiveMemory memory;
  std::map<LiveMemory::Pool, uint64_t> peaks;
  for (const GpuMemoryRow& row : recording_.gpu_details.memory) {
    const LiveMemory::Pool pool = LiveMemory::PoolOf(row);
    const uint64_t live = memory.After(row, ProcessOfContext(recording_.processes, row.context));
    uint64_t& peak = peaks[pool];
    peak = std::max(peak, live);
    if (!out->Keeps(row.at_ns)) continue;
    const GpuDevice* device = devices_.details(devices_.IndexOf(row.device));
    const uint64_t size = device == nullptr || pool.second != MemoryKind::kDevice ? 0 : device->memory_bytes;
    out->Start(EventOf(row.is_release ? kRelease : kAllocation), row.at_ns, row.at_ns);
    const std::pair<StatName, uint64_t> stats[] = {
        {StatName::kBytesReserved, 0},
        {StatName::kBytesAllocated, live},
        {StatName::kBytesAvailable, size > live ? size - live : 0},
        {StatName::kPeakBytesInUse, peak},
        {StatName::kRequestedBytes, row.bytes},
        {StatName::kAllocationBytes, row.bytes},
        {StatName::kAddress, row.address},
        {StatName::kContext, row.context},
        {StatName::kDevice, row.device},
        {StatName::kStream, row.stream},
        {StatName::kCorrelation, row.correlation_id},
    };
    for (const auto& [name, value] : stats) out->Int(Stat(name), static_cast<int64_t>(value));
    out->Double(Stat(StatName::kFragmentation), 0);
    out->Ref(Stat(StatName::kAllocatorName), tables.stats.IdOf(LiveMemory::LabelOf(pool)));
    out->Ref(Stat(StatName::kKind), tables.stats.IdOf(MemoryKindName(row.kind)));
    out->Finish();
  }
}

void HostPlane::WriteOverheads(uint32_t lane, EventWriter* out) {
  for (const uint32_t i : overhead_lanes_[lane]) {
    const GpuOverheadRow& row = recording_.gpu_details.overheads[i];
    if (!out->Keeps(row.end_ns)) continue;
    uint32_t& id = overhead_events_[row.kind];
    if (id == 0) id = tables.events.Add(OverheadLabel(row.kind), "");
    out->Start(id, row.start_ns, row.end_ns);
    out->Uint(Stat(StatName::kOverhead), row.kind);
    out->Finish();
  }
}

// GPU work without a launch would count as part of the step before it.
void HostPlane::WriteUnknownLaunches(EventWriter* out) {
  for (size_t i = 0; i < recording_.gpu.size(); ++i) {
    const GpuRow& row = recording_.gpu[i];
    if (row.launch >= 0 || row.kind == GpuKind::kSync || !out->Keeps(EndForAge(recording_, row))) continue;
    out->Start(EventOf(kUnknownLaunch), row.start_ns, row.start_ns);
    out->Int(Stat(StatName::kDeviceId), devices_.IndexOf(row.device));
    out->Uint(Stat(StatName::kCorrelationId), CorrelationOf(row, i));
    out->Int(Stat(StatName::kMadeUp), 1);
    out->Finish();
  }
}

uint32_t HostPlane::EventOf(Fixed fixed) {
  static constexpr const char* kNames[] = {"MemoryAllocation", "MemoryDeallocation",
                                           "launch that was not recorded"};
  uint32_t& id = fixed_events_[fixed];
  return id != 0 ? id : id = tables.events.Add(kNames[fixed], "");
}

uint32_t HostPlane::EventOf(uint32_t name) {
  uint32_t& id = events_[name];
  if (id != 0) return id;
  const NameEntry& entry = recording_.names[name];
  wire::Writer stats;
  PutRef(&stats, metadata::kStats, Stat(StatName::kCategory),
         tables.stats.IdOf(CategoryName(entry.category)));
  if (entry.role != Role::kOp)
    PutRef(&stats, metadata::kStats, Stat(StatName::kRole), tables.stats.IdOf(RoleName(entry.role)));
  if (!entry.instance.empty()) PutString(&stats, metadata::kStats, Stat(StatName::kInstance), entry.instance);
  return id = tables.events.Add(EventName(entry), DisplayName(entry), &stats);
}

uint32_t HostPlane::EventOfString(uint32_t string) {
  uint32_t& id = string_events_[string];
  if (id == 0) id = tables.events.Add(PlainName(recording_.strings[string]), recording_.strings[string]);
  return id;
}

}  // namespace opscope::xplane
