#include "xplane_device.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "../core/occupancy.h"
#include "gpu_fields.h"
#include "gpu_labels.h"
#include "xplane_names.h"

namespace opscope::xplane {
namespace {

// What the readers call copies, by direction: they tell copies from kernels by the beginning of the name.
enum CopyKind : uint8_t { kHostToDevice, kDeviceToHost, kDeviceToDevice, kPeerToPeer, kOtherCopy };
constexpr std::array<const char*, 5> kCopyEvents = {"MemcpyHtoD", "MemcpyDtoH", "MemcpyDtoD", "MemcpyPtoP",
                                                    "Memcpy"};
constexpr std::array<const char*, 5> kCopyTypes = {"MemcpyH2D", "MemcpyD2H", "MemcpyD2D", "MemcpyP2P",
                                                   "MemcpyOther"};

CopyKind CopyKindOf(const GpuRow& row) noexcept {
  if (row.from == MemoryKind::kPeer || row.to == MemoryKind::kPeer) return kPeerToPeer;
  if (row.from == MemoryKind::kUnknown || row.to == MemoryKind::kUnknown) return kOtherCopy;
  const bool from_host = IsHostMemory(row.from), to_host = IsHostMemory(row.to);
  if (from_host == to_host) return from_host ? kOtherCopy : kDeviceToDevice;
  return from_host ? kHostToDevice : kDeviceToHost;
}

// The readers know no other device's memory.
const char* ReadersMemoryKind(MemoryKind kind) noexcept {
  return MemoryKindName(kind == MemoryKind::kPeer ? MemoryKind::kDevice : kind);
}

// Above all streams of CUDA's and the readers' own pseudo streams, 0x10000000 and up; below 0x80000000, from
// where some take a number for a negative one.
constexpr int64_t kFirstMadeUpLine = 0x40000000;
constexpr int64_t kLastStream = 0x0fffffff;

// A path of an op beyond this loses its beginning.
constexpr size_t kMaxPathBytes = 1024;

std::string Sides(uint32_t x, uint32_t y, uint32_t z) {
  return std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z);
}

}  // namespace

// Phases and the copies that launches stand for.
bool OpOfKernels::IsPart(int32_t row) const noexcept {
  const Role role = recording_.names[recording_.spans.name[static_cast<size_t>(row)]].role;
  return role == Role::kPhase || role == Role::kCopy;
}

uint32_t OpOfKernels::PathOf(int32_t row) {
  if (row == last_row_) return last_path_;
  last_row_ = row;
  while (IsPart(row)) {
    const int32_t parent = recording_.spans.parent[static_cast<size_t>(row)];
    if (parent < 0) break;
    row = parent;
  }
  last_path_ = paths_.PathOf(row);
  rows_.try_emplace(last_path_, row);
  return last_path_;
}

const std::string& OpOfKernels::TextOf(uint32_t path) {
  const int32_t op = rows_.at(path);
  std::vector<std::string> segments;
  size_t size = 0;
  for (int32_t row = op; row >= 0; row = recording_.spans.parent[static_cast<size_t>(row)]) {
    const NameEntry& name = recording_.names[recording_.spans.name[static_cast<size_t>(row)]];
    std::string segment;
    AppendOpSegment(name.instance.empty() ? name.text : name.instance, &segment);
    size += segment.size() + 1;
    if (size > kMaxPathBytes && row != op) break;
    segments.push_back(std::move(segment));
  }
  text_.clear();
  for (size_t i = segments.size(); i-- > 0;) text_.append(segments[i]).append(i == 0 ? ":" : "/");
  text_ += OpType(recording_.names[recording_.spans.name[static_cast<size_t>(op)]].text);
  return text_;
}

DevicePlane::DevicePlane(const Recording& recording, const Devices& devices, size_t index, OpOfKernels* ops)
    : Plane(kDevicePlane + std::to_string(index), static_cast<int64_t>(index)),
      recording_(recording),
      device_(devices.details(index)),
      device_id_(devices.id(index)),
      ops_(*ops) {}

void DevicePlane::AddRow(uint32_t index) {
  const GpuRow& row = recording_.gpu[index];
  const bool is_sync = row.kind == GpuKind::kSync;
  Stream& stream = streams_[{row.context, row.stream, is_sync}];
  stream.number = row.stream;
  stream.is_sync = is_sync;
  // Nothing of no length before something longer at the same time: the longer one has to come first.
  const uint32_t lane = stream.lanes.Place(row.start_ns, std::max(row.end_ns, row.start_ns + 1));
  if (lane == stream.rows.size()) stream.rows.emplace_back();
  stream.rows[lane].push_back(index);
}

void DevicePlane::Lay() {
  std::unordered_set<int64_t> used;
  int64_t made_up = kFirstMadeUpLine;
  for (const auto& [key, stream] : streams_) {
    for (size_t lane = 0; lane < stream.rows.size(); ++lane) {
      // A line has the number of its stream, the first one to come: contexts number theirs alike.
      const bool has_number = lane == 0 && !stream.is_sync && stream.number <= kLastStream;
      const bool is_first = has_number && used.insert(stream.number).second;
      lines.push_back({is_first ? int64_t{stream.number} : made_up++, LineName(stream, stream.rows[lane])});
      rows_.push_back(&stream.rows[lane]);
    }
  }
}

std::string DevicePlane::LineName(const Stream& stream, const std::vector<uint32_t>& rows) const {
  const std::string number = "Stream #" + std::to_string(stream.number);
  if (stream.is_sync) return number + " waits";
  bool has_kernel = false, has_fill = false, has_graph = false;
  std::array<bool, kCopyTypes.size()> has_copy{};
  for (const uint32_t index : rows) {
    const GpuRow& row = recording_.gpu[index];
    if (row.kind == GpuKind::kKernel && !has_graph) {
      const KernelRow* kernel = KernelOf(index);
      has_graph = kernel != nullptr && kernel->graph_id != 0;
    }
    has_kernel |= row.kind == GpuKind::kKernel;
    has_fill |= row.kind == GpuKind::kFill;
    if (row.kind == GpuKind::kCopy) has_copy[CopyKindOf(row)] = true;
  }
  std::string types;
  const auto add = [&types](bool has, const char* type) {
    if (has) types.append(types.empty() ? "" : ",").append(type);
  };
  add(has_kernel, "Compute");
  for (size_t kind = 0; kind < has_copy.size(); ++kind) add(has_copy[kind], kCopyTypes[kind]);
  add(has_fill, "Memset");
  add(has_graph, "CudaGraph");
  return number + "(" + types + ")";
}

void DevicePlane::Clear() {
  Plane::Clear();
  events_ = IdMap();
  op_refs_.clear();
}

void DevicePlane::WriteEvents(size_t line, EventWriter* out) {
  for (const uint32_t index : *rows_[line]) {
    if (out->Keeps(EndForAge(recording_, recording_.gpu[index]))) WriteRow(index, out);
  }
}

void DevicePlane::WriteRow(uint32_t index, EventWriter* out) {
  const GpuRow& row = recording_.gpu[index];
  out->Start(EventOf(row), row.start_ns, row.end_ns);
  if (row.kind == GpuKind::kSync) {
    // Without a launch in the readers' sense: they would count it as computing.
    out->Uint(Stat(StatName::kCorrelation), row.correlation_id);
  } else {
    out->Uint(Stat(StatName::kCorrelationId), CorrelationOf(row, index));
  }
  const char* async = row.from == MemoryKind::kPageable || row.to == MemoryKind::kPageable ? "0" : "1";
  const std::string size = std::to_string(row.bytes);
  switch (row.kind) {
    case GpuKind::kKernel:
      AddKernel(index, out);
      break;
    case GpuKind::kCopy:
      // Copies that touch pageable memory are staged, and their call waits for them.
      out->Ref(Stat(StatName::kMemcpyDetails),
               Ref(std::string("kind_src:") + ReadersMemoryKind(row.from) +
                   " kind_dst:" + ReadersMemoryKind(row.to) + " size:" + size + " dest:0 async:" + async));
      if (row.from == MemoryKind::kPeer) out->Ref(Stat(StatName::kFrom), Ref(MemoryKindName(row.from)));
      break;
    case GpuKind::kFill:
      out->Ref(Stat(StatName::kMemsetDetails),
               Ref(std::string("kind:") + ReadersMemoryKind(row.to) + " num_bytes:" + size + " async:1"));
      break;
    case GpuKind::kSync:
      break;
  }
  out->Ref(Stat(StatName::kContextId), Ref(std::string("$$").append(std::to_string(row.context))));
  if (row.to == MemoryKind::kPeer && (row.kind == GpuKind::kCopy || row.kind == GpuKind::kFill))
    out->Ref(Stat(StatName::kTo), Ref(MemoryKindName(row.to)));
  if (row.kind != GpuKind::kKernel) out->Ref(Stat(StatName::kKind), Ref(GpuKindName(row.kind)));
  if (row.correlation_id == 0 && row.kind != GpuKind::kSync) out->Int(Stat(StatName::kMadeUp), 1);
  out->Finish();
}

void DevicePlane::AddKernel(uint32_t index, EventWriter* out) {
  const KernelRow* found = KernelOf(index);
  const KernelRow kernel = found == nullptr ? KernelRow{} : *found;
  const double ratio =
      found == nullptr || device_ == nullptr ? 0 : TheoreticalOccupancy(kernel, *device_).ratio;
  const double percent = std::round(ratio * 1e4) / 100;
  out->Ref(Stat(StatName::kKernelDetails),
           Ref("regs:" + std::to_string(kernel.registers_per_thread) +
               " static_shared:" + std::to_string(kernel.static_shared_bytes) +
               " dynamic_shared:" + std::to_string(kernel.dynamic_shared_bytes) +
               " grid:" + Sides(kernel.grid_x, kernel.grid_y, kernel.grid_z) +
               " block:" + Sides(kernel.block_x, kernel.block_y, kernel.block_z) +
               " occ_pct:" + std::to_string(static_cast<int>(std::lround(percent)))));
  const int32_t span = recording_.gpu[index].span;
  if (span >= 0) AddOp(span, out);
  if (percent > 0) out->Double(Stat(StatName::kOccupancyPct), percent);
  if (kernel.graph_id != 0) out->Uint(Stat(StatName::kCudaGraphId), kernel.graph_id);
  if (kernel.graph_node_id != 0) out->Uint(Stat(StatName::kCudaGraphNodeId), kernel.graph_node_id);
}

void DevicePlane::AddOp(int32_t span, EventWriter* out) {
  const uint32_t path = ops_.PathOf(span);
  uint32_t& ref = op_refs_[path];
  if (ref == 0) ref = Ref(ops_.TextOf(path));
  out->Ref(Stat(StatName::kTfOp), ref);
}

const KernelRow* DevicePlane::KernelOf(uint32_t index) const noexcept {
  const Column<KernelRow>& kernels = recording_.gpu_details.kernels;
  const KernelRow* found =
      std::lower_bound(kernels.begin(), kernels.end(), index,
                       [](const KernelRow& row, uint32_t wanted) { return row.row < wanted; });
  return found != kernels.end() && found->row == index ? found : nullptr;
}

uint32_t DevicePlane::EventOf(const GpuRow& row) {
  const bool is_copy = row.kind == GpuKind::kCopy;
  const uint64_t copy = is_copy ? 1 + uint64_t{CopyKindOf(row)} : 0;
  const uint64_t key = copy << 32 | row.name;
  const uint32_t known = events_.Find(key);
  if (known != IdMap::kAbsent) return known;
  const std::string& name = recording_.strings[row.name];
  const std::string text = name.empty() ? GpuKindName(row.kind) : name;
  return events_.FindOrInsert(key, tables.events.Add(is_copy ? kCopyEvents[copy - 1] : text, text));
}

// Numbers for the readers' table of what ran where, and their roofline.
void DevicePlane::WriteStats(wire::Writer* out) {
  const auto add = [&](StatName name, uint64_t value) {
    if (value != 0) PutUint(out, plane::kStats, Stat(name), value);
  };
  PutString(out, plane::kStats, Stat(StatName::kDeviceVendor), "Nvidia");
  if (device_ != nullptr) {
    if (!device_->name.empty()) PutString(out, plane::kStats, Stat(StatName::kGpuDeviceName), device_->name);
    add(StatName::kClockRate, device_->core_clock_khz);
    add(StatName::kCoreCount, device_->multiprocessors);
    add(StatName::kMemoryBandwidth, device_->memory_bandwidth_kb_per_s * 1000);
    add(StatName::kMemorySize, device_->memory_bytes);
    if (device_->compute_major != 0) {
      PutUint(out, plane::kStats, Stat(StatName::kComputeCapMajor), device_->compute_major);
      PutUint(out, plane::kStats, Stat(StatName::kComputeCapMinor), device_->compute_minor);
    }
  }
  PutUint(out, plane::kStats, Stat(StatName::kDeviceOrdinal), device_id_);
  if (device_ == nullptr) return;
  if (!device_->uuid.empty()) PutString(out, plane::kStats, Stat(StatName::kDeviceUuid), device_->uuid);
  if (device_->is_mig) PutUint(out, plane::kStats, Stat(StatName::kIsMig), 1);
  for (const DeviceCount& count : kDeviceCounts) {
    if (device_->*count.field != 0)
      PutUint(out, plane::kStats, Ref(std::string("opscope.").append(count.name)), device_->*count.field);
  }
}

}  // namespace opscope::xplane
