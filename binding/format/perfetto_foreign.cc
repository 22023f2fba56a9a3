#include "perfetto_foreign.h"

#include <algorithm>
#include <limits>

#include "perfetto_launch.h"
#include "perfetto_schema.h"

namespace opscope {

using namespace perfetto;

namespace {

// More tracks than any viewer shows; beyond it events share track 0, so that a
// file of made-up track numbers costs no more memory than one of events.
constexpr size_t kMaxTracks = 1u << 18;
// Process-wide tracks have no number in the legacy descriptors: any will do.
constexpr uint64_t kLegacyTrack = uint64_t{0x6f707363} << 32;

int64_t Minus(int64_t a, int64_t b) noexcept {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

bool Contains(std::string_view text, std::string_view word) noexcept {
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

}  // namespace

ForeignRows::Words& ForeignRows::WordsOf(uint32_t sequence_index) {
  if (words_.size() <= sequence_index) words_.resize(size_t{sequence_index} + 1);
  auto& words = words_[sequence_index];
  if (words == nullptr) words = std::make_unique<Words>();
  return *words;
}

uint32_t ForeignRows::String(std::string_view text) {
  const auto [at, is_new] =
      strings_.try_emplace(std::string(text), static_cast<uint32_t>(rows_.strings.size()));
  if (is_new) rows_.strings.emplace_back(text);
  return at->second;
}

uint32_t ForeignRows::Name(std::string_view text, std::string_view category) {
  if (text.empty()) text = "?";
  std::string key(text);
  key += '\0';
  key += category;
  const auto [at, is_new] = names_.try_emplace(std::move(key), static_cast<uint32_t>(rows_.names.size()));
  if (is_new) {
    NameEntry entry;
    entry.text = text;
    for (uint32_t i = 0; i < kCategoryCount; ++i) {
      if (category == CategoryName(static_cast<Category>(i))) {
        entry.category = static_cast<Category>(i);
      }
    }
    rows_.names.push_back(std::move(entry));
  }
  return at->second;
}

void ForeignRows::AddWords(Words* words, std::string_view bytes) {
  wire::Reader in(bytes);
  while (in.Next()) {
    NumberTable* table;
    switch (in.field()) {
      case interned::kCategories:
        table = &words->categories;
        break;
      case interned::kEventNames:
        table = &words->event_names;
        break;
      case interned::kAnnotationNames:
        table = &words->keys;
        break;
      case interned::kStrings:
        table = &words->values;
        break;
      case interned::kSpecifications:
        table = &words->specifications;
        break;
      case interned::kLaunchArgNames:
        table = &words->launch_args;
        break;
      default:
        continue;
    }
    uint64_t iid = 0;
    std::string_view text;
    wire::Reader entry(in.bytes());
    while (entry.Next()) {
      if (entry.field() == interned::kIid) iid = entry.value();
      if (entry.field() == interned::kText) text = entry.bytes();
    }
    table->Set(iid, String(text));
  }
}

ForeignRows::Track& ForeignRows::TrackAt(uint64_t uuid) {
  const auto found = tracks_.find(uuid);
  if (found != tracks_.end()) return found->second;
  return tracks_[tracks_.size() < kMaxTracks ? uuid : 0];
}

uint32_t ForeignRows::ThreadOf(Track* track) {
  if (track->thread == UINT32_MAX) {
    track->thread = static_cast<uint32_t>(rows_.threads.size());
    RawThread thread;
    thread.name = track->name;
    thread.os_thread_id = track->thread_id;
    if (thread.name.empty() && track->parent != 0) {
      const auto parent = tracks_.find(track->parent);
      if (parent != tracks_.end()) thread.name = parent->second.name;
    }
    rows_.threads.push_back(std::move(thread));
  }
  return track->thread;
}

void ForeignRows::AddTrack(std::string_view descriptor) {
  uint64_t uuid = 0, parent = 0;
  int64_t thread_id = 0;
  std::string_view name, thread_name;
  wire::Reader in(descriptor);
  while (in.Next()) {
    switch (in.field()) {
      case track::kUuid:
        uuid = in.value();
        break;
      case track::kParent:
        parent = in.value();
        break;
      case track::kName:
        name = in.bytes();
        break;
      case track::kProcess:
        AddProcess(in.bytes());
        break;
      case track::kThread: {
        wire::Reader thread(in.bytes());
        while (thread.Next()) {
          if (thread.field() == track::kTid) thread_id = thread.signed_value();
          if (thread.field() == track::kThreadName) thread_name = thread.bytes();
        }
        break;
      }
      default:
        break;
    }
  }
  Track& entry = TrackAt(uuid);
  entry.parent = parent;
  if (thread_id != 0) entry.thread_id = thread_id;
  if (!thread_name.empty()) name = thread_name;
  if (!name.empty()) {
    entry.name = name;
    if (entry.thread != UINT32_MAX && rows_.threads[entry.thread].name.empty()) {
      rows_.threads[entry.thread].name = name;
    }
  }
}

void ForeignRows::AddProcess(std::string_view process) {
  wire::Reader in(process);
  while (in.Next()) {
    if (in.field() == track::kPid && rows_.process_id == 0) rows_.process_id = in.signed_value();
  }
}

// Older writers name the thread of a sequence instead of a track.
void ForeignRows::AddThread(const PacketView& packet) {
  const uint64_t uuid = kLegacyTrack + packet.sequence;
  Track& entry = TrackAt(uuid);
  wire::Reader in(packet.thread);
  while (in.Next()) {
    if (in.field() == track::kTid) entry.thread_id = in.signed_value();
    if (in.field() == track::kThreadName) entry.name = in.bytes();
  }
  legacy_tracks_[packet.sequence] = uuid;
}

bool ForeignRows::Add(const PacketView& packet) {
  if ((packet.flags & kStateCleared) != 0 && packet.sequence_index < words_.size()) {
    words_[packet.sequence_index].reset();
  }
  if (!packet.interned.empty()) AddWords(&WordsOf(packet.sequence_index), packet.interned);
  if (!packet.process.empty()) AddProcess(packet.process);
  if (!packet.thread.empty()) AddThread(packet);
  if (packet.has_track) AddTrack(packet.track);
  if (packet.has_event) return AddEvent(packet);
  if (packet.has_gpu) return AddGpu(packet);
  return true;
}

bool ForeignRows::AddEvent(const PacketView& packet) {
  EventView event;
  if (!event.Parse(packet.event)) return false;
  if (event.type < kBegin || event.type > kCounterValueType) return true;
  uint64_t uuid = event.track_uuid;
  if (!event.has_track) {
    uuid = packet.default_track;
    const auto legacy = legacy_tracks_.find(packet.sequence);
    if (uuid == 0 && legacy != legacy_tracks_.end()) uuid = legacy->second;
  }
  Track& track = TrackAt(uuid);
  if (event.type == kEnd) {
    if (track.open.empty()) return false;
    rows_.span_end_ns[track.open.back()] = std::max(packet.at_ns, rows_.span_start_ns[track.open.back()]);
    track.open.pop_back();
    return true;
  }

  Words& words = WordsOf(packet.sequence_index);
  std::string_view text = event.name, category = event.category;
  if (const uint32_t s = words.event_names.Find(event.name_iid); text.empty() && s != NumberTable::kAbsent) {
    text = rows_.strings[s];
  }
  if (const uint32_t s = words.categories.Find(event.category_iid);
      category.empty() && s != NumberTable::kAbsent) {
    category = rows_.strings[s];
  }
  if (event.type == kCounterValueType && text.empty()) text = track.name;
  const uint32_t name = Name(text, category);
  const uint32_t thread = ThreadOf(&track);
  if (event.type == kInstant) {
    rows_.marks.Append({packet.at_ns, name, thread, kNoParent});
    return true;
  }
  if (event.type == kCounterValueType) {
    rows_.counters.Append({packet.at_ns, event.counter, name, thread});
    return true;
  }
  if (rows_.span_name.size() >= INT32_MAX) return false;
  const auto row = static_cast<uint32_t>(rows_.span_name.size());
  rows_.span_thread.Append(thread);
  rows_.span_name.Append(name);
  rows_.span_start_ns.Append(packet.at_ns);
  rows_.span_end_ns.Append(kOpenEnd);
  rows_.span_flags.Append(0);
  track.open.push_back(row);
  if (event.has_annotations) AddAttributes(words, packet.event, row);
  return true;
}

void ForeignRows::AddAttributes(const Words& words, std::string_view event, uint32_t row) {
  wire::Reader in(event);
  while (in.Next()) {
    if (in.field() != event::kAnnotations) continue;
    AnnotationView note;
    note.Parse(in.bytes());
    AttributeRow attribute;
    attribute.integer = static_cast<int64_t>(note.value);
    attribute.row = row;
    switch (note.kind) {
      case AnnotationView::Kind::kNone:
        continue;
      case AnnotationView::Kind::kBool:
        attribute.type = AttributeType::kBool;
        break;
      case AnnotationView::Kind::kUint:
      case AnnotationView::Kind::kInt:
        attribute.type = AttributeType::kInt;
        break;
      case AnnotationView::Kind::kDouble:
        attribute.type = AttributeType::kDouble;
        break;
      case AnnotationView::Kind::kString:
        attribute.type = AttributeType::kString;
        attribute.integer = String(note.text);
        break;
      case AnnotationView::Kind::kStringIid: {
        const uint32_t text = words.values.Find(note.value);
        if (text == NumberTable::kAbsent) continue;
        attribute.type = AttributeType::kString;
        attribute.integer = text;
        break;
      }
    }
    attribute.key = note.name.empty() ? words.keys.Find(note.name_iid) : String(note.name);
    if (attribute.key != NumberTable::kAbsent) rows_.attributes.Append(attribute);
  }
}

bool ForeignRows::AddGpu(const PacketView& packet) {
  Words& words = WordsOf(packet.sequence_index);
  GpuRow row{};
  row.start_ns = row.end_ns = packet.at_ns;
  row.launch = -1;
  row.span = kNoParent;
  uint64_t duration = 0, queue = 0, stage_iid = 0, name_iid = 0;
  std::string_view name;
  LaunchView launch;
  wire::Reader in(packet.gpu);
  while (in.Next()) {
    switch (in.field()) {
      case gpu::kDuration:
        duration = in.value();
        break;
      case gpu::kContext:
        row.context = static_cast<uint32_t>(in.value());
        break;
      case gpu::kGpuId:
        row.device = static_cast<uint32_t>(in.value());
        break;
      case gpu::kHwQueueId:
      case gpu::kHwQueueIid:
        queue = in.value();
        break;
      case gpu::kStageIid:
        stage_iid = in.value();
        break;
      case gpu::kName:
        name = in.bytes();
        break;
      case gpu::kNameIid:
        name_iid = in.value();
        break;
      case gpu::kSubmissionId:
        row.correlation_id = in.value();
        break;
      case gpu::kLaunch:
        launch.Parse(in.bytes(), [&](uint64_t iid) {
          const uint32_t s = words.launch_args.Find(iid);
          return s == NumberTable::kAbsent ? 0 : LaunchView::ArgNamed(rows_.strings[s]);
        });
        break;
      default:
        break;
    }
  }
  if (in.damaged()) return false;
  if (launch.has_device) row.device = launch.device;
  row.stream = launch.has_stream ? launch.stream : static_cast<uint32_t>(queue);
  std::string_view stage;
  if (const uint32_t s = words.specifications.Find(stage_iid); s != NumberTable::kAbsent) {
    stage = rows_.strings[s];
  }
  if (const uint32_t s = words.event_names.Find(name_iid); name.empty() && s != NumberTable::kAbsent) {
    name = rows_.strings[s];
  }
  if (name.empty()) name = stage.empty() ? std::string_view("?") : stage;
  if (Contains(stage, "copy") || Contains(name, "memcpy")) {
    row.kind = GpuKind::kCopy;
  } else if (Contains(stage, "fill") || Contains(name, "memset")) {
    row.kind = GpuKind::kFill;
  }
  row.end_ns = Minus(row.start_ns, -static_cast<int64_t>(duration & INT64_MAX));
  // A view into rows_.strings would not survive the new string.
  row.name = String(std::string(name));
  if (launch.has_kernel && row.kind == GpuKind::kKernel) {
    launch.kernel.row = static_cast<uint32_t>(rows_.gpu.size());
    rows_.gpu_details.kernels.Append(launch.kernel);
  }
  rows_.gpu.Append(row);
  return true;
}

void ForeignRows::Finish(int64_t epoch_offset_ns) {
  int64_t first = std::numeric_limits<int64_t>::max();
  const auto see = [&first](int64_t at) { first = std::min(first, at); };
  for (const int64_t at : rows_.span_start_ns) see(at);
  for (const MarkRow& mark : rows_.marks) see(mark.at_ns);
  for (const CounterRow& counter : rows_.counters) see(counter.at_ns);
  for (const GpuRow& row : rows_.gpu) see(row.start_ns);
  if (first == std::numeric_limits<int64_t>::max()) return;

  for (int64_t& at : rows_.span_start_ns) at = Minus(at, first);
  for (int64_t& at : rows_.span_end_ns) {
    if (at != kOpenEnd) at = Minus(at, first);
  }
  for (MarkRow& mark : rows_.marks) mark.at_ns = Minus(mark.at_ns, first);
  for (CounterRow& counter : rows_.counters) counter.at_ns = Minus(counter.at_ns, first);
  for (GpuRow& row : rows_.gpu) {
    row.start_ns = Minus(row.start_ns, first);
    row.end_ns = Minus(row.end_ns, first);
  }
  rows_.origin_clock_ns = first;
  if (epoch_offset_ns != 0) rows_.origin_epoch_ns = Minus(first, -epoch_offset_ns);
}

}  // namespace opscope
