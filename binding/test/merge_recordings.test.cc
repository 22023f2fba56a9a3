#include "core/merge_recordings.h"

#include <set>
#include <string>

#include "core/processes.h"
#include "core/remote_parents.h"
#include "doctest.h"
#include "format/byte_sink.h"
#include "format/perfetto_reader.h"
#include "format/perfetto_writer.h"
#include "recording_equality.h"
#include "recording_samples.h"
#include "temporary_path.h"

namespace opscope {
namespace {

using test::CaptureRowsBuilder;

std::shared_ptr<const Recording> Merged(const MergePlan& plan) {
  std::shared_ptr<const Recording> merged;
  const Status status = MergeRecordings(plan, &merged);
  REQUIRE_MESSAGE(status.ok(), status.detail);
  return merged;
}

std::shared_ptr<const Recording> ThroughFile(const Recording& recording) {
  ByteSink sink = ByteSink::ToMemory();
  std::vector<Warning> warnings;
  REQUIRE(WritePerfetto(recording, &sink, &warnings).ok());
  const test::TemporaryFile file(sink.view());
  std::shared_ptr<const Recording> loaded;
  const Status status = LoadPerfetto({file.path()}, &loaded);
  REQUIRE_MESSAGE(status.ok(), status.detail);
  return loaded;
}

// A launch on a thread without spans beside a bracket, an allocation at one
// address, and a copy: what a file does not tell is found again by process.
std::shared_ptr<const Recording> GpuRecording(uint32_t device, uint32_t context, uint64_t correlation) {
  CaptureRowsBuilder b;
  const uint32_t main_thread = b.Thread("main", 7, 0);
  const uint32_t pool = b.Thread("pool", 8, -1);
  b.Span(main_thread, b.Name("run"), 0, 1'000, kNoParent, kBracket);
  const uint32_t call = b.String("cudaMemcpyAsync"), work = b.String("copy");
  b.rows.launches.Append({100, 110, correlation, call, pool, kNoParent});
  GpuRow row{};
  row.start_ns = 120;
  row.end_ns = 150;
  row.correlation_id = correlation;
  row.name = work;
  row.device = device;
  row.context = context;
  row.kind = GpuKind::kCopy;
  row.from = MemoryKind::kPageable;
  row.to = MemoryKind::kDevice;
  b.rows.gpu.Append(row);
  GpuMemoryRow memory{};
  memory.at_ns = 50;
  memory.address = 0x7f0000000000;
  memory.bytes = 64;
  memory.device = device;
  memory.context = context;
  memory.kind = MemoryKind::kDevice;
  b.rows.gpu_details.memory.Append(memory);
  b.rows.duration_ns = 1'000;
  b.rows.unseen_brackets.Append({500, 600});
  return b.Build();
}

TEST_CASE("a merged recording comes back from its file as it was, however odd its parts") {
  const auto odd = test::OddRecording();
  const auto random = test::RandomRecording(5, 4, 2'000);
  const auto gpu = GpuRecording(0, 1, 1);
  // Rows that were given late stand behind the others, until GPU rows are attributed.
  CaptureRowsBuilder late;
  late.Thread("main", 9, 0);
  late.Span(0, late.Name("op"), 100, 200);
  late.Span(0, late.Name("gc", Role::kOp, Category::kGc), 10, 20, kNoParent, kTimed);
  late.rows.duration_ns = 300;
  const auto disorderly = late.Build();
  MergePlan plan;
  plan.origin_epoch_ns = 123;
  plan.origin_clock_ns = 77;
  plan.meta_json = R"({"state":"All"})";
  plan.warnings = {{"odd", "of one of them", 3}};
  plan.parts = {{random, 0, "host-a", "a.mjs"},
                {odd, 1'000, "", ""},
                {gpu, 2'000, "host-a", "b.mjs"},
                {odd, 5'000, "x", ""},
                {disorderly, 6'000, "x", ""}};
  const auto merged = Merged(plan);
  CHECK(merged->spans.size() ==
        random->spans.size() + 2 * odd->spans.size() + gpu->spans.size() + disorderly->spans.size());
  CHECK(merged->processes.size() == 5);
  CHECK(merged->duration_ns == 5'000 + odd->duration_ns);
  CHECK(merged->unfinished == 2 * odd->unfinished + random->unfinished);
  test::CheckEqual(*merged, *ThroughFile(*merged));
}

TEST_CASE("merging in two steps gives what merging at once gives") {
  const auto first = GpuRecording(0, 1, 1);
  const auto second = GpuRecording(3, 2, 1);
  const auto third = GpuRecording(0, 1, 9);
  MergePlan all;
  all.parts = {{first, 0, "a", "1"}, {second, 10, "b", "2"}, {third, 30, "c", "3"}};
  MergePlan inner;
  inner.parts = {{second, 0, "b", "2"}, {third, 20, "c", "3"}};
  MergePlan outer;
  outer.parts = {{first, 0, "a", "1"}, {Merged(inner), 10, "", ""}};
  test::CheckEqual(*Merged(all), *Merged(outer));
}

TEST_CASE("numbers of two processes do not meet") {
  const auto part = GpuRecording(0, 1, 1);
  MergePlan plan;
  plan.parts = {{part, 0, "a", ""}, {part, 10, "b", ""}};
  const auto merged = Merged(plan);
  std::set<uint64_t> correlations;
  std::set<uint32_t> devices, contexts;
  for (const GpuRow& row : merged->gpu) {
    correlations.insert(row.correlation_id);
    devices.insert(row.device);
    contexts.insert(row.context);
    // The bracket of its own process, though that of the other was in flight too.
    const LaunchRow& launch = merged->launches[static_cast<size_t>(row.launch)];
    CHECK(launch.flags == kByExclusion);
    CHECK(merged->threads[launch.thread].process == ProcessOfContext(merged->processes, row.context));
  }
  CHECK(correlations.size() == 2);
  CHECK(devices.size() == 2);
  CHECK(contexts.size() == 2);
}

TEST_CASE("contexts of any numbers get room of their own") {
  const auto part = GpuRecording(0, UINT32_MAX, 1);
  MergePlan plan;
  plan.parts = {
      {part, 0, "a", ""}, {part, 10, "b", ""}, {GpuRecording(UINT32_MAX, 0, UINT64_MAX), 20, "c", ""}};
  const auto merged = Merged(plan);
  for (const GpuRow& row : merged->gpu) {
    const LaunchRow& launch = merged->launches[static_cast<size_t>(row.launch)];
    CHECK(merged->threads[launch.thread].process == ProcessOfContext(merged->processes, row.context));
  }
  test::CheckEqual(*merged, *ThroughFile(*merged));
}

TEST_CASE("a parent in another process is found by its id and trace") {
  const auto part = [](uint64_t id, uint64_t remote, uint64_t trace) {
    CaptureRowsBuilder b;
    const uint32_t thread = b.Thread("main", 1, 0);
    const uint32_t name = b.Name("request");
    const int32_t outer = b.Span(thread, name, 0, 100);
    b.Ids(outer, 0, 0, trace, trace);
    b.Ids(b.Span(thread, name, 10, 90, outer), id, remote, 0, 0);
    b.rows.duration_ns = 100;
    return b.Build();
  };
  const auto client = part(5, 0, 1), server = part(6, 5, 1), stranger = part(7, 5, 2), own = part(5, 0, 2);
  MergePlan plan;
  plan.parts = {{client, 0, "", ""}, {server, 0, "", ""}};
  auto found = FindRemoteParents(*Merged(plan));
  REQUIRE(found.size() == 1);
  CHECK(found[0].parent == 1);
  CHECK(found[0].child == 3);
  plan.parts = {{client, 0, "", ""}, {stranger, 0, "", ""}};
  CHECK(FindRemoteParents(*Merged(plan)).empty());
  plan.parts = {{client, 0, "", ""}, {own, 0, "", ""}, {stranger, 0, "", ""}};
  found = FindRemoteParents(*Merged(plan));
  REQUIRE(found.size() == 1);
  CHECK(found[0].parent == 3);
  CHECK(FindRemoteParents(*server).empty());
  // The id of a span of its own process is no parent elsewhere.
  plan.parts = {{part(5, 5, 1), 0, "", ""}, {part(8, 0, 1), 0, "", ""}};
  CHECK(FindRemoteParents(*Merged(plan)).empty());
}

TEST_CASE("a merged file that is cut or damaged anywhere gives what is whole") {
  const auto gpu = GpuRecording(0, 1, 1);
  MergePlan plan;
  plan.parts = {{gpu, 0, "a", "1"}, {gpu, 10, "b", "2"}, {test::RandomRecording(3, 2, 50), 20, "c", "3"}};
  ByteSink sink = ByteSink::ToMemory();
  std::vector<Warning> warnings;
  REQUIRE(WritePerfetto(*Merged(plan), &sink, &warnings).ok());
  const std::string whole(sink.view());
  const test::TemporaryFile file;
  uint32_t with_processes = 0;
  const auto read = [&](std::string_view bytes) {
    file.Put(bytes);
    std::shared_ptr<const Recording> loaded;
    if (!LoadPerfetto({file.path()}, &loaded).ok()) return;
    with_processes += loaded->processes.size() == 3 ? 1 : 0;
    for (const ThreadEntry& thread : loaded->threads)
      REQUIRE(thread.process < ProcessCount(loaded->processes));
    // What is read can be merged and written again.
    MergePlan again;
    again.parts = {{loaded, 0, "d", ""}, {gpu, 5, "e", ""}};
    ByteSink rest = ByteSink::ToMemory();
    REQUIRE(WritePerfetto(*Merged(again), &rest, &warnings).ok());
  };
  for (size_t size = 1; size < whole.size(); size += 37) read(std::string_view(whole).substr(0, size));
  for (size_t at = 0; at < whole.size(); at += 11) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    read(damaged);
  }
  CHECK(with_processes > 100);
}

TEST_CASE("more rows than a recording can hold are refused") {
  auto large = std::make_shared<Recording>();
  large->spans.start_ns.Truncate(size_t{1} << 30);  // a size without content: nothing may read it
  MergePlan plan;
  plan.parts = {{large, 0, "", ""}, {large, 0, "", ""}};
  std::shared_ptr<const Recording> merged;
  CHECK(MergeRecordings(plan, &merged).code == Code::kBadRows);
  large->spans.start_ns.Truncate(0);
}

}  // namespace
}  // namespace opscope
