#include "perfetto_gpu.h"

#include <algorithm>
#include <string>
#include <utility>

#include "../core/processes.h"
#include "gpu_labels.h"
#include "perfetto_schema.h"
#include "wire.h"

namespace opscope::perfetto {
namespace {

// Flow arrows of one launch; a graph may hold more kernels than anyone can follow.
constexpr uint32_t kMaxFlows = 1024;

// A GPU row's event id: its launch and its place among the rows of that launch.
uint64_t EventId(uint64_t launch, uint32_t place) noexcept { return uint64_t{place} << 40 | (launch + 1); }

}  // namespace

GpuPackets::GpuPackets(PacketStream* out) : out_(*out), event_(out->event()), recording_(out->recording()) {}

void GpuPackets::Start() {
  first_launch_ = launch_count_;
  first_row_ = row_count_;
  launch_count_ += recording_.launches.size();
  row_count_ += recording_.gpu.size();
  next_launch_ = 0;
  flows_.assign(recording_.launches.size(), 0);
  kernel_epochs_.resize(recording_.strings.size());
  for (const GpuRow& row : recording_.gpu) {
    if (row.launch >= 0) ++flows_[static_cast<size_t>(row.launch)];
  }
}

void GpuPackets::WriteLaunches(uint32_t thread) {
  auto& [lanes, tracks] = api_calls_[thread];
  out_.ForThread(recording_.launches, &next_launch_, thread, [&](const LaunchRow& launch) {
    const auto index = static_cast<uint32_t>(&launch - recording_.launches.data());
    const uint32_t lane = lanes.Place(launch.start_ns, launch.end_ns);
    while (tracks.size() <= lane) tracks.push_back(out_.NewTrack(out_.default_track(), "CUDA API"));
    out_.StartEvent(kBegin);
    event_.Varint(event::kTrackUuid, tracks[lane]);
    event_.Varint(event::kNameIid, out_.EventIid(launch.name));
    event_.Varint(event::kCategoryIids, static_cast<uint32_t>(Category::kRuntimeApi) + 1);
    event_.Varint(event::kCorrelationId, launch.correlation_id);
    if (const uint32_t flows = std::min(flows_[index], kMaxFlows); flows != 0) {
      const size_t opened = event_.Open(event::kGpuCorrelation);
      for (uint32_t i = 0; i < flows; ++i) {
        event_.Varint(event::kSubmissionEventIds, EventId(first_launch_ + index, i));
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

void GpuPackets::AddLaunchArg(uint32_t arg, uint64_t value) {
  const size_t opened = event_.Open(gpu::kLaunchArgs);
  event_.Varint(gpu::kArgNameIid, arg);
  event_.Varint(gpu::kArgUint, value);
  event_.Close(opened);
}

void GpuPackets::AddMemoryArg(uint32_t arg, MemoryKind kind) {
  if (kind == MemoryKind::kUnknown) return;
  const size_t opened = event_.Open(gpu::kLaunchArgs);
  event_.Varint(gpu::kArgNameIid, arg);
  event_.String(gpu::kArgString, MemoryKindName(kind));
  event_.Close(opened);
}

void GpuPackets::AddSides(uint32_t field, uint32_t x, uint32_t y, uint32_t z) {
  const size_t opened = event_.Open(field);
  event_.Varint(gpu::kX, x);
  event_.Varint(gpu::kY, y);
  event_.Varint(gpu::kZ, z);
  event_.Close(opened);
}

void GpuPackets::AddKernel(const KernelRow& kernel) {
  AddSides(gpu::kGrid, kernel.grid_x, kernel.grid_y, kernel.grid_z);
  AddSides(gpu::kWorkgroup, kernel.block_x, kernel.block_y, kernel.block_z);
  const uint64_t blocks = uint64_t{kernel.grid_x} * kernel.grid_y * kernel.grid_z;
  const uint64_t threads = uint64_t{kernel.block_x} * kernel.block_y * kernel.block_z;
  const std::pair<uint32_t, uint64_t> args[] = {
      {launch_arg::kGridSize, blocks},
      {launch_arg::kBlockSize, threads},
      {launch_arg::kThreadCount, blocks * threads},
      {launch_arg::kRegisters, kernel.registers_per_thread},
      {launch_arg::kStaticShared, kernel.static_shared_bytes},
      {launch_arg::kDynamicShared, kernel.dynamic_shared_bytes},
      {launch_arg::kExecutedShared, kernel.executed_shared_bytes},
      {launch_arg::kLocalPerThread, kernel.local_bytes_per_thread},
      {launch_arg::kGraph, kernel.graph_id},
      {launch_arg::kGraphNode, kernel.graph_node_id},
      {launch_arg::kQueuedNs, kernel.queued_ns},
      {launch_arg::kSubmittedNs, kernel.submitted_ns},
  };
  for (const auto& [arg, value] : args) {
    if (value != 0) AddLaunchArg(arg, value);
  }
}

// The words of this sequence that have fixed numbers.
void GpuPackets::RefreshWords() {
  out_.RefreshState();
  if (words_epoch_ == out_.epoch()) return;
  words_epoch_ = out_.epoch();
  for (uint32_t kind = 0; kind < 4; ++kind) {
    AddSpecification(kind + 1, GpuKindName(static_cast<GpuKind>(kind)));
  }
  for (uint32_t arg = 1; arg < launch_arg::kEnd; ++arg) {
    PacketStream::Intern(&out_.interned(), interned::kLaunchArgNames, arg, kLaunchArgNames[arg]);
  }
  for (uint32_t i = 0; i < kGpuNoteNames.size(); ++i) {
    PacketStream::Intern(&out_.interned(), interned::kAnnotationNames, gpu_note::kFirst + i,
                         kGpuNoteNames[i]);
  }
}

void GpuPackets::AddSpecification(uint64_t iid, std::string_view name) {
  const size_t opened = out_.interned().Open(interned::kSpecifications);
  out_.interned().Varint(interned::kIid, iid);
  out_.interned().String(interned::kText, name);
  out_.interned().Varint(interned::kSpecificationCategory, interned::kCategoryCompute);
  out_.interned().Close(opened);
}

bool GpuPackets::HasRows() const noexcept {
  const GpuDetails& details = recording_.gpu_details;
  return !recording_.gpu.empty() || !details.overheads.empty() || !details.memory.empty();
}

void GpuPackets::Write() {
  WriteRows();
  WriteOverheads();
  WriteMemory();
}

void GpuPackets::WriteRows() {
  const GpuLabels labels(recording_);
  const Column<KernelRow>& kernels = recording_.gpu_details.kernels;
  size_t next_kernel = 0;
  for (size_t i = 0; i < recording_.gpu.size(); ++i) {
    if (out_.failed()) return;
    RefreshWords();
    const GpuRow& row = recording_.gpu[i];
    const bool is_sync = row.kind == GpuKind::kSync;
    Queue& queue = queues_[{row.device, row.context, row.stream, is_sync}];
    const uint32_t lane = queue.lanes.Place(row.start_ns, row.end_ns);
    while (queue.iids.size() <= lane) {
      queue.iids.push_back(next_queue_++);
      queue.epochs.push_back(0);
    }
    if (queue.epochs[lane] != out_.epoch()) {
      queue.epochs[lane] = out_.epoch();
      std::string name = labels.OfStream(row.context, row.stream) + (is_sync ? " sync" : "");
      if (lane != 0) name += " +" + std::to_string(lane);
      AddSpecification(queue.iids[lane], name);
    }
    if (uint32_t& epoch = context_epochs_[row.context]; epoch != out_.epoch()) {
      epoch = out_.epoch();
      const size_t opened = out_.interned().Open(interned::kContexts);
      out_.interned().Varint(interned::kIid, ContextIid(row.context));
      out_.interned().Int(interned::kContextPid,
                          out_.pid(ProcessOfContext(recording_.processes, row.context)));
      out_.interned().Varint(interned::kContextApi, interned::kApiCuda);
      out_.interned().Close(opened);
    }

    event_.Clear();
    uint64_t event_id = uint64_t{1} << 63 | (first_row_ + i);
    if (row.launch >= 0) {
      const auto launch = static_cast<uint32_t>(row.launch);
      event_id = EventId(first_launch_ + launch, --flows_[launch]);
    }
    event_.Varint(gpu::kEventId, event_id);
    event_.Int(gpu::kDuration, row.end_ns - row.start_ns);
    event_.Varint(gpu::kContext, ContextIid(row.context));
    event_.Varint(gpu::kGpuId, row.device);
    event_.Varint(gpu::kHwQueueIid, queue.iids[lane]);
    event_.Varint(gpu::kStageIid, static_cast<uint64_t>(row.kind) + 1);
    event_.Varint(gpu::kNameIid, out_.EventIid(row.name));
    if (row.kind == GpuKind::kKernel) {
      event_.Varint(gpu::kKernelIid, out_.StringIid(&kernel_epochs_, interned::kKernels, 1, row.name));
    }
    const bool is_short = row.correlation_id <= UINT32_MAX;
    if (is_short && row.correlation_id != 0) event_.Varint(gpu::kSubmissionId, row.correlation_id);
    const size_t opened = event_.Open(gpu::kLaunch);
    AddLaunchArg(launch_arg::kDevice, row.device);
    AddLaunchArg(launch_arg::kStream, row.stream);
    if (row.bytes != 0) AddLaunchArg(launch_arg::kBytes, row.bytes);
    AddMemoryArg(launch_arg::kFrom, row.from);
    AddMemoryArg(launch_arg::kTo, row.to);
    if (!is_short) AddLaunchArg(launch_arg::kCorrelation, row.correlation_id);
    if (next_kernel < kernels.size() && kernels[next_kernel].row == i) AddKernel(kernels[next_kernel++]);
    event_.Close(opened);
    out_.EmitNextEvent(row.start_ns, packet::kGpuEvent);
  }
}

void GpuPackets::WriteOverheads() {
  overheads_.resize(ProcessCount(recording_.processes));
  for (const GpuOverheadRow& row : recording_.gpu_details.overheads) {
    if (out_.failed()) return;
    RefreshWords();
    auto& [lanes, tracks] = overheads_[row.process];
    const uint32_t lane = lanes.Place(row.start_ns, row.end_ns);
    while (tracks.size() <= lane)
      tracks.push_back(out_.NewTrack(out_.process_track(row.process), "GPU recording overhead"));
    out_.StartEvent(kBegin);
    event_.Varint(event::kTrackUuid, tracks[lane]);
    event_.String(event::kName, OverheadLabel(row.kind));
    event_.Varint(event::kCategoryIids, static_cast<uint32_t>(Category::kOverhead) + 1);
    out_.NoteUint(gpu_note::kOverhead, row.kind);
    out_.NoteProcess(row.process);
    out_.EmitEvent(row.start_ns);
    out_.StartEvent(kEnd);
    event_.Varint(event::kTrackUuid, tracks[lane]);
    out_.EmitEvent(row.end_ns);
  }
}

void GpuPackets::WriteMemory() {
  for (const GpuMemoryRow& row : recording_.gpu_details.memory) {
    if (out_.failed()) return;
    RefreshWords();
    const LiveMemory::Pool pool = LiveMemory::PoolOf(row);
    uint64_t& track = memory_tracks_[pool];
    if (track == 0) {
      track = out_.NewTrack(out_.process_track(), LiveMemory::LabelOf(pool), PacketStream::TrackKind::kBytes);
    }
    out_.StartEvent(kCounterValueType);
    event_.Varint(event::kTrackUuid, track);
    const uint32_t process = ProcessOfContext(recording_.processes, row.context);
    event_.Varint(event::kCounterValue, live_memory_.After(row, process));
    out_.NoteUint(gpu_note::kBytes, row.bytes);
    if (row.address != 0) out_.Note(gpu_note::kAddress, annotation::kPointer, row.address);
    if (row.kind != MemoryKind::kUnknown) out_.NoteString(gpu_note::kKind, MemoryKindName(row.kind));
    if (row.is_release) out_.NoteTrue(gpu_note::kRelease);
    out_.NoteUint(gpu_note::kDevice, row.device);
    if (row.context != 0) out_.NoteUint(gpu_note::kContext, row.context);
    if (row.stream != 0) out_.NoteUint(gpu_note::kStream, row.stream);
    if (row.correlation_id != 0) out_.NoteUint(gpu_note::kCorrelation, row.correlation_id);
    out_.EmitEvent(row.at_ns);
  }
}

}  // namespace opscope::perfetto
