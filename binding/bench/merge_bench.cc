// What building a recording and its op tables costs, as JSON lines. The floor is
// reading as many 32-byte records in the same run: compare ratios, since machines
// differ. Targets: M spans/s on one 2.5 GHz core, at 1e7.
//   merge_bench [largest size, default 1e7]

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/op_table.h"
#include "core/open_span_sweep.h"
#include "core/raw_rows.h"

namespace opscope {
namespace {

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Median of some runs; setup is not timed.
template <typename Setup, typename Work>
double MedianSeconds(size_t count, Setup setup, Work work) {
  const size_t runs = count > 5'000'000 ? 5 : 9;
  std::vector<double> times;
  for (size_t i = 0; i < runs; ++i) {
    auto input = setup();
    const double begin = Seconds();
    work(&input);
    times.push_back(Seconds() - begin);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(runs / 2), times.end());
  return times[runs / 2];
}

struct Random {
  uint64_t state = 88172645463325252u;
  uint64_t Next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  uint64_t Below(uint64_t bound) { return (Next() >> 32) * bound >> 32; }
};

// The shape of a model: an inference runs some 40 ops, each with phases, some
// with a deeper call, in an order that differs a little each time.
void AddSpans(size_t count, RawRows* rows) {
  Random random;
  constexpr uint32_t kOps = 40;
  rows->threads.resize(1);
  rows->names.push_back({"predict", "", Category::kInference, Role::kOp});
  for (const char* phase : {"prepare_data", "infer_shape", "compute"})
    rows->names.push_back({phase, "", Category::kCpuOp, Role::kPhase});
  rows->names.push_back({"gemm", "", Category::kCpuOp, Role::kOp});
  for (uint32_t i = 0; i < kOps; ++i)
    rows->names.push_back({"op" + std::to_string(i), "", Category::kCpuOp, Role::kOp});
  for (Column<uint32_t>* column : {&rows->span_thread, &rows->span_name}) column->Reset(count);
  for (Column<int64_t>* column : {&rows->span_start_ns, &rows->span_end_ns}) column->Reset(count);
  rows->span_flags.Reset(count);
  rows->span_thread.Fill(0);
  rows->span_flags.Fill(0);

  int64_t now = 0;
  size_t size = 0;
  std::vector<size_t> open;
  const auto begin = [&](uint32_t name) {
    if (size == count) return false;
    rows->span_start_ns[size] = now;
    rows->span_name[size] = name;
    open.push_back(size++);
    now += 20 + static_cast<int64_t>(random.Below(50));
    return true;
  };
  const auto end = [&](int64_t busy) {
    now += busy + static_cast<int64_t>(random.Below(static_cast<uint64_t>(busy)));
    rows->span_end_ns[open.back()] = now;
    open.pop_back();
  };
  while (size < count) {
    begin(0);
    for (uint32_t i = 0; i < kOps && size < count; ++i) {
      const auto op = static_cast<uint32_t>(random.Below(16) == 0 ? random.Below(kOps) : i);
      begin(5 + op);
      if (begin(1)) end(200);
      if (random.Below(2) == 0 && begin(2)) end(100);
      if (begin(3)) {
        if (op % 4 == 0 && begin(4)) end(3000);
        end(int64_t{1000} + 100 * op);
      }
      end(40);
    }
    end(500);
  }
}

RawRows CopyOf(const RawRows& rows) {
  RawRows copy;
  copy.threads = rows.threads;
  copy.names = rows.names;
  copy.strings = rows.strings;
  const auto copy_column = [](const auto& from, auto* to) {
    to->Reset(from.size());
    std::copy(from.begin(), from.end(), to->begin());
  };
  copy_column(rows.span_thread, &copy.span_thread);
  copy_column(rows.span_name, &copy.span_name);
  copy_column(rows.span_start_ns, &copy.span_start_ns);
  copy_column(rows.span_end_ns, &copy.span_end_ns);
  copy_column(rows.span_flags, &copy.span_flags);
  return copy;
}

// As tracers write them: when they end, so children ahead of their parents.
RawRows ByEnd(const RawRows& rows) {
  std::vector<uint32_t> order(rows.span_start_ns.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&rows](uint32_t a, uint32_t b) {
    return rows.span_end_ns[a] != rows.span_end_ns[b] ? rows.span_end_ns[a] < rows.span_end_ns[b] : a > b;
  });
  RawRows sorted = CopyOf(rows);
  for (size_t i = 0; i < order.size(); ++i) {
    sorted.span_name[i] = rows.span_name[order[i]];
    sorted.span_start_ns[i] = rows.span_start_ns[order[i]];
    sorted.span_end_ns[i] = rows.span_end_ns[order[i]];
  }
  return sorted;
}

std::shared_ptr<const Recording> Build(RawRows&& rows) {
  std::shared_ptr<const Recording> recording;
  const Status status = BuildRecording(std::move(rows), &recording);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.detail.c_str());
    std::exit(1);
  }
  return recording;
}

// One launch and one kernel in each span of compute and each gemm.
Recording WithLaunches(const Recording& from) {
  Recording recording;
  recording.names = from.names;
  recording.threads = from.threads;
  recording.strings = {"cudaLaunchKernel", "kernel"};
  const auto copy_column = [](const auto& source, auto* to) {
    to->Reset(source.size());
    std::copy(source.begin(), source.end(), to->begin());
  };
  copy_column(from.spans.start_ns, &recording.spans.start_ns);
  copy_column(from.spans.duration_ns, &recording.spans.duration_ns);
  copy_column(from.spans.name, &recording.spans.name);
  copy_column(from.spans.parent, &recording.spans.parent);
  copy_column(from.spans.flags, &recording.spans.flags);
  uint64_t id = 1000;
  for (size_t row = 0; row < from.spans.size(); ++row) {
    const int64_t at = from.spans.start_ns[row] + 10;
    recording.launches.Append({at, at + 5, ++id, 0, 0, kNoParent});
    recording.gpu.Append({at + 100, at + 300, id, 0, 1, 0, 1, 7, -1, kNoParent, GpuKind::kKernel,
                          MemoryKind::kUnknown, MemoryKind::kUnknown});
  }
  return recording;
}

double FloorPerSecond(size_t count) {
  struct Record {
    uint64_t words[4];
  };
  std::vector<Record> records(count);
  for (size_t i = 0; i < count; ++i) records[i] = {{i, i + 1, i + 2, i + 3}};
  volatile uint64_t sink = 0;
  const double seconds = MedianSeconds(
      count, [] { return 0; },
      [&](int*) {
        uint64_t sum = 0;
        for (const Record& record : records)
          sum += record.words[0] + record.words[1] + record.words[2] + record.words[3];
        sink = sink + sum;
      });
  return static_cast<double>(count) / seconds;
}

void Print(const char* name, size_t count, double per_second, double floor, double target) {
  std::printf(
      "{\"name\":\"%s "
      "%.0e\",\"value\":%.1f,\"unit\":\"M/s\",\"floor\":%.1f,\"ratio\":%.3f,\"target\":%.0f,\"met\":%s}\n",
      name, static_cast<double>(count), per_second / 1e6, floor / 1e6, per_second / floor, target,
      per_second / 1e6 >= target ? "true" : "false");
  std::fflush(stdout);
}

void Measure(size_t count) {
  const double floor = FloorPerSecond(count);
  const auto spans = static_cast<double>(count);
  RawRows rows;
  AddSpans(count, &rows);

  double seconds = MedianSeconds(
      count, [&] { return CopyOf(rows); }, [](RawRows* input) { (void)Build(std::move(*input)); });
  Print("BuildRecording, in begin order,", count, spans / seconds, floor, 60);
  {
    const RawRows by_end = ByEnd(rows);
    seconds = MedianSeconds(
        count, [&] { return CopyOf(by_end); }, [](RawRows* input) { (void)Build(std::move(*input)); });
    Print("BuildRecording, in end order,", count, spans / seconds, floor, 10);
  }

  const std::shared_ptr<const Recording> recording = Build(CopyOf(rows));
  double checksum = 0;
  seconds = MedianSeconds(
      count, [] { return 0; },
      [&](int*) { checksum += BuildOpTables(*recording, TimeOf::kAll).merged.p99_ns[0]; });
  Print("BuildOpTables", count, spans / seconds, floor, 60);
  if (checksum == 0) std::exit(1);

  {
    Recording launched = WithLaunches(*recording);
    int64_t sum = 0;
    seconds = MedianSeconds(
        count, [] { return 0; },
        [&](int*) {
          OpenSpanSweep sweep(launched, launched.threads[0]);
          for (LaunchRow& launch : launched.launches) {
            launch.span = sweep.InnermostAt(launch.start_ns);
            sum += launch.span;
          }
        });
    if (sum == 0) std::exit(1);
    Print("launch to innermost span,", count, spans / seconds, floor, 100);
  }
  Recording attributed;
  seconds = MedianSeconds(
      count, [&] { return WithLaunches(*recording); },
      [&](Recording* input) {
        AttributeGpu(input);
        attributed = std::move(*input);
      });
  Print("AttributeGpu, a launch and a kernel a span,", count, spans / seconds, floor, 20);
  seconds = MedianSeconds(
      count, [] { return 0; },
      [&](int*) { checksum += BuildOpTables(attributed, TimeOf::kAll).merged.p99_ns[0]; });
  Print("BuildOpTables with GPU times", count, spans / seconds, floor, 50);
}

}  // namespace
}  // namespace opscope

int main(int argc, char** argv) {
  const double largest = argc > 1 ? std::atof(argv[1]) : 1e7;
  for (const double count : {1e5, 1e6, 1e7}) {
    if (count <= largest) opscope::Measure(static_cast<size_t>(count));
  }
}
