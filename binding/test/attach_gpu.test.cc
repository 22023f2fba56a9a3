#include <string>
#include <vector>

#include "core/gpu_attach.h"
#include "core/raw_rows.h"
#include "doctest.h"
#include "raw_rows_builder.h"

namespace {

using namespace opscope;
using opscope::test::RowsBuilder;

constexpr int64_t kOrigin = 1'000'000;  // CLOCK_MONOTONIC at session start

// One thread, OS id 100, with these spans; the session lasts 1,000 ns.
struct HostSpan {
  const char* name;
  int64_t start, end;
};
Recording Host(const std::vector<HostSpan>& spans) {
  RowsBuilder builder;
  builder.Thread("main");
  builder.rows.threads[0].os_thread_id = 100;
  for (const HostSpan& span : spans) builder.Span(0, span.name, span.start, span.end);
  builder.rows.duration_ns = 1000;
  builder.rows.origin_clock_ns = kOrigin;
  std::shared_ptr<const Recording> built;
  REQUIRE(BuildRecording(std::move(builder.rows), &built).ok());
  return std::move(*std::const_pointer_cast<Recording>(built));
}

struct Records : GpuRecords {
  uint32_t Text(const std::string& text) {
    strings.push_back(text);
    return static_cast<uint32_t>(strings.size() - 1);
  }
  void Call(int64_t start, int64_t end, uint64_t id, const char* name = "cudaLaunchKernel",
            int64_t thread = 100) {
    calls.Append({kOrigin + start, kOrigin + end, id, thread, Text(name), 0});
  }
  void Kernel(int64_t start, int64_t end, uint64_t id, uint16_t registers = 0) {
    GpuRow row{};
    row.start_ns = kOrigin + start;
    row.end_ns = kOrigin + end;
    row.correlation_id = id;
    row.name = Text("gemm");
    row.kind = GpuKind::kKernel;
    KernelRow kernel{};
    kernel.row = static_cast<uint32_t>(rows.size());
    kernel.registers_per_thread = registers;
    rows.Append(row);
    kernels.Append(kernel);
  }
  void Range(const char* name, int64_t start, int64_t end, int64_t thread = 100) {
    ranges.Append({kOrigin + start, kOrigin + end, thread, Text(name)});
  }
  void Allocation(int64_t at, uint64_t id) {
    GpuMemoryRow row{};
    row.at_ns = kOrigin + at;
    row.correlation_id = id;
    row.bytes = 64;
    memory.Append(row);
  }
};

// "op 0..100 > gemm 10..20 gpu 5", a line a row, in row order.
std::string Tree(const Recording& r) {
  std::string text;
  for (uint32_t row = 0; row < r.spans.size(); ++row) {
    std::string path;
    for (int32_t at = static_cast<int32_t>(row); at != kNoParent;
         at = r.spans.parent[static_cast<size_t>(at)])
      path = r.names[r.spans.name[static_cast<size_t>(at)]].text + (path.empty() ? "" : " > " + path);
    text += path + " " + std::to_string(r.spans.start_ns[row]) + ".." +
            std::to_string(r.spans.start_ns[row] + r.spans.duration_ns[row]);
    if (!r.spans.gpu_ns.empty()) text += " gpu " + std::to_string(r.spans.gpu_ns[row]);
    if ((r.spans.flags[row] & kAsync) != 0) text += " async";
    text += "\n";
  }
  return text;
}
std::string Tree(const std::vector<HostSpan>& spans, Records records) {
  Recording recording = Host(spans);
  AttachGpu(std::move(records), &recording);
  return Tree(recording);
}

}  // namespace

TEST_CASE("gpu rows: a launch gives its kernel to the span around it, whichever order they come in") {
  Records records;
  records.Kernel(300, 340, 2);
  records.Kernel(120, 150, 1);
  records.Call(110, 115, 2);
  records.Call(20, 25, 1);
  CHECK(Tree({{"a", 0, 50}, {"b", 100, 200}}, std::move(records)) == "a 0..50 gpu 30\nb 100..200 gpu 40\n");
}

TEST_CASE("gpu rows: what a kernel row tells follows it when rows are put in order") {
  Records records;
  records.Kernel(300, 340, 2, 32);
  records.Kernel(120, 150, 1, 64);
  Recording recording = Host({});
  AttachGpu(std::move(records), &recording);
  REQUIRE(recording.gpu_details.kernels.size() == 2);
  CHECK(recording.gpu[0].start_ns == 120);
  CHECK(recording.gpu_details.kernels[0].row == 0);
  CHECK(recording.gpu_details.kernels[0].registers_per_thread == 64);
  CHECK(recording.gpu_details.kernels[1].registers_per_thread == 32);
}

TEST_CASE("gpu rows: work launched before the window is left out, work without a call is an orphan") {
  Records records;
  records.Call(-20, -10, 1);
  records.Kernel(5, 10, 1);
  records.Kernel(20, 30, 77);
  Recording recording = Host({{"a", 0, 50}});
  AttachGpu(std::move(records), &recording);
  REQUIRE(recording.gpu.size() == 1);
  CHECK(recording.gpu[0].start_ns == 20);
  CHECK(recording.gpu[0].span == kNoParent);
}

TEST_CASE("gpu rows: work launched in a pause is left out, work that runs in one is kept") {
  Records records;
  records.Call(10, 20, 1);
  records.Call(120, 130, 2);
  records.Call(200, 210, 3);
  records.Kernel(150, 160, 1);
  records.Kernel(220, 230, 2);
  records.Kernel(230, 240, 3);
  records.Range("paused", 130, 140);
  Recording recording = Host({{"a", 0, 500}});
  recording.pauses = {{100, 200}, {600, 700}};
  AttachGpu(std::move(records), &recording);
  REQUIRE(recording.gpu.size() == 2);
  CHECK(recording.gpu[0].correlation_id == 1);
  CHECK(recording.gpu[1].correlation_id == 3);
  CHECK(recording.spans.size() == 1);
}

TEST_CASE("gpu rows: only those of a category that was asked for are kept, with what is told of them") {
  const auto kinds = [](uint32_t mask) {
    Records records;
    for (uint64_t id : {1, 2, 3, 4}) records.Call(static_cast<int64_t>(id), static_cast<int64_t>(id) + 1, id);
    records.Kernel(10, 20, 1, 48);
    for (const GpuKind kind : {GpuKind::kCopy, GpuKind::kFill, GpuKind::kSync}) {
      GpuRow row{};
      row.start_ns = kOrigin + 30;
      row.end_ns = kOrigin + 40;
      row.correlation_id = 1 + static_cast<uint64_t>(kind);
      row.name = records.Text("x");
      row.kind = kind;
      records.rows.Append(row);
    }
    Recording recording = Host({{"a", 0, 50}});
    AttachGpu(std::move(records), &recording, mask);
    std::string text;
    for (const GpuRow& row : recording.gpu) text += std::to_string(static_cast<int>(row.kind));
    for (const KernelRow& kernel : recording.gpu_details.kernels)
      text += " k" + std::to_string(kernel.row) + ":" + std::to_string(kernel.registers_per_thread);
    return text;
  };
  const auto bit = [](Category category) { return 1u << static_cast<uint32_t>(category); };
  CHECK(kinds(~0u) == "0123 k0:48");
  CHECK(kinds(bit(Category::kDevice)) == "0 k0:48");
  CHECK(kinds(bit(Category::kMemcpy)) == "12");
  CHECK(kinds(bit(Category::kSync) | bit(Category::kDevice)) == "03 k0:48");
  CHECK(kinds(bit(Category::kCpuOp)).empty());
}

TEST_CASE("gpu rows: a launching thread that recorded no span gets an entry of its own") {
  Records records;
  records.Call(20, 25, 1, "cudaLaunchKernel", 200);
  records.Kernel(30, 40, 1);
  Recording recording = Host({{"a", 0, 50}});
  AttachGpu(std::move(records), &recording);
  REQUIRE(recording.threads.size() == 2);
  CHECK(recording.threads[1].os_thread_id == 200);
  CHECK(recording.gpu[0].launch == 0);
  CHECK(recording.gpu[0].span == kNoParent);
}

TEST_CASE("gpu rows: an allocation belongs to the span of its call, behind copies too") {
  Records records;
  records.Call(60, 70, 2, "cudaMalloc");
  records.Allocation(65, 2);
  records.Call(10, 20, 1, "cudaMemcpy");
  GpuRow copy{};
  copy.start_ns = kOrigin + 12;
  copy.end_ns = kOrigin + 18;
  copy.correlation_id = 1;
  copy.name = records.Text("Memcpy HtoD");
  copy.kind = GpuKind::kCopy;
  copy.from = MemoryKind::kPageable;
  copy.to = MemoryKind::kDevice;
  records.rows.Append(copy);
  Recording recording = Host({{"a", 0, 40}, {"b", 50, 90}});
  AttachGpu(std::move(records), &recording);
  const int32_t span = recording.gpu_details.memory[0].span;
  REQUIRE(span != kNoParent);
  CHECK(recording.names[recording.spans.name[static_cast<size_t>(span)]].text == "b");
}

TEST_CASE("ranges of other libraries nest by time in the spans of their thread, and take their kernels") {
  Records records;
  records.Range("forward", 10, 90);
  records.Range("layer", 20, 50);
  records.Call(30, 31, 1);
  records.Kernel(35, 42, 1);
  CHECK(Tree({{"predict", 0, 100}}, std::move(records)) ==
        "predict 0..100 gpu 7\n"
        "predict > forward 10..90 gpu 7\n"
        "predict > forward > layer 20..50 gpu 7\n");
}

TEST_CASE("a span inside a range becomes its child, one that the range lies in stays above") {
  Records records;
  records.Range("range", 10, 60);
  CHECK(Tree({{"outer", 0, 100}, {"inner", 20, 30}, {"later", 70, 80}}, std::move(records)) ==
        "outer 0..100\n"
        "outer > range 10..60\n"
        "outer > range > inner 20..30\n"
        "outer > later 70..80\n");
}

TEST_CASE("a span whose async parent began in a range keeps it") {
  RowsBuilder builder;
  builder.Thread("main");
  builder.rows.threads[0].os_thread_id = 100;
  builder.Span(0, "request", 20, 80, kAsync, 7);
  builder.Span(0, "op", 30, 40, 0, 8, 7);
  builder.rows.duration_ns = 1000;
  builder.rows.origin_clock_ns = kOrigin;
  std::shared_ptr<const Recording> built;
  REQUIRE(BuildRecording(std::move(builder.rows), &built).ok());
  Records records;
  records.Range("range", 10, 90);
  Recording recording = std::move(*std::const_pointer_cast<Recording>(built));
  AttachGpu(std::move(records), &recording);
  CHECK(Tree(recording) == "range 10..90\nrequest 20..80 async\nrequest > op 30..40\n");
}

TEST_CASE("a range that sticks out of its span by the clocks' error is cut, by more it is no child") {
  Records cut, crossing;
  cut.Range("range", 50, 600);
  CHECK(Tree({{"a", 0, 100}}, std::move(cut)) == "a 0..100\na > range 50..100\n");
  crossing.Range("range", 50, 5'000);
  CHECK(Tree({{"a", 0, 100}}, std::move(crossing)) == "a 0..100\nrange 50..5000 async\n");
}

TEST_CASE("ranges lie on their own threads, and one without a text is named so") {
  Records records;
  records.Range("", 20, 30, 300);
  Recording recording = Host({{"a", 0, 100}});
  AttachGpu(std::move(records), &recording);
  CHECK(Tree(recording) == "a 0..100\n(unnamed) 20..30\n");
  CHECK(recording.threads[1].row_count == 1);
  CHECK(recording.threads[1].first_row == 1);
}
