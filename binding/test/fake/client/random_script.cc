#include "random_script.h"

#include <algorithm>
#include <array>
#include <utility>

#include "random.h"

namespace fakegpu {
namespace {

using opscope::GpuKind;
using opscope::MemoryKind;

struct CopyForm {
  const char* words;
  MemoryKind from, to;
};
constexpr CopyForm kCopyForms[] = {
    {"htod pageable device", MemoryKind::kPageable, MemoryKind::kDevice},
    {"htod pinned device", MemoryKind::kPinned, MemoryKind::kDevice},
    {"dtoh device pageable", MemoryKind::kDevice, MemoryKind::kPageable},
    {"dtoh device pinned", MemoryKind::kDevice, MemoryKind::kPinned},
    {"dtod device device", MemoryKind::kDevice, MemoryKind::kDevice},
    {"htoh pageable pinned", MemoryKind::kPageable, MemoryKind::kPinned},
    {"htod managed device-static", MemoryKind::kManaged, MemoryKind::kDevice},
    {"atod array managed-static", MemoryKind::kArray, MemoryKind::kManaged},
    {"htod unknown unknown", MemoryKind::kPageable, MemoryKind::kDevice},  // the direction tells
};

class Writer {
 public:
  explicit Writer(const RandomOptions& options) : options_(options), random_(options.seed) {}

  RandomScript Make() {
    script_.synchronizes = random_.OneIn(2);
    Line("quiet");
    if (random_.OneIn(2)) Line("limit " + std::to_string(random_.Between(1024, 8192)));
    Line(random_.OneIn(2) ? "fullon worker" : "fullon caller");
    // In one of four the ids wrap, early or late, so that the first buffers of a
    // reader may hold any mix of both sides.
    next_id_ = random_.OneIn(4) ? 0xFFFFFFFFu - random_.Below(64) : 1 + random_.Below(1000);
    const int64_t steps = random_.Between(1, 60);
    Kernel();  // work with a lower id than that of any call belongs to the time before
    for (int64_t step = 0; step < steps; ++step) Step();
    Line("limit 0");
    return std::move(script_);
  }

 private:
  void Line(const std::string& text) { script_.text += text + '\n'; }
  ExpectedRecords& expected() { return script_.expected; }

  // Ids count on past 32 bits here and are cut in the script; 0 is never one.
  uint64_t NextId() {
    if (static_cast<uint32_t>(next_id_) == 0) ++next_id_;
    return next_id_++;
  }
  static std::string IdText(uint64_t id) { return std::to_string(static_cast<uint32_t>(id)); }

  void Step() {
    if (random_.OneIn(3)) {
      thread_ = random_.Below(4);
      Line("thread " + std::to_string(thread_));
    }
    if (random_.OneIn(6)) {
      constexpr const char* kDeliveries[] = {"now", "worker", "flush"};
      Line(std::string("deliver ") + kDeliveries[random_.Below(3)]);
    }
    switch (random_.Below(14)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return Kernel();
      case 5:
      case 6:
        return Copy();
      case 7:
        return Fill();
      case 8:
        return Peer();
      case 9:
        return Graph();
      case 10:
        return Sync();
      case 11:
        return Call("cudaMalloc");
      case 12:
        return Orphan();
      default:
        return Loss();
    }
  }

  // A call of `now_`, which moves on; its id in last_id_.
  void Call(const std::string& function, const std::string& op = "") {
    ExpectedCall call;
    call.name = function;
    call.correlation = last_id_ = NextId();
    call.start_ns = now_ns_ + random_.Between(1, 500);
    call.end_ns = call.start_ns + random_.Between(1, 2000);
    call.thread = 5000 + static_cast<int64_t>(thread_);
    call.result = random_.OneIn(10) ? 700 : 0;
    now_ns_ = call.end_ns;
    Line((op.empty() ? "api " + function : op) + " at=+" + std::to_string(call.start_ns) +
         " dur=" + std::to_string(call.end_ns - call.start_ns) + " corr=" + IdText(call.correlation) +
         " tid=" + std::to_string(call.thread) + " result=" + std::to_string(call.result));
    expected().calls.push_back(call);
  }

  // A row of the last call, with odd times now and then; its line's tail.
  std::string Place(ExpectedRow* row, bool may_be_odd) {
    row->correlation = last_id_;
    row->context = 1;
    row->stream = static_cast<uint32_t>(7 + 6 * random_.Below(3));
    row->start_ns = now_ns_ + random_.Between(-300, 5000);  // the GPU's clock may be a little early
    const int64_t duration_ns = random_.Between(0, 20'000);
    row->end_ns = row->start_ns + duration_ns;
    std::string tail = " at=+" + std::to_string(std::max<int64_t>(row->start_ns, 0)) +
                       " dur=" + std::to_string(duration_ns) + " stream=" + std::to_string(row->stream);
    if (row->start_ns < 0) {
      row->start_ns = 0;
      row->end_ns = duration_ns;
    }
    latest_ns_ = std::max(latest_ns_, row->end_ns);
    if (!may_be_odd || !random_.OneIn(8)) return Keep(*row, tail);
    switch (random_.Below(5)) {
      case 0:
        ++expected().zero_time;
        return tail + " zerotime";
      case 1:
        if (duration_ns == 0) return Keep(*row, tail);
        ++expected().negative_time;
        return tail + " negative";
      case 2:
        return KeepUnfinished(row, tail + " incomplete");
      case 3:
        return script_.synchronizes ? Keep(*row, tail + " running") : KeepUnfinished(row, tail + " running");
      default:
        Keep(*row, "");
        return Keep(*row, tail + " twice");
    }
  }
  std::string Keep(const ExpectedRow& row, std::string tail) {
    expected().rows.push_back(row);
    return tail;
  }
  std::string KeepUnfinished(ExpectedRow* row, std::string tail) {
    row->end_ns = row->start_ns - 1;
    ++expected().unfinished;
    return Keep(*row, std::move(tail));
  }

  void Kernel() {
    constexpr const char* kLaunches[] = {"cudaLaunchKernel", "cudaLaunchKernelExC", "__cudaLaunchKernel",
                                         "cudaLaunchCooperativeKernel"};
    const bool is_late = random_.OneIn(12);
    if (random_.OneIn(10)) Line("reorder");
    if (is_late) Line("lateapi");
    Call(kLaunches[random_.Below(4)]);
    ExpectedRow row;
    row.kernel = "kernel" + std::to_string(random_.Below(20));
    Line("kernel " + row.kernel + Place(&row, true));
  }

  void Copy() {
    const CopyForm& form = kCopyForms[random_.Below(std::size(kCopyForms))];
    const bool is_async = random_.OneIn(2);
    Call(is_async ? "cudaMemcpyAsync" : "cudaMemcpy");
    ExpectedRow row;
    row.kind = GpuKind::kCopy;
    row.bytes = random_.Below(1u << 30);
    row.from = form.from;
    row.to = form.to;
    Line(std::string("memcpy ") + form.words + " bytes=" + std::to_string(row.bytes) +
         (is_async ? " async" : "") + Place(&row, true));
  }

  void Peer() {
    Call("cudaMemcpyAsync");
    ExpectedRow row;
    row.kind = GpuKind::kCopy;
    row.bytes = random_.Below(1u << 30);
    row.from = MemoryKind::kDevice;
    row.to = MemoryKind::kPeer;
    Line("peer 0 1 bytes=" + std::to_string(row.bytes) + " async" + Place(&row, true));
  }

  void Fill() {
    Call(random_.OneIn(2) ? "cudaMemset" : "cudaMemsetAsync");
    ExpectedRow row;
    row.kind = GpuKind::kFill;
    row.bytes = random_.Below(1u << 20);
    row.to = MemoryKind::kDevice;
    Line("memset bytes=" + std::to_string(row.bytes) + Place(&row, true));
  }

  void Graph() {
    const uint64_t graph = 1 + random_.Below(5);
    Call("cudaGraphLaunch", "graphlaunch graph=" + std::to_string(graph));
    const int64_t nodes = random_.Between(1, 12);
    ExpectedRow whole;
    for (int64_t node = 1; node <= nodes; ++node) {
      ExpectedRow row;
      row.kernel = "node" + std::to_string(node);
      row.graph_node = (graph << 32) | static_cast<uint64_t>(node);
      const size_t kept = expected().rows.size();
      Line("kernel " + row.kernel + " graph=" + std::to_string(graph) +
           " node=" + std::to_string(row.graph_node) + Place(&row, false));
      expected().rows[kept] = row;
      if (!options_.has_graph_traces) continue;
      expected().rows.pop_back();
      if (node == 1) whole = row;
      whole.start_ns = std::min(whole.start_ns, row.start_ns);
      whole.end_ns = std::max(whole.end_ns, row.end_ns);
    }
    Line("graphend");
    if (!options_.has_graph_traces) return;
    whole.kernel = "CUDA graph " + std::to_string(graph);
    whole.graph_node = 0;
    Keep(whole, "");
  }

  void Sync() {
    const bool is_stream = random_.OneIn(2);
    now_ns_ = std::max(now_ns_, latest_ns_);
    Call(is_stream ? "cudaStreamSynchronize" : "cudaDeviceSynchronize",
         is_stream ? "sync stream stream=13" : "sync device");
    const ExpectedCall& call = expected().calls.back();
    ExpectedRow row;
    row.kind = GpuKind::kSync;
    row.correlation = call.correlation;
    row.start_ns = call.start_ns;
    row.end_ns = call.end_ns;
    row.context = 1;
    row.stream = is_stream ? 13 : 0;
    Keep(row, "");
  }

  // Work of a call that was never seen: its id comes after all others.
  void Orphan() {
    ExpectedRow row;
    row.kernel = "orphan";
    const std::string tail = Place(&row, false);
    expected().rows.back().correlation = NextId();
    Line("kernel orphan corr=" + IdText(expected().rows.back().correlation) + tail);
    ++expected().orphans;
  }

  void Loss() {
    const uint64_t count = 1 + random_.Below(100);
    switch (random_.Below(4)) {
      case 0:
        Line("drop " + std::to_string(count));
        expected().dropped += count;
        return;
      case 1: {  // a buffer of its own, of which nothing can be read
        const uint64_t bytes = 8 * (1 + random_.Below(32));
        Line("complete");
        Line("unknown 200 " + std::to_string(bytes));
        Line("complete worker");
        expected().lost_bytes += bytes;
        ++expected().unknown;
        return;
      }
      case 2:  // a buffer of its own, cut inside its only record
        Line("complete");
        Call("cudaMalloc");
        expected().calls.pop_back();
        Line("truncate 8");
        Line("complete");
        expected().lost_bytes += options_.record_bytes - 8;
        ++expected().truncated;
        return;
      default:
        Line("complete");
        Line("garbage 24");
        expected().lost_bytes += 24;
        ++expected().unknown;
        return;
    }
  }

  const RandomOptions options_;
  Random random_;
  RandomScript script_;
  uint64_t thread_ = 0;
  int64_t now_ns_ = 1000, latest_ns_ = 0;
  uint64_t next_id_ = 1, last_id_ = 0;
};

}  // namespace

RandomScript MakeRandomScript(const RandomOptions& options) { return Writer(options).Make(); }

}  // namespace fakegpu
