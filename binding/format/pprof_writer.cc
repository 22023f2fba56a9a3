#include "pprof_writer.h"

#include <algorithm>
#include <new>
#include <string>
#include <string_view>

#include "../core/id_map.h"
#include "../core/op_walk.h"
#include "../core/wall_self.h"
#include "gpu_labels.h"
#include "pprof_strings.h"
#include "span_rows.h"
#include "wire.h"

namespace opscope {
namespace {

namespace profile {
constexpr uint32_t kSampleType = 1, kSample = 2, kMapping = 3, kLocation = 4, kFunction = 5, kStringTable = 6,
                   kTimeNanos = 9, kDurationNanos = 10, kPeriodType = 11, kPeriod = 12,
                   kDefaultSampleType = 14;
}  // namespace profile
namespace value_type {
constexpr uint32_t kType = 1, kUnit = 2;
}  // namespace value_type
namespace sample {
constexpr uint32_t kLocationId = 1, kValue = 2, kLabel = 3;
}  // namespace sample
namespace label {
constexpr uint32_t kKey = 1, kString = 2, kNumber = 3;
}  // namespace label
namespace mapping {
constexpr uint32_t kId = 1, kFilename = 5, kHasFunctions = 7;
}  // namespace mapping
namespace location {
constexpr uint32_t kId = 1, kMappingId = 2, kLine = 4, kLineFunctionId = 1;
}  // namespace location
namespace function {
constexpr uint32_t kId = 1, kName = 2;
}  // namespace function
constexpr uint64_t kOnlyMapping = 1;

// NOT_OPS of src/model/tree.ts: they overlap the ops, or are no work of the program's.
bool IsNoOp(const NameEntry& name) noexcept {
  return name.category == Category::kGc || name.category == Category::kEventLoop ||
         name.category == Category::kOverhead || name.role == Role::kSample;
}

// Numbers from 0 up for keys, in the order in which they come.
class Numbers {
 public:
  uint32_t Of(uint64_t key) {
    const uint32_t number = map_.FindOrInsert(key, next_);
    if (number == next_) ++next_;
    return number;
  }

 private:
  IdMap map_;
  uint32_t next_ = 0;
};

constexpr uint32_t kNoThread = UINT32_MAX;
// All GPU rows of one name and place for one path.
struct GpuLeaf {
  uint32_t path, thread;  // kNoPath: an orphan; kNoThread: not known
  uint32_t name;          // index into strings
  GpuKind kind;
  uint32_t device, context, stream;
  int64_t ns = 0;
  uint64_t rows = 0;
};

class ProfileWriter {
 public:
  ProfileWriter(const Recording& recording, ByteSink* sink)
      : recording_(recording),
        sink_(*sink),
        strings_(recording),
        walk_(recording, TimeOf::kCpu),
        gpu_labels_(recording),
        has_gpu_(!recording.gpu.empty()) {
    for (uint32_t t = 0; t < recording.threads.size(); ++t)
      thread_labels_.push_back(ThreadLabel(recording, t));
  }

  void Run() {
    walk_.Run();
    has_async_ = !walk_.async_calls().empty();
    WriteHead();
    WriteOps();
    WriteGpu();
    WriteFrames();
  }

 private:
  // Field numbers here are below 16, so a tag is one byte.
  void Append(uint32_t field, const wire::Writer& message) {
    uint8_t head[wire::kMaxVarint + 1];
    head[0] = static_cast<uint8_t>(wire::Tag(field, wire::Type::kBytes));
    const uint8_t* end = wire::PutVarint(head + 1, message.size());
    sink_.Append(head, static_cast<size_t>(end - head));
    sink_.Append(message.data(), message.size());
  }
  void AppendValueType(uint32_t field, std::string_view type, std::string_view unit) {
    message_.Clear();
    message_.Varint(value_type::kType, strings_.IdOf(type));
    message_.Varint(value_type::kUnit, strings_.IdOf(unit));
    Append(field, message_);
  }

  // The types of values come first: that is how a reader tells this file from others.
  void WriteHead() {
    AppendValueType(profile::kSampleType, "calls", "count");
    AppendValueType(profile::kSampleType, "self", "nanoseconds");
    if (has_async_) AppendValueType(profile::kSampleType, "wall", "nanoseconds");
    if (has_gpu_) AppendValueType(profile::kSampleType, "gpu", "nanoseconds");
    AppendValueType(profile::kPeriodType, "self", "nanoseconds");

    message_.Clear();
    message_.Varint(mapping::kId, kOnlyMapping);
    message_.Varint(mapping::kFilename, strings_.IdOf("node"));
    message_.Varint(mapping::kHasFunctions, 1);
    Append(profile::kMapping, message_);

    message_.Clear();
    message_.Int(profile::kTimeNanos, recording_.origin_epoch_ns);
    message_.Int(profile::kDurationNanos, recording_.duration_ns);
    message_.Varint(profile::kPeriod, 1);
    message_.Varint(profile::kDefaultSampleType, strings_.IdOf("self"));
    sink_.Append(message_.data(), message_.size());
  }

  void WriteOps() {
    const std::vector<int64_t> wall = has_async_ ? WallSelfByPath(recording_, walk_) : std::vector<int64_t>();
    for (uint32_t path = 0; path < walk_.paths().size() && !sink_.failed(); ++path) {
      const PathEntry& entry = walk_.paths()[path];
      const NameEntry& name = recording_.names[entry.name];
      const uint64_t calls = walk_.sums()[path].calls;
      if (calls == 0 || IsNoOp(name)) continue;
      StartSample(0, path);
      AddValues(calls, walk_.SelfNs(path), has_async_ ? wall[path] : 0, 0);
      AddThread(entry.thread);
      AddLabel("category", strings_.IdOf(CategoryName(name.category)));
      Append(profile::kSample, message_);
    }
  }

  void WriteGpu() {
    for (const GpuLeaf& leaf : GpuLeaves()) {
      if (sink_.failed()) return;
      const std::string& name = recording_.strings[leaf.name];
      StartSample(strings_.FrameOf(name.empty() ? GpuKindName(leaf.kind) : std::string_view(name)),
                  leaf.path);
      AddValues(leaf.rows, 0, 0, leaf.ns);
      AddThread(leaf.thread);
      AddLabel("category", strings_.IdOf(CategoryName(CategoryOf(leaf.kind))));
      AddLabel("device", strings_.IdOfCopy(gpu_labels_.OfDevice(leaf.device)));
      AddLabel("stream", strings_.IdOfCopy(gpu_labels_.OfStream(leaf.context, leaf.stream)));
      Append(profile::kSample, message_);
    }
  }

  // By first start.
  std::vector<GpuLeaf> GpuLeaves() {
    std::vector<GpuLeaf> leaves;
    Numbers names, contexts, streams, works, keys;
    // Paths stay below, so that the two do not meet in one key.
    constexpr uint32_t kOrphanOfThread = 1u << 31;
    for (const GpuRow& row : recording_.gpu) {
      if (row.kind == GpuKind::kSync) continue;
      GpuLeaf leaf{kNoPath, kNoThread, row.name, row.kind, row.device, row.context, row.stream};
      if (row.span >= 0) {
        leaf.path = walk_.PathOf(static_cast<size_t>(row.span));
        leaf.thread = walk_.paths()[leaf.path].thread;
      } else if (row.launch >= 0) {
        leaf.thread = recording_.launches[static_cast<size_t>(row.launch)].thread;
      }
      const uint64_t above = row.span >= 0 ? leaf.path : leaf.thread | kOrphanOfThread;
      const uint64_t name = names.Of(uint64_t{row.name} << 8 | static_cast<uint8_t>(row.kind));
      const uint64_t context = contexts.Of(uint64_t{row.device} << 32 | row.context);
      const uint32_t stream = streams.Of(context << 32 | row.stream);
      const uint32_t at = keys.Of(above << 32 | works.Of(name << 32 | stream));
      if (at == leaves.size()) leaves.push_back(leaf);
      leaves[at].ns += std::max<int64_t>(row.end_ns - row.start_ns, 0);
      ++leaves[at].rows;
    }
    return leaves;
  }

  // `leaf`: a frame below the path, or 0.
  void StartSample(uint64_t leaf, uint32_t path) {
    message_.Clear();
    const size_t opened = message_.Open(sample::kLocationId);
    if (leaf != 0) message_.Packed(leaf);
    for (; path != kNoPath; path = walk_.paths()[path].parent)
      message_.Packed(strings_.FrameOfName(walk_.paths()[path].name));
    message_.Close(opened);
  }
  void AddValues(uint64_t calls, int64_t self_ns, int64_t wall_ns, int64_t gpu_ns) {
    const size_t opened = message_.Open(sample::kValue);
    message_.Packed(calls);
    message_.Packed(static_cast<uint64_t>(self_ns));
    if (has_async_) message_.Packed(static_cast<uint64_t>(wall_ns));
    if (has_gpu_) message_.Packed(static_cast<uint64_t>(gpu_ns));
    message_.Close(opened);
  }
  void AddLabel(std::string_view key, uint64_t text) {
    const size_t opened = message_.Open(sample::kLabel);
    message_.Varint(label::kKey, strings_.IdOf(key));
    message_.Varint(label::kString, text);
    message_.Close(opened);
  }
  // Ids that the system gave are never 0, which readers take for none.
  void AddThread(uint32_t thread) {
    if (thread == kNoThread) return;
    AddLabel("thread", strings_.IdOf(thread_labels_[thread]));
    const int64_t id = recording_.threads[thread].os_thread_id;
    if (id == 0) return;
    const size_t opened = message_.Open(sample::kLabel);
    message_.Varint(label::kKey, strings_.IdOf("thread_id"));
    message_.Int(label::kNumber, id);
    message_.Close(opened);
  }

  void WriteFrames() {
    const std::vector<std::string_view>& texts = strings_.texts();
    for (uint64_t id = 0; id < texts.size() && !sink_.failed(); ++id) {
      message_.Clear();
      message_.String(profile::kStringTable, texts[id]);
      sink_.Append(message_.data(), message_.size());
      if (!strings_.IsFrame(id)) continue;
      message_.Clear();
      message_.Varint(function::kId, id);
      message_.Varint(function::kName, id);
      Append(profile::kFunction, message_);
      message_.Clear();
      message_.Varint(location::kId, id);
      message_.Varint(location::kMappingId, kOnlyMapping);
      const size_t line = message_.Open(location::kLine);
      message_.Varint(location::kLineFunctionId, id);
      message_.Close(line);
      Append(profile::kLocation, message_);
    }
  }

  const Recording& recording_;
  ByteSink& sink_;
  PprofStrings strings_;
  OpWalk walk_;
  GpuLabels gpu_labels_;
  std::vector<std::string> thread_labels_;
  wire::Writer message_;
  bool has_async_ = false;
  const bool has_gpu_;
};

}  // namespace

Status WritePprof(const Recording& recording, ByteSink* sink, std::vector<Warning>*) try {
  ProfileWriter(recording, sink).Run();
  return sink->Finish();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
