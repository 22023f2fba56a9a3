#include "perfetto_gpu.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <unordered_map>

#include "lanes.h"
#include "perfetto_schema.h"
#include "wire.h"

namespace opscope::perfetto {
namespace {

// Flow arrows of one launch; a graph may hold more kernels than anyone can follow.
constexpr uint32_t kMaxFlows = 1024;

struct QueueKey {
  uint32_t device, context, stream;
  bool is_sync;
  auto operator<=>(const QueueKey&) const = default;
};
struct Queue {
  Lanes lanes;
  std::vector<uint32_t> iids;  // of each lane
  std::vector<uint32_t> epochs;
};

// A GPU row's event id: its launch and its place among the rows of that launch.
uint64_t EventId(uint32_t launch, uint32_t place) noexcept {
  return uint64_t{place} << 32 | (uint64_t{launch} + 1);
}

}  // namespace

GpuPackets::GpuPackets(PacketStream* out)
    : out_(*out), event_(out->event()), recording_(out->recording()), flows_(recording_.launches.size()) {
  for (const GpuRow& row : recording_.gpu) {
    if (row.launch >= 0) ++flows_[static_cast<size_t>(row.launch)];
  }
}

void GpuPackets::WriteLaunches(uint32_t thread) {
  Lanes lanes;
  std::vector<uint64_t> tracks;
  out_.ForThread(recording_.launches, &next_launch_, thread, [&](const LaunchRow& launch) {
    const auto index = static_cast<uint32_t>(&launch - recording_.launches.data());
    const uint32_t lane = lanes.Place(launch.start_ns, launch.end_ns);
    while (tracks.size() <= lane) tracks.push_back(out_.NewTrack(out_.default_track(), "CUDA API", false));
    out_.StartEvent(kBegin);
    event_.Varint(event::kTrackUuid, tracks[lane]);
    event_.Varint(event::kNameIid, out_.EventIid(launch.name));
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
    out_.EmitEvent(launch.start_ns);
    out_.StartEvent(kEnd);
    event_.Varint(event::kTrackUuid, tracks[lane]);
    out_.EmitEvent(launch.end_ns);
  });
}

void GpuPackets::AddLaunchArg(std::string_view name, uint64_t value) {
  const size_t opened = event_.Open(gpu::kLaunchArgs);
  event_.String(gpu::kArgName, name);
  event_.Varint(gpu::kArgUint, value);
  event_.Close(opened);
}

void GpuPackets::AddSpecification(uint64_t iid, std::string_view name) {
  const size_t opened = out_.interned().Open(interned::kSpecifications);
  out_.interned().Varint(interned::kIid, iid);
  out_.interned().String(interned::kText, name);
  out_.interned().Varint(interned::kSpecificationCategory, interned::kCategoryCompute);
  out_.interned().Close(opened);
}

void GpuPackets::WriteRows() {
  static constexpr std::array<const char*, 4> kStages = {"kernel", "copy", "fill", "sync"};
  const auto thread_count = static_cast<uint32_t>(recording_.threads.size());
  out_.StartSequence(kFirstThreadSequence + thread_count, out_.process_track());
  std::map<QueueKey, Queue> queues;
  std::unordered_map<uint32_t, uint32_t> context_epochs;
  std::vector<uint32_t> kernel_epochs(recording_.strings.size());
  uint32_t stage_epoch = 0;
  uint32_t next_queue = kFirstQueue;

  for (size_t i = 0; i < recording_.gpu.size(); ++i) {
    if (out_.failed()) return;
    out_.RefreshState();
    const GpuRow& row = recording_.gpu[i];
    if (stage_epoch != out_.epoch()) {
      stage_epoch = out_.epoch();
      for (uint32_t s = 0; s < kStages.size(); ++s) AddSpecification(s + 1, kStages[s]);
    }
    const bool is_sync = row.kind == GpuKind::kSync;
    Queue& queue = queues[{row.device, row.context, row.stream, is_sync}];
    const uint32_t lane = queue.lanes.Place(row.start_ns, row.end_ns);
    while (queue.iids.size() <= lane) {
      queue.iids.push_back(next_queue++);
      queue.epochs.push_back(0);
    }
    if (queue.epochs[lane] != out_.epoch()) {
      queue.epochs[lane] = out_.epoch();
      std::string name = "stream " + std::to_string(row.stream) + (is_sync ? " sync" : "");
      if (lane != 0) name += " +" + std::to_string(lane);
      AddSpecification(queue.iids[lane], name);
    }
    if (uint32_t& epoch = context_epochs[row.context]; epoch != out_.epoch()) {
      epoch = out_.epoch();
      const size_t opened = out_.interned().Open(interned::kContexts);
      out_.interned().Varint(interned::kIid, ContextIid(row.context));
      out_.interned().Int(interned::kContextPid, static_cast<int32_t>(recording_.process_id));
      out_.interned().Varint(interned::kContextApi, interned::kApiCuda);
      out_.interned().Close(opened);
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
    event_.Varint(gpu::kNameIid, out_.EventIid(row.name));
    if (row.kind == GpuKind::kKernel) {
      event_.Varint(gpu::kKernelIid, out_.StringIid(&kernel_epochs, interned::kKernels, 1, row.name));
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
    out_.EmitNextEvent(row.start_ns, packet::kGpuEvent);
  }
}

}  // namespace opscope::perfetto
