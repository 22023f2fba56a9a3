#include "format/pprof_writer.h"

#include <map>
#include <string>
#include <vector>

#include "core/op_table.h"
#include "core/op_walk.h"
#include "core/wall_self.h"
#include "doctest.h"
#include "format/byte_sink.h"
#include "format/wire.h"
#include "recording_samples.h"

namespace opscope::test {
namespace {

// The sum of one value of all samples.
int64_t SumOf(const Recording& recording, size_t value) {
  ByteSink sink = ByteSink::ToMemory();
  REQUIRE(WritePprof(recording, &sink, nullptr).ok());
  int64_t sum = 0;
  wire::Reader profile(sink.view());
  while (profile.Next()) {
    if (profile.field() != 2) continue;
    wire::Reader sample(profile.bytes());
    while (sample.Next()) {
      if (sample.field() != 2) continue;
      const auto* p = reinterpret_cast<const uint8_t*>(sample.bytes().data());
      const uint8_t* const end = p + sample.bytes().size();
      uint64_t each = 0;
      for (size_t i = 0; i <= value; ++i) p = wire::GetVarint(p, end, &each);
      REQUIRE(p != nullptr);
      sum += static_cast<int64_t>(each);
    }
    REQUIRE(!sample.damaged());
  }
  REQUIRE(!profile.damaged());
  return sum;
}

}  // namespace

TEST_CASE("samples add up to the calls and self times of the op table, whatever the rows") {
  for (uint32_t seed = 1; seed < 8; ++seed) {
    const auto recording = RandomRecording(seed, 3, 2000);
    const OpTables tables = BuildOpTables(*recording, TimeOf::kCpu);
    int64_t calls = 0, self = 0;
    for (size_t row = 0; row < tables.merged.size(); ++row) {
      const Category category = recording->names[tables.merged.name[row]].category;
      if (category == Category::kGc || category == Category::kEventLoop || category == Category::kOverhead)
        continue;
      calls += static_cast<int64_t>(tables.merged.calls[row]);
      self += static_cast<int64_t>(tables.merged.self_ns[row]);
    }
    CHECK(SumOf(*recording, 0) == calls);
    CHECK(SumOf(*recording, 1) == self);
  }
}

TEST_CASE("wall time of a span is what no child covers, in whatever order the rows are") {
  Recording recording;
  recording.names.resize(2);
  recording.names[0].text = "serve";
  recording.names[1].text = "part";
  // The last was given with both times, so it follows after the thread's own.
  const int64_t times[][2] = {{0, 100}, {60, 80}, {10, 70}};
  recording.spans.start_ns.Reset(3);
  recording.spans.duration_ns.Reset(3);
  recording.spans.name.Reset(3);
  recording.spans.parent.Reset(3);
  recording.spans.flags.Reset(3);
  for (size_t row = 0; row < 3; ++row) {
    recording.spans.start_ns[row] = times[row][0];
    recording.spans.duration_ns[row] = times[row][1] - times[row][0];
    recording.spans.name[row] = row == 0 ? 0 : 1;
    recording.spans.parent[row] = row == 0 ? kNoParent : 0;
    recording.spans.flags[row] = row == 2 ? kTimed : 0;
  }
  recording.threads.push_back({"main", 1, 0, 0, 3});
  OpWalk walk(recording, TimeOf::kCpu);
  walk.Run();
  // 10 to 80 is covered.
  CHECK(WallSelfByPath(recording, walk) == std::vector<int64_t>{30, 80});
}

TEST_CASE("a profile of recursion five thousand deep has stacks as deep") {
  CaptureRowsBuilder b;
  b.Thread("main", 1, 0);
  const uint32_t name = b.Name("fib");
  for (int i = 0; i < 5000; ++i) b.Span(0, name, i, 1'000'000 - i, i - 1);
  const auto recording = b.Build();
  CHECK(SumOf(*recording, 0) == 5000);
  CHECK(SumOf(*recording, 1) == 1'000'000);
}

}  // namespace opscope::test
