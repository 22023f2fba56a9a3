#include <map>
#include <string>
#include <vector>

#include "doctest.h"
#include "raw_rows_builder.h"

namespace opscope::test {
namespace {

const std::string& NameOf(const Recording& recording, int32_t row) {
  static const std::string none = "-";
  return row == kNoParent ? none : recording.names[recording.spans.name[static_cast<size_t>(row)]].text;
}
int32_t RowNamed(const Recording& recording, const std::string& name) {
  for (size_t row = 0; row < recording.spans.size(); ++row) {
    if (NameOf(recording, static_cast<int32_t>(row)) == name) return static_cast<int32_t>(row);
  }
  return kNoParent;
}
// When the span left its thread's stack.
int64_t EndOnStack(const Recording& recording, size_t row) {
  const SpanColumns& spans = recording.spans;
  for (const AsyncRow& async : recording.asyncs) {
    if (async.row == row) return async.return_ns;
  }
  return (spans.flags[row] & kUnfinished) != 0 ? INT64_MAX : spans.start_ns[row] + spans.duration_ns[row];
}
// By looking at each bracket in each nanosecond of the call.
int32_t BracketAlone(const Recording& recording, const LaunchRow& launch) {
  if (recording.threads[launch.thread].js_thread_id >= 0) return kNoParent;
  const SpanColumns& spans = recording.spans;
  int32_t alone = kNoParent;
  for (int64_t at = launch.start_ns; at == launch.start_ns || at < launch.end_ns; ++at) {
    int32_t found = kNoParent;
    for (size_t row = 0; row < spans.size(); ++row) {
      const int64_t end =
          (spans.flags[row] & kUnfinished) != 0 ? INT64_MAX : spans.start_ns[row] + spans.duration_ns[row];
      if ((spans.flags[row] & kBracket) == 0 || spans.start_ns[row] > at || at >= end) continue;
      if (found != kNoParent) return kNoParent;
      found = static_cast<int32_t>(row);
    }
    if (found == kNoParent || (at != launch.start_ns && found != alone)) return kNoParent;
    alone = found;
  }
  const uint32_t first = recording.threads[launch.thread].first_row;
  return static_cast<uint32_t>(alone) - first < recording.threads[launch.thread].row_count ? kNoParent
                                                                                           : alone;
}
int64_t GpuNs(const Recording& recording, const std::string& name) {
  return recording.spans.gpu_ns[static_cast<size_t>(RowNamed(recording, name))];
}

TEST_CASE("attribution: kernel time goes to the innermost span open at the launch and to all its ancestors") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "op", 0, 100);
  builder.Span(0, "compute", 10, 50);
  builder.Span(0, "after", 60, 90);
  builder.Launch(0, "cudaLaunchKernel", 20, 25, 1);
  builder.Launch(0, "cudaLaunchKernel", 55, 56, 2);
  builder.Kernel(200, 230, 1);
  builder.Kernel(230, 235, 2);
  const auto recording = builder.Build();
  CHECK(GpuNs(*recording, "compute") == 30);
  CHECK(GpuNs(*recording, "op") == 35);
  CHECK(GpuNs(*recording, "after") == 0);
  CHECK(NameOf(*recording, recording->gpu[0].span) == "compute");
  CHECK(NameOf(*recording, recording->launches[1].span) == "op");
}

TEST_CASE("attribution: without GPU rows there is no column of GPU times") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "op", 0, 100);
  builder.Launch(0, "cudaLaunchKernel", 20, 25, 1);
  const auto recording = builder.Build();
  CHECK(recording->spans.gpu_ns.empty());
  CHECK(recording->launches[0].span == 0);
}

TEST_CASE("attribution: an async span is no place for a launch, but gets the time of what runs under it") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "request", 0, 100, kAsync, 7);
  builder.Span(1, "worker", 10, 50, 0, 0, 7);
  builder.Launch(0, "cudaLaunchKernel", 20, 25, 1);
  builder.Launch(1, "cudaLaunchKernel", 20, 25, 2);
  builder.Kernel(200, 230, 1);
  builder.Kernel(230, 235, 2);
  const auto recording = builder.Build();
  CHECK(recording->gpu[0].span == kNoParent);
  CHECK(GpuNs(*recording, "worker") == 5);
  CHECK(GpuNs(*recording, "request") == 5);
}

TEST_CASE(
    "attribution: a launch in the synchronous part of an async span is that span's, one after it is not") {
  RowsBuilder builder;
  builder.Thread();
  builder.Return(builder.Span(0, "request", 0, 100, kAsync, 7), 30);
  builder.Span(0, "inner", 10, 15);
  builder.Return(builder.Span(0, "nested", 20, 90, kAsync, 8, 7), 25);
  for (const int64_t at : {5, 12, 20, 24, 25, 29, 30, 60})
    builder.Launch(0, "cudaLaunchKernel", at, at + 1, static_cast<uint64_t>(at));
  const auto recording = builder.Build();
  std::vector<std::string> spans;
  for (const LaunchRow& launch : recording->launches) spans.push_back(NameOf(*recording, launch.span));
  CHECK(spans ==
        std::vector<std::string>{"request", "inner", "nested", "nested", "request", "request", "-", "-"});
}

TEST_CASE("attribution: time climbs to a parent on a later thread") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "child", 0, 50, 0, 0, 7);
  builder.Span(0, "first", 60, 70);
  builder.Span(1, "parent", 10, 90, 0, 7, 8);
  builder.Span(1, "grandparent", 100, 110, 0, 8);
  builder.Launch(0, "cudaLaunchKernel", 20, 25, 1);
  builder.Kernel(200, 230, 1);
  const auto recording = builder.Build();
  CHECK(GpuNs(*recording, "child") == 30);
  CHECK(GpuNs(*recording, "parent") == 30);
  CHECK(GpuNs(*recording, "grandparent") == 30);
  CHECK(GpuNs(*recording, "first") == 0);
}

TEST_CASE("attribution: a copy call becomes a row under its span, and every table moves with it") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "op", 0, 100);
  builder.Span(0, "before", 5, 15);
  const uint32_t after = builder.Span(0, "after", 60, 90, kAsync | kError, 5);
  builder.Span(0, "last", 62, 80);
  builder.Span(1, "other thread", 1, 10);
  builder.Return(after, 60);
  AttributeRow attribute{};
  attribute.row = after;
  attribute.key = builder.String("key");
  attribute.type = AttributeType::kBool;
  builder.rows.attributes.Append(attribute);
  builder.rows.links.Append({1, 2, 3, after});
  builder.rows.marks.Append({65, builder.Name("m"), 0, kNoParent});
  builder.Launch(0, "cudaMemcpyAsync", 20, 32, 1);
  builder.Launch(0, "cudaLaunchKernel", 70, 71, 2);
  builder.Gpu(GpuKind::kCopy, 200, 230, 1, MemoryKind::kDevice, MemoryKind::kPageable);
  builder.Kernel(300, 304, 2);
  const auto recording = builder.Build();
  const std::string copy = "GpuMemcpyAsync:GPU->CPU";
  REQUIRE(recording->spans.size() == 6);
  REQUIRE(NameOf(*recording, 2) == copy);
  const NameEntry& name = recording->names[recording->spans.name[2]];
  CHECK(name.role == Role::kCopy);
  CHECK(name.category == Category::kMemcpy);
  CHECK(recording->spans.duration_ns[2] == 12);
  CHECK(recording->spans.gpu_ns[2] == 30);
  CHECK(NameOf(*recording, recording->spans.parent[2]) == "op");
  CHECK(NameOf(*recording, recording->spans.parent[3]) == "op");
  CHECK(GpuNs(*recording, "op") == 34);
  CHECK(recording->threads[0].row_count == 5);
  CHECK(recording->threads[1].first_row == 5);
  CHECK(recording->launches[0].span == 2);
  CHECK(recording->gpu[0].span == 2);
  for (const uint32_t row : {recording->attributes[0].row, recording->links[0].row, recording->ids[0].row,
                             recording->asyncs[0].row}) {
    CHECK(NameOf(*recording, static_cast<int32_t>(row)) == "after");
  }
  CHECK(NameOf(*recording, recording->marks[0].span) == "last");
  CHECK(NameOf(*recording, recording->launches[1].span) == "last");
}

TEST_CASE("attribution: copies are named as the original names them") {
  struct Case {
    const char* api;
    MemoryKind from, to;
    const char* name;
  };
  using M = MemoryKind;
  for (const Case& c : std::vector<Case>{
           {"cudaMemcpy", M::kPageable, M::kDevice, "GpuMemcpySync:CPU->GPU"},
           {"cudaMemcpyAsync", M::kPinned, M::kDevice, "GpuMemcpyAsync:CUDAPinned->GPU"},
           {"cudaMemcpyAsync_v3020", M::kArray, M::kPinned, "GpuMemcpyAsync:GPU->CUDAPinned"},
           {"cuMemcpyDtoDAsync_v2", M::kDevice, M::kManaged, "GpuMemcpyAsync(same_gpu):GPU->GPU"},
           {"cudaMemcpy", M::kDevice, M::kDevice, "GpuMemcpySync(same_gpu):GPU->GPU"},
           {"cudaMemcpyPeerAsync", M::kDevice, M::kPeer, "GpuMemcpyPeerAsync:GPU->GPU"},
           {"cudaMemcpyPeer", M::kPeer, M::kDevice, "GpuMemcpyPeerSync:GPU->GPU"},
           {"cudaMemcpy", M::kPageable, M::kPageable, "GpuMemcpySync:CPU->CPU"},
           {"cudaMemcpyAsync", M::kUnknown, M::kDevice, "GpuMemcpyAsync:Unknown"}}) {
    RowsBuilder builder;
    builder.Thread();
    builder.Launch(0, c.api, 10, 20, 1);
    builder.Gpu(GpuKind::kCopy, 12, 18, 1, c.from, c.to);
    const auto recording = builder.Build();
    REQUIRE(recording->spans.size() == 1);
    CHECK(NameOf(*recording, 0) == c.name);
    CHECK(recording->spans.parent[0] == kNoParent);
    CHECK(recording->spans.gpu_ns[0] == 6);
  }
}

TEST_CASE(
    "attribution: the kernels of a graph go to its launch, each copy of it is a row without host time") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "replay", 0, 100);
  builder.Launch(0, "cudaGraphLaunch", 10, 30, 9);
  builder.Kernel(120, 150, 9);
  builder.Gpu(GpuKind::kCopy, 150, 155, 9, MemoryKind::kDevice, MemoryKind::kPinned);
  builder.Gpu(GpuKind::kCopy, 155, 157, 9, MemoryKind::kPageable, MemoryKind::kDevice);
  const auto recording = builder.Build();
  REQUIRE(recording->spans.size() == 3);
  CHECK(GpuNs(*recording, "replay") == 37);
  CHECK(NameOf(*recording, recording->launches[0].span) == "replay");
  CHECK(NameOf(*recording, recording->gpu[0].span) == "replay");
  CHECK(NameOf(*recording, 1) == "GpuMemcpyAsync:GPU->CUDAPinned");
  CHECK(NameOf(*recording, 2) == "GpuMemcpyAsync:CPU->GPU");
  CHECK(recording->spans.duration_ns[1] == 0);
  CHECK(recording->spans.gpu_ns[1] == 5);
  CHECK(recording->spans.parent[2] == 0);
  CHECK(recording->gpu[2].span == 2);
}

TEST_CASE("attribution: what has no launch, or none inside a span, is an orphan") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "op", 50, 60);
  builder.Launch(0, "cudaLaunchKernel", 10, 12, 1);
  builder.Kernel(20, 30, 1);
  builder.Kernel(20, 30, 77);
  builder.Gpu(GpuKind::kCopy, 20, 30, 78, MemoryKind::kDevice, MemoryKind::kPageable);
  builder.Kernel(20, 30, 0);
  const auto recording = builder.Build();
  REQUIRE(recording->spans.size() == 1);
  CHECK(recording->spans.gpu_ns[0] == 0);
  CHECK(recording->gpu[0].launch == 0);
  CHECK(recording->gpu[1].launch == -1);
  for (const GpuRow& row : recording->gpu) CHECK(row.span == kNoParent);
}

TEST_CASE("attribution: of launches that share an id the last before the work gets it, counted once each") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "first", 0, 40);
  builder.Span(0, "second", 50, 90);
  builder.Launch(0, "cudaLaunchKernel", 10, 12, 1);
  builder.Launch(0, "cudaLaunchKernel", 60, 62, 1);
  builder.Kernel(20, 30, 1);
  builder.Kernel(70, 75, 1);
  const auto recording = builder.Build();
  CHECK(GpuNs(*recording, "first") == 10);
  CHECK(GpuNs(*recording, "second") == 5);
  CHECK(WarningCount(*recording, "duplicate-correlation") == 1);
}

TEST_CASE("attribution: a driver call inside a runtime call is the same call") {
  RowsBuilder builder;
  builder.Thread();
  builder.Launch(0, "cudaMemcpyAsync", 10, 30, 1);
  builder.Launch(0, "cuMemcpyDtoH", 12, 28, 1);
  builder.Gpu(GpuKind::kCopy, 40, 50, 1, MemoryKind::kDevice, MemoryKind::kPageable);
  const auto recording = builder.Build();
  CHECK(recording->warnings.empty());
  REQUIRE(recording->spans.size() == 1);
  CHECK(NameOf(*recording, 0) == "GpuMemcpyAsync:GPU->CPU");
  CHECK(recording->spans.duration_ns[0] == 20);
}

TEST_CASE("attribution: waits give no time") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "op", 0, 100);
  builder.Launch(0, "cudaStreamSynchronize", 10, 90, 1);
  builder.Gpu(GpuKind::kSync, 10, 90, 1);
  const auto recording = builder.Build();
  CHECK(recording->spans.gpu_ns[0] == 0);
  CHECK(recording->gpu[0].launch == 0);
}

TEST_CASE("attribution: ids far apart join as dense ones do") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "op", 0, 100);
  builder.Launch(0, "cudaLaunchKernel", 10, 12, UINT64_MAX);
  builder.Launch(0, "cudaLaunchKernel", 14, 16, 5);
  builder.Launch(0, "cudaLaunchKernel", 18, 20, uint64_t{1} << 40);
  builder.Kernel(30, 31, 5);
  builder.Kernel(31, 33, UINT64_MAX);
  builder.Kernel(33, 37, uint64_t{1} << 40);
  builder.Kernel(37, 45, 6);
  const auto recording = builder.Build();
  CHECK(recording->spans.gpu_ns[0] == 7);
}

// Brackets A and B of thread 0, and a launch of thread 1 during [40, 50).
std::string SpanByExclusion(int64_t a_start, int64_t a_end, int64_t b_start = kOpenEnd, int64_t b_end = 0) {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "A", a_start, a_end, kBracket | kAsync);
  if (b_start != kOpenEnd) builder.Span(0, "B", b_start, b_end, kBracket | kAsync);
  builder.Launch(1, "cudaLaunchKernel", 40, 50, 1);
  const auto recording = builder.Build();
  const LaunchRow& launch = recording->launches[0];
  CHECK(launch.flags == (launch.span == kNoParent ? 0 : kByExclusion));
  return NameOf(*recording, launch.span);
}

TEST_CASE(
    "attribution: a launch without an open span goes to the only bracket in flight across the whole call") {
  CHECK(SpanByExclusion(0, 100) == "A");
  CHECK(SpanByExclusion(40, 50) == "A");
  CHECK(SpanByExclusion(0, kOpenEnd) == "A");
  CHECK(SpanByExclusion(41, 100) == "-");  // begun inside the call
  CHECK(SpanByExclusion(0, 49) == "-");    // ended inside it
  CHECK(SpanByExclusion(60, 100) == "-");  // none
  CHECK(SpanByExclusion(0, 100, 0, 100) == "-");
  CHECK(SpanByExclusion(0, 100, 49, 100) == "-");  // a second one begins inside
  CHECK(SpanByExclusion(0, 100, 20, 41) == "-");   // or ends inside
  CHECK(SpanByExclusion(0, 100, 44, 46) == "-");
  CHECK(SpanByExclusion(0, 100, 20, 40) == "A");
  CHECK(SpanByExclusion(0, 100, 50, 60) == "A");
  CHECK(SpanByExclusion(0, 40, 40, 100) == "B");
  CHECK(SpanByExclusion(0, 45, 45, 100) == "-");
}

TEST_CASE("attribution: a launch inside an open span, or of a JavaScript thread, is no bracket's") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Thread();
  builder.rows.threads[2].js_thread_id = 0;
  builder.Span(0, "bracket", 0, 100, kBracket | kAsync);
  builder.Launch(0, "cudaLaunchKernel", 30, 35, 4);
  builder.Span(1, "own", 20, 60);
  builder.Launch(1, "cudaLaunchKernel", 30, 35, 1);
  builder.Launch(1, "cudaLaunchKernel", 70, 75, 2);
  builder.Launch(2, "cudaLaunchKernel", 30, 35, 3);
  const auto recording = builder.Build();
  std::map<uint64_t, const LaunchRow*> by_id;
  for (const LaunchRow& launch : recording->launches) by_id[launch.correlation_id] = &launch;
  CHECK(NameOf(*recording, by_id[1]->span) == "own");
  CHECK(by_id[1]->flags == 0);
  CHECK(NameOf(*recording, by_id[2]->span) == "bracket");
  CHECK(by_id[2]->flags == kByExclusion);
  CHECK(by_id[3]->span == kNoParent);
  CHECK(by_id[4]->span == kNoParent);
}

TEST_CASE("attribution: a launch without an open span goes to what its thread works for, bracket or not") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  const auto request = static_cast<int32_t>(builder.Span(0, "request", 0, 50, kAsync));
  builder.Span(0, "bracket", 0, 100, kBracket | kAsync);
  builder.Span(1, "own", 25, 30);
  builder.rows.contexts.Append({60, 70, 1, request});
  builder.rows.contexts.Append({20, 40, 1, request});
  for (const int64_t at : {19, 20, 25, 30, 39, 40, 65})
    builder.Launch(1, "cudaMemcpy", at, at + 3, static_cast<uint64_t>(at));
  builder.Gpu(GpuKind::kCopy, 90, 95, 65, MemoryKind::kDevice, MemoryKind::kPageable);
  const auto recording = builder.Build();
  std::string spans;
  for (const LaunchRow& launch : recording->launches)
    spans += NameOf(*recording, launch.span) + std::to_string(launch.flags) + ' ';
  CHECK(spans == "bracket1 request2 own0 request2 request2 bracket1 GpuMemcpySync:GPU->CPU2 ");
  const auto copy = static_cast<size_t>(recording->launches[6].span);
  CHECK(NameOf(*recording, recording->spans.parent[copy]) == "request");
  CHECK(recording->spans.duration_ns[copy] == 3);  // also where the request is over
  CHECK(GpuNs(*recording, "request") == 5);
}

TEST_CASE("attribution: a bracket without a row takes what it may have launched from the others") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "bracket", 0, 100, kBracket);
  builder.rows.unseen_brackets.Append({20, 40});
  for (const int64_t at : {10, 19, 20, 30, 40})
    builder.Launch(1, "cudaLaunchKernel", at, at + 1, static_cast<uint64_t>(at));
  builder.Launch(1, "cudaLaunchKernel", 19, 21, 77);
  const auto recording = builder.Build();
  uint64_t given = 0;
  for (const LaunchRow& launch : recording->launches)
    given += launch.span != kNoParent ? launch.correlation_id : 0;
  CHECK(given == 10 + 19 + 40);
}

TEST_CASE("attribution: a copy by exclusion lies on the launching thread, under the bracket") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "request", 0, 90);
  builder.Span(0, "run", 10, 50, kBracket | kAsync);
  builder.Span(0, "after", 60, 70);
  builder.Launch(1, "cudaMemcpyAsync", 20, 32, 1);
  builder.Launch(1, "cudaLaunchKernel", 40, 42, 2);
  builder.Gpu(GpuKind::kCopy, 200, 230, 1, MemoryKind::kDevice, MemoryKind::kPageable);
  builder.Kernel(300, 304, 2);
  const auto recording = builder.Build();
  REQUIRE(recording->spans.size() == 4);
  CHECK(NameOf(*recording, 3) == "GpuMemcpyAsync:GPU->CPU");
  CHECK(recording->threads[1].first_row == 3);
  CHECK(recording->threads[1].row_count == 1);
  CHECK(NameOf(*recording, recording->spans.parent[3]) == "run");
  CHECK(recording->spans.duration_ns[3] == 12);
  CHECK(recording->launches[0].span == 3);
  CHECK(recording->launches[0].flags == kByExclusion);
  CHECK(GpuNs(*recording, "run") == 34);
  CHECK(GpuNs(*recording, "request") == 34);
  CHECK(GpuNs(*recording, "after") == 0);
}

TEST_CASE("attribution: a launch at the very end of a span is outside it, one at its start inside") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "a", 0, 10);
  builder.Span(0, "b", 10, 20);
  builder.Launch(0, "cudaLaunchKernel", 10, 11, 1);
  builder.Launch(0, "cudaLaunchKernel", 20, 21, 2);
  builder.Kernel(30, 31, 1);
  builder.Kernel(31, 33, 2);
  const auto recording = builder.Build();
  CHECK(NameOf(*recording, recording->launches[0].span) == "b");
  CHECK(recording->launches[1].span == kNoParent);
}

TEST_CASE("attribution: a thousand random recordings agree with a search through all spans") {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    RowsBuilder builder;
    builder.rows = RandomRows(seed);
    builder.rows.span_parent_id.Fill(seed % 2 == 0 ? 0
                                                   : 3);  // nothing moves behind a parent on its own thread
    builder.rows.span_id.Fill(0);
    if (!builder.rows.span_id.empty() && builder.rows.span_thread[0] == 1) builder.rows.span_id[0] = 3;
    if (!builder.rows.span_id.empty()) builder.rows.span_parent_id[0] = 0;
    for (size_t row = 0; row < builder.rows.span_id.size(); ++row) {
      if (builder.rows.span_thread[row] == 1) builder.rows.span_parent_id[row] = 0;
    }
    const auto recording = builder.Build();
    const SpanColumns& spans = recording->spans;
    const auto is_copy = [&](size_t row) { return recording->names[spans.name[row]].role == Role::kCopy; };
    for (const LaunchRow& launch : recording->launches) {
      int32_t expected = kNoParent;
      const ThreadEntry& thread = recording->threads[launch.thread];
      for (size_t row = thread.first_row; row < size_t{thread.first_row} + thread.row_count; ++row) {
        if (!is_copy(row) && spans.start_ns[row] <= launch.start_ns &&
            launch.start_ns < EndOnStack(*recording, row))
          expected = static_cast<int32_t>(row);
      }
      const bool is_open = expected != kNoParent;
      uint8_t flags = 0;
      if (!is_open) {
        for (const ContextRow& row : recording->contexts) {
          if (row.thread == launch.thread && row.start_ns <= launch.start_ns && launch.start_ns < row.end_ns)
            expected = row.span;
        }
        flags = expected != kNoParent ? kByContext : kByExclusion;
        if (expected == kNoParent) expected = BracketAlone(*recording, launch);
      }
      CHECK(launch.flags == (expected == kNoParent ? 0 : flags));
      const int32_t span = launch.span != kNoParent && is_copy(static_cast<size_t>(launch.span))
                               ? spans.parent[static_cast<size_t>(launch.span)]
                               : launch.span;
      CHECK(span == expected);
    }
    if (recording->gpu.empty()) {
      CHECK(spans.gpu_ns.empty());
      continue;
    }
    std::vector<int64_t> gpu_ns(spans.size(), 0);
    for (const GpuRow& row : recording->gpu) {
      int32_t launch = -1;
      for (size_t i = 0; i < recording->launches.size(); ++i) {
        const LaunchRow& candidate = recording->launches[i];
        if (row.correlation_id == 0 || candidate.correlation_id != row.correlation_id) continue;
        if (launch < 0) launch = static_cast<int32_t>(i);
      }
      CHECK((row.launch < 0) == (launch < 0));
      if (row.launch < 0 || row.kind == GpuKind::kSync) continue;
      const bool is_graph =
          recording->strings[recording->launches[static_cast<size_t>(row.launch)].name] == "cudaGraphLaunch";
      const int32_t launch_span = recording->launches[static_cast<size_t>(row.launch)].span;
      if (row.kind == GpuKind::kCopy) {
        REQUIRE(row.span != kNoParent);
        CHECK(is_copy(static_cast<size_t>(row.span)));
        CHECK((is_graph ? spans.parent[static_cast<size_t>(row.span)] : row.span) == launch_span);
      } else {
        CHECK(row.span == launch_span);
      }
      for (int32_t at = row.span; at != kNoParent; at = spans.parent[static_cast<size_t>(at)]) {
        gpu_ns[static_cast<size_t>(at)] += row.end_ns - row.start_ns;
      }
    }
    for (size_t row = 0; row < spans.size(); ++row) CHECK(spans.gpu_ns[row] == gpu_ns[row]);
  }
}

}  // namespace
}  // namespace opscope::test
