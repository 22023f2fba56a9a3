#include "chrome_gpu.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "../core/processes.h"
#include "span_rows.h"

namespace opscope {
namespace {

// GPU processes start above any pid that Linux gives (pid_max 4194304).
constexpr int64_t kGpuPid = 5'000'000;
constexpr int64_t kGpuSortIndex = 1000;
// Below all threads.
constexpr int64_t kOverheadSortIndex = 1'000'000;
// A thread's streams have 16 numbers each; the last is for synchronisation.
constexpr uint32_t kLanesOfStream = 16;
// A row comes seconds after its call at most; these are some seconds of the busiest programs, in 4 MB.
constexpr size_t kEarlierLaunches = 1u << 16;

}  // namespace

void GpuLines::Start() {
  labels_ = GpuLabels(recording_);
  launches_.resize(recording_.launches.size());
  next_launch_ = 0;
}

void GpuLines::Forward() {
  for (size_t i = 0; i < launches_.size(); ++i) {
    const uint64_t id = recording_.launches[i].correlation_id;
    if (earlier_.insert_or_assign(id, launches_[i]).second) earlier_ids_.push_back(id);
  }
  for (; earlier_ids_.size() > kEarlierLaunches; earlier_ids_.pop_front())
    earlier_.erase(earlier_ids_.front());
}

int64_t GpuLines::LaneOf(Stream* stream, int64_t start_ns, int64_t end_ns, const Place& place) {
  const uint32_t lane = stream->lanes.Place(start_ns, end_ns);
  while (stream->tids.size() <= lane) {
    std::string name = place.name;
    if (!stream->tids.empty()) name += " +" + std::to_string(stream->tids.size());
    stream->tids.push_back(out_.NewTid());
    out_.WriteTrack(place.pid, stream->tids.back(), name, place.sort_index, place.thread);
  }
  return stream->tids[lane];
}

void GpuLines::WriteLaunches(uint32_t thread, int64_t thread_tid) {
  const ThreadEntry& entry = recording_.threads[thread];
  const int64_t pid = out_.pid(entry.process);
  const Place place{ThreadLabel(recording_, thread) + " CUDA API", pid, JsonLines::SortIndexOf(entry, thread),
                    thread_tid};
  out_.ForThread(recording_.launches, &next_launch_, thread, [&](const LaunchRow& launch) {
    const int64_t tid = LaneOf(&threads_[thread], launch.start_ns, launch.end_ns, place);
    launches_[static_cast<size_t>(&launch - recording_.launches.data())] = {launch.start_ns, pid, tid};
    out_.StartLine("X", pid, tid);
    out_.AddTime(R"(,"ts":)", launch.start_ns);
    out_.AddTime(R"(,"dur":)", launch.end_ns - launch.start_ns);
    out_.AddNameOfString(launch.name, Category::kRuntimeApi);
    out_.AddUnsigned("correlation", launch.correlation_id);
    line_ += "}}";
    out_.EndLine();
  });
}

void GpuLines::Write() {
  WriteRows();
  WriteMemory();
  WriteOverheads();
}

void GpuLines::WriteRows() {
  const Column<KernelRow>& kernels = recording_.gpu_details.kernels;
  size_t next_kernel = 0;
  for (uint32_t i = 0; i < recording_.gpu.size() && !out_.failed(); ++i) {
    const GpuRow& row = recording_.gpu[i];
    const bool has_kernel = next_kernel < kernels.size() && kernels[next_kernel].row == i;
    const int64_t pid = ProcessOf(row.device), tid = TrackOf(row, pid);
    WriteRow(row, pid, tid, has_kernel ? &kernels[next_kernel++] : nullptr);
    WriteFlow(row, pid, tid);
  }
}

int64_t GpuLines::ProcessOf(uint32_t device) {
  const int64_t pid = kGpuPid + device;
  if (named_devices_.insert(device).second) {
    out_.WriteProcess(pid, labels_.OfDevice(device), kGpuSortIndex + device);
  }
  return pid;
}

int64_t GpuLines::TrackOf(const GpuRow& row, int64_t pid) {
  const bool is_sync = row.kind == GpuKind::kSync;
  const uint32_t process = ProcessOfContext(recording_.processes, row.context);
  Stream& stream = streams_[{row.device, process, row.stream, is_sync}];
  // Of several processes on one GPU, the first to be seen has the plain numbers.
  const bool is_guest = process != hosts_.try_emplace(row.device, process).first->second;
  const uint32_t lane = stream.lanes.Place(row.start_ns, row.end_ns);
  while (stream.tids.size() <= lane) {
    const auto index = static_cast<uint32_t>(stream.tids.size());
    int64_t tid = int64_t{row.stream} * kLanesOfStream + (is_sync ? kLanesOfStream - 1 : index);
    // Beyond the numbers of its stream: any that no stream can have.
    if (is_guest || (is_sync ? index > 0 : index >= kLanesOfStream - 1)) {
      tid = int64_t{UINT32_MAX} * kLanesOfStream + out_.NewTid();
    }
    stream.tids.push_back(tid);
    std::string name = labels_.OfStream(row.context, row.stream) + (is_sync ? " sync" : "");
    if (index != 0) name += " +" + std::to_string(index);
    if (recording_.processes.size() > 1) name += " · " + out_.processes()[process].name;
    out_.WriteTrack(pid, tid, name, row.stream);
  }
  return stream.tids[lane];
}

void GpuLines::WriteRow(const GpuRow& row, int64_t pid, int64_t tid, const KernelRow* kernel) {
  const int64_t duration_ns = row.end_ns - row.start_ns;
  out_.StartLine("X", pid, tid);
  out_.AddTime(R"(,"ts":)", row.start_ns);
  out_.AddTime(R"(,"dur":)", duration_ns);
  out_.AddNameOfString(row.name, CategoryOf(row.kind));
  out_.AddText("kind", GpuKindName(row.kind));
  out_.AddUnsigned("correlation", row.correlation_id);
  out_.AddUnsigned("device", row.device);
  out_.AddUnsigned("context", row.context);
  out_.AddUnsigned("stream", row.stream);
  if (row.bytes != 0) out_.AddUnsigned("bytes", row.bytes);
  if (row.bytes != 0 && duration_ns > 0) {
    out_.Key("gb_per_s");
    AppendDouble(std::round(static_cast<double>(row.bytes) / static_cast<double>(duration_ns) * 100) / 100,
                 &line_);
  }
  const bool is_copy = row.kind == GpuKind::kCopy;
  if (is_copy || row.from != MemoryKind::kUnknown) out_.AddText("from", MemoryKindName(row.from));
  if (is_copy || row.to != MemoryKind::kUnknown) out_.AddText("to", MemoryKindName(row.to));
  if (kernel != nullptr) AddKernel(*kernel);
  line_ += "}}";
  out_.EndLine();
}

void GpuLines::AddKernel(const KernelRow& kernel) {
  AddSides("grid", kernel.grid_x, kernel.grid_y, kernel.grid_z);
  AddSides("block", kernel.block_x, kernel.block_y, kernel.block_z);
  const std::pair<const char*, uint64_t> args[] = {
      {"registers_per_thread", kernel.registers_per_thread},
      {"static_shared_bytes", kernel.static_shared_bytes},
      {"dynamic_shared_bytes", kernel.dynamic_shared_bytes},
      {"executed_shared_bytes", kernel.executed_shared_bytes},
      {"local_bytes_per_thread", kernel.local_bytes_per_thread},
      {"graph", kernel.graph_id},
      {"graph_node", kernel.graph_node_id},
      {"queued_ns", kernel.queued_ns},
      {"submitted_ns", kernel.submitted_ns},
  };
  for (const auto& [key, value] : args) {
    if (value != 0) out_.AddUnsigned(key, value);
  }
}

void GpuLines::AddSides(std::string_view key, uint32_t x, uint32_t y, uint32_t z) {
  out_.Key(key);
  line_ += '[';
  AppendUnsigned(x, &line_);
  line_ += ',';
  AppendUnsigned(y, &line_);
  line_ += ',';
  AppendUnsigned(z, &line_);
  line_ += ']';
}

const GpuLines::Launch* GpuLines::LaunchOf(const GpuRow& row) const {
  if (row.launch >= 0) return &launches_[static_cast<size_t>(row.launch)];
  const auto found = earlier_.find(row.correlation_id);
  return found == earlier_.end() ? nullptr : &found->second;
}

void GpuLines::WriteFlow(const GpuRow& row, int64_t pid, int64_t tid) {
  const Launch* launch = LaunchOf(row);
  if (launch == nullptr) return;
  const uint64_t flow_id = ++flow_id_;
  out_.StartLine("s", launch->pid, launch->tid);
  out_.AddTime(R"(,"ts":)", launch->start_ns);
  line_ += R"(,"name":"launch","cat":"flow","id":)";
  AppendUnsigned(flow_id, &line_);
  line_ += '}';
  out_.EndLine();
  out_.StartLine("f", pid, tid);
  // The two clocks differ by some 100 ns: an arrow must not point backwards.
  out_.AddTime(R"(,"ts":)", std::max(row.start_ns, launch->start_ns));
  line_ += R"(,"bp":"e","name":"launch","cat":"flow","id":)";
  AppendUnsigned(flow_id, &line_);
  line_ += '}';
  out_.EndLine();
}

// Each arg of a counter is a series of its own, so what the counter was made of
// is told beside the args, where viewers do not look.
void GpuLines::WriteMemory() {
  for (const GpuMemoryRow& row : recording_.gpu_details.memory) {
    if (out_.failed()) return;
    out_.StartLine("C", ProcessOf(row.device), 0);
    out_.AddTime(R"(,"ts":)", row.at_ns);
    out_.AddText("name", LiveMemory::LabelOf(LiveMemory::PoolOf(row)));
    line_ += R"(,"args":{)";
    out_.AddUnsigned("bytes", memory_.After(row, ProcessOfContext(recording_.processes, row.context)));
    line_ += R"(},"allocation":{)";
    out_.AddUnsigned("bytes", row.bytes);
    out_.AddUnsigned("address", row.address);
    out_.AddUnsigned("device", row.device);
    out_.AddUnsigned("context", row.context);
    out_.AddUnsigned("stream", row.stream);
    out_.AddText("kind", MemoryKindName(row.kind));
    if (row.correlation_id != 0) out_.AddUnsigned("correlation", row.correlation_id);
    if (row.is_release) out_.AddTrue("release");
    line_ += "}}";
    out_.EndLine();
  }
}

void GpuLines::WriteOverheads() {
  for (const GpuOverheadRow& row : recording_.gpu_details.overheads) {
    if (out_.failed()) return;
    const int64_t pid = out_.pid(row.process);
    const int64_t tid = LaneOf(&overheads_[row.process], row.start_ns, row.end_ns,
                               {"GPU recording overhead", pid, kOverheadSortIndex, 0});
    out_.StartLine("X", pid, tid);
    out_.AddTime(R"(,"ts":)", row.start_ns);
    out_.AddTime(R"(,"dur":)", row.end_ns - row.start_ns);
    out_.AddText("name", OverheadLabel(row.kind));
    out_.AddText("cat", CategoryName(Category::kOverhead));
    line_ += R"(,"args":{)";
    out_.AddUnsigned("overhead", row.kind);
    if (row.process != 0) out_.AddUnsigned("process", row.process);
    line_ += "}}";
    out_.EndLine();
  }
}

}  // namespace opscope
