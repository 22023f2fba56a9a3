#include "chrome_gpu.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "gpu_labels.h"
#include "lanes.h"

namespace opscope {
namespace {

// GPU processes start above any pid that Linux gives (pid_max 4194304).
constexpr int64_t kGpuPid = 5'000'000;
constexpr int64_t kGpuSortIndex = 1000;
// A thread's streams have 16 numbers each; the last is for synchronisation.
constexpr uint32_t kLanesOfStream = 16;

struct Stream {
  Lanes lanes;
  std::vector<int64_t> tids;
};

Category CategoryOf(GpuKind kind) noexcept {
  switch (kind) {
    case GpuKind::kKernel:
      return Category::kDevice;
    case GpuKind::kCopy:
    case GpuKind::kFill:
      return Category::kMemcpy;
    case GpuKind::kSync:
      return Category::kSync;
  }
  return Category::kDevice;
}

}  // namespace

void GpuLines::WriteLaunches(uint32_t thread, const std::string& thread_name, int64_t sort_index) {
  Lanes lanes;
  std::vector<int64_t> tids;
  out_.ForThread(recording_.launches, &next_launch_, thread, [&](const LaunchRow& launch) {
    const uint32_t lane = lanes.Place(launch.start_ns, launch.end_ns);
    while (tids.size() <= lane) {
      std::string name = thread_name + " CUDA API";
      if (!tids.empty()) name += " +" + std::to_string(tids.size());
      tids.push_back(out_.NewTid());
      out_.WriteTrack(out_.pid(), tids.back(), name, sort_index);
    }
    launch_tids_[static_cast<size_t>(&launch - recording_.launches.data())] = tids[lane];
    out_.StartLine("X", out_.pid(), tids[lane]);
    out_.AddTime(R"(,"ts":)", launch.start_ns);
    out_.AddTime(R"(,"dur":)", launch.end_ns - launch.start_ns);
    out_.AddNameOfString(launch.name, Category::kRuntimeApi);
    out_.AddUnsigned("correlation", launch.correlation_id);
    line_ += "}}";
    out_.EndLine();
  });
}

void GpuLines::WriteRows() {
  std::map<std::tuple<uint32_t, uint32_t, bool>, Stream> streams;
  std::unordered_map<uint32_t, bool> devices;
  uint64_t flow_id = 0;
  for (const GpuRow& row : recording_.gpu) {
    if (out_.failed()) return;
    const int64_t pid = kGpuPid + row.device;
    if (!devices[row.device]) {
      devices[row.device] = true;
      out_.WriteProcess(pid, "GPU " + std::to_string(row.device), kGpuSortIndex + row.device);
    }
    const bool is_sync = row.kind == GpuKind::kSync;
    Stream& stream = streams[{row.device, row.stream, is_sync}];
    const uint32_t lane = stream.lanes.Place(row.start_ns, row.end_ns);
    while (stream.tids.size() <= lane) {
      const auto index = static_cast<uint32_t>(stream.tids.size());
      int64_t tid = int64_t{row.stream} * kLanesOfStream + (is_sync ? kLanesOfStream - 1 : index);
      // Beyond the numbers of its stream: any that no stream can have.
      if (is_sync ? index > 0 : index >= kLanesOfStream - 1) {
        tid = int64_t{UINT32_MAX} * kLanesOfStream + out_.NewTid();
      }
      stream.tids.push_back(tid);
      std::string name = "stream " + std::to_string(row.stream) + (is_sync ? " sync" : "");
      if (index != 0) name += " +" + std::to_string(index);
      out_.WriteTrack(pid, tid, name, row.stream);
    }
    const int64_t tid = stream.tids[lane];
    out_.StartLine("X", pid, tid);
    out_.AddTime(R"(,"ts":)", row.start_ns);
    out_.AddTime(R"(,"dur":)", row.end_ns - row.start_ns);
    out_.AddNameOfString(row.name, CategoryOf(row.kind));
    out_.AddText("kind", GpuKindName(row.kind));
    out_.AddUnsigned("correlation", row.correlation_id);
    out_.AddUnsigned("device", row.device);
    out_.AddUnsigned("context", row.context);
    out_.AddUnsigned("stream", row.stream);
    if (row.bytes != 0) out_.AddUnsigned("bytes", row.bytes);
    if (row.kind == GpuKind::kCopy) {
      out_.AddText("from", MemoryKindName(row.from));
      out_.AddText("to", MemoryKindName(row.to));
    }
    line_ += "}}";
    out_.EndLine();
    if (row.launch < 0) continue;
    const auto launch_index = static_cast<size_t>(row.launch);
    const LaunchRow& launch = recording_.launches[launch_index];
    ++flow_id;
    out_.StartLine("s", out_.pid(), launch_tids_[launch_index]);
    out_.AddTime(R"(,"ts":)", launch.start_ns);
    line_ += R"(,"name":"launch","cat":"flow","id":)";
    AppendUnsigned(flow_id, &line_);
    line_ += '}';
    out_.EndLine();
    out_.StartLine("f", pid, tid);
    // The two clocks differ by some 100 ns: an arrow must not point backwards.
    out_.AddTime(R"(,"ts":)", std::max(row.start_ns, launch.start_ns));
    line_ += R"(,"bp":"e","name":"launch","cat":"flow","id":)";
    AppendUnsigned(flow_id, &line_);
    line_ += '}';
    out_.EndLine();
  }
}

}  // namespace opscope
