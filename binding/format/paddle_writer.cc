#include "paddle_writer.h"

#include <new>
#include <string>
#include <string_view>

#include "lanes.h"
#include "op_paths.h"
#include "wire.h"

namespace opscope {
namespace {

namespace event {
constexpr uint32_t kName = 1, kStartNs = 2, kEndNs = 3, kDeviceId = 5, kSubDeviceId = 6, kMemcopy = 7,
                   kType = 8, kDetailInfo = 9;
constexpr uint32_t kBytes = 1;
}  // namespace event
namespace profile {
constexpr uint32_t kEvents = 1, kStartNs = 2, kEndNs = 3;
}  // namespace profile
enum EventType : uint32_t { kCpu = 0, kGpuKernel = 1 };
constexpr int64_t kApiDevice = -1;

// The original's names of copies, from the kinds of memory.
const char* CopyKindName(const GpuRow& row) noexcept {
  enum Place : uint8_t { kHost, kDevice, kArray, kOther };
  const auto place_of = [](MemoryKind kind) {
    switch (kind) {
      case MemoryKind::kPageable:
      case MemoryKind::kPinned:
        return kHost;
      case MemoryKind::kDevice:
      case MemoryKind::kManaged:
        return kDevice;
      case MemoryKind::kArray:
        return kArray;
      case MemoryKind::kUnknown:
      case MemoryKind::kPeer:
        return kOther;
    }
    return kOther;
  };
  if (row.from == MemoryKind::kPeer || row.to == MemoryKind::kPeer) return "MEMCPY_PtoP";
  static constexpr const char* kNames[3][3] = {{"MEMCPY_HtoH", "MEMCPY_HtoD", "MEMCPY_HtoA"},
                                               {"MEMCPY_DtoH", "MEMCPY_DtoD", "MEMCPY_DtoA"},
                                               {"MEMCPY_AtoH", "MEMCPY_AtoD", "MEMCPY_AtoA"}};
  const Place from = place_of(row.from), to = place_of(row.to);
  return from == kOther || to == kOther ? "MEMCPY" : kNames[from][to];
}

class ProfileWriter {
 public:
  ProfileWriter(const Recording& recording, ByteSink* sink)
      : recording_(recording), sink_(*sink), paths_(recording) {
    next_lane_ = static_cast<int64_t>(recording.threads.size());
  }

  void Run() {
    for (const GpuRow& row : recording_.gpu) {
      if (row.kind == GpuKind::kKernel || row.kind == GpuKind::kFill) WriteGpu(row);
    }
    for (uint32_t t = 0; t < recording_.threads.size() && !sink_.failed(); ++t) WriteThread(t);
    for (const LaunchRow& launch : recording_.launches) WriteLaunch(launch);
    for (const GpuRow& row : recording_.gpu) {
      if (row.kind == GpuKind::kCopy) WriteGpu(row);
    }
    wire::Writer times;
    times.Int(profile::kStartNs, recording_.origin_epoch_ns);
    times.Int(profile::kEndNs, recording_.origin_epoch_ns + recording_.duration_ns);
    sink_.Append(times.data(), times.size());
  }

  uint64_t slash_count() const noexcept { return paths_.slash_count(); }

 private:
  void Start(std::string_view name, int64_t start_ns, int64_t end_ns, int64_t device, int64_t sub_device) {
    event_.Clear();
    event_.String(event::kName, name);
    event_.Int(event::kStartNs, recording_.origin_epoch_ns + start_ns);
    event_.Int(event::kEndNs, recording_.origin_epoch_ns + end_ns);
    event_.Int(event::kDeviceId, device);
    event_.Int(event::kSubDeviceId, sub_device);
  }
  void End(EventType type, std::string_view detail) {
    event_.Varint(event::kType, type);
    if (!detail.empty()) event_.String(event::kDetailInfo, detail);
    uint8_t head[wire::kMaxVarint + 1];
    head[0] = wire::Tag(profile::kEvents, wire::Type::kBytes);
    const uint8_t* end = wire::PutVarint(head + 1, event_.size());
    sink_.Append(head, static_cast<size_t>(end - head));
    sink_.Append(event_.data(), event_.size());
  }

  // Rows of one op come in runs, and a climb to the root costs its depth.
  std::string_view PathText(int32_t row) {
    if (row != last_row_) {
      last_row_ = row;
      last_path_ = paths_.PathOf(row);
    }
    return paths_.TextOf(last_path_);
  }

  void WriteGpu(const GpuRow& row) {
    if (sink_.failed()) return;
    std::string_view detail = recording_.strings[row.name];
    if (row.kind == GpuKind::kCopy) detail = CopyKindName(row);
    if (row.kind == GpuKind::kFill) detail = "MEMSET";
    const bool is_matched = row.span >= 0;
    Start(is_matched ? PathText(row.span) : detail, row.start_ns, row.end_ns, row.device, row.stream);
    if (row.kind == GpuKind::kCopy) {
      const size_t opened = event_.Open(event::kMemcopy);
      event_.Varint(event::kBytes, row.bytes);
      event_.Close(opened);
    }
    End(kGpuKernel, is_matched ? detail : std::string_view());
  }

  void WriteLaunch(const LaunchRow& launch) {
    if (sink_.failed()) return;
    const std::string& name = recording_.strings[launch.name];
    const bool is_matched = launch.span >= 0;
    Start(is_matched ? PathText(launch.span) : name, launch.start_ns, launch.end_ns, kApiDevice,
          launch.thread);
    End(kCpu, is_matched ? std::string_view(name) : std::string_view());
  }

  void WriteThread(uint32_t thread) {
    const SpanColumns& spans = recording_.spans;
    const ThreadEntry& entry = recording_.threads[thread];
    NestStack stack;
    std::vector<uint32_t> open_paths;
    Lanes lanes;
    for (uint32_t row = entry.first_row; row < entry.first_row + entry.row_count; ++row) {
      if (sink_.failed()) return;
      const int64_t start_ns = spans.start_ns[row];
      const int64_t end_ns = start_ns + spans.duration_ns[row];
      const int32_t parent = spans.parent[row];
      while (stack.IsOver(start_ns, end_ns, parent)) {
        stack.Pop();
        open_paths.pop_back();
      }
      const bool is_plain = parent == stack.top_row();
      const uint32_t parent_path = !is_plain            ? paths_.PathOf(parent)
                                   : open_paths.empty() ? OpPaths::kRoot
                                                        : open_paths.back();
      const uint32_t path = paths_.ChildOf(parent_path, spans.name[row]);
      int64_t sub_device = thread;
      if ((spans.flags[row] & kAsync) == 0 && stack.Fits(end_ns)) {
        stack.Push(end_ns, static_cast<int32_t>(row));
        open_paths.push_back(path);
      } else {
        sub_device = next_lane_ + lanes.Place(start_ns, end_ns);
      }
      Start(paths_.TextOf(path), start_ns, end_ns, 0, sub_device);
      End(kCpu, {});
    }
    next_lane_ += lanes.count();
  }

  const Recording& recording_;
  ByteSink& sink_;
  OpPaths paths_;
  wire::Writer event_;
  int64_t next_lane_ = 0;
  int32_t last_row_ = kNoParent;
  uint32_t last_path_ = OpPaths::kRoot;
};

}  // namespace

Status WritePaddle(const Recording& recording, ByteSink* sink, std::vector<Warning>* warnings) try {
  ProfileWriter writer(recording, sink);
  writer.Run();
  if (!recording.asyncs.empty() && warnings != nullptr) {
    warnings->push_back(
        {"async-as-ops",
         "Spans that were open across an await became plain ops: this format knows no others.",
         recording.asyncs.size()});
  }
  if (recording.processes.size() > 1 && warnings != nullptr) {
    warnings->push_back(
        {"processes-as-threads",
         "Threads of several processes became threads of one: this format knows no processes.",
         recording.processes.size()});
  }
  if (writer.slash_count() != 0 && warnings != nullptr) {
    warnings->push_back({"slash-in-name",
                         "Names hold a '/', which this format takes for nesting; it was written "
                         "as U+2215.",
                         writer.slash_count()});
  }
  return sink->Finish();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
