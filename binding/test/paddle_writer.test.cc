#include "format/paddle_writer.h"

#include <map>
#include <string>
#include <vector>

#include "doctest.h"
#include "format/byte_sink.h"
#include "format/wire.h"
#include "recording_samples.h"

namespace opscope::test {
namespace {

struct Event {
  std::string name, detail;
  int64_t start_ns = -1, end_ns = -1, device = -100, sub_device = -100, bytes = -1;
  uint64_t type = 99;
};
struct Profile {
  std::vector<Event> events;
  int64_t start_ns = -1, end_ns = -1;
};

Profile Written(const Recording& recording, std::vector<Warning>* warnings) {
  ByteSink sink = ByteSink::ToMemory();
  REQUIRE(WritePaddle(recording, &sink, warnings).ok());
  Profile profile;
  wire::Reader in(sink.view());
  while (in.Next()) {
    if (in.field() == 2) profile.start_ns = in.signed_value();
    if (in.field() == 3) profile.end_ns = in.signed_value();
    if (in.field() != 1) continue;
    Event event;
    wire::Reader fields(in.bytes());
    while (fields.Next()) {
      switch (fields.field()) {
        case 1:
          event.name = fields.bytes();
          break;
        case 2:
          event.start_ns = fields.signed_value();
          break;
        case 3:
          event.end_ns = fields.signed_value();
          break;
        case 5:
          event.device = fields.signed_value();
          break;
        case 6:
          event.sub_device = fields.signed_value();
          break;
        case 7: {
          wire::Reader copy(fields.bytes());
          while (copy.Next()) event.bytes = copy.signed_value();
          break;
        }
        case 8:
          event.type = fields.value();
          break;
        case 9:
          event.detail = fields.bytes();
          break;
        default:
          FAIL("field " << fields.field());
      }
    }
    REQUIRE(!fields.damaged());
    profile.events.push_back(event);
  }
  REQUIRE(!in.damaged());
  return profile;
}

}  // namespace

TEST_CASE("a Paddle profile has kernels, host, API and copies, with op paths") {
  CaptureRowsBuilder b;
  b.rows.origin_epoch_ns = 1'700'000'000'000'000'000;
  b.rows.duration_ns = 5000;
  b.Thread("main", 1, 0);
  const uint32_t thread = b.Thread("worker", 2, 1);
  const int32_t mul = b.Span(0, b.Name("mul"), 100, 1000);
  b.Span(0, b.Name("mul", Role::kInstance, Category::kUser, "out/0"), 100, 1000, mul);
  b.Span(0, b.Name("compute", Role::kPhase), 200, 900, mul);
  b.Span(0, b.Name("request"), 1100, 3000, kNoParent, kAsync);
  b.Span(0, b.Name("request"), 1200, 3000, kNoParent, kAsync);
  b.Span(thread, b.Name("a/b"), 50, 60);
  const uint32_t launch = b.String("cudaLaunchKernel"), copy = b.String("cudaMemcpy");
  b.rows.launches.Append({300, 310, 1, launch, 0, kNoParent});
  b.rows.launches.Append({400, 450, 2, copy, 0, kNoParent});
  b.rows.launches.Append({4000, 4010, 3, launch, 0, kNoParent});
  GpuRow row{};
  row.start_ns = 350;
  row.end_ns = 380;
  row.correlation_id = 1;
  row.name = b.String("gemm");
  row.device = 1;
  row.stream = 7;
  b.rows.gpu.Append(row);
  row.correlation_id = 2;
  row.kind = GpuKind::kCopy;
  row.name = b.String("HtoD");
  row.bytes = 4096;
  row.from = MemoryKind::kPageable;
  row.to = MemoryKind::kDevice;
  b.rows.gpu.Append(row);
  row.correlation_id = 77;
  row.kind = GpuKind::kFill;
  row.name = b.String("fill");
  b.rows.gpu.Append(row);

  std::vector<Warning> warnings;
  const Profile profile = Written(*b.Build(), &warnings);
  std::string lines;
  for (const Event& e : profile.events) {
    lines += e.name + "|" + e.detail + "|" + std::to_string(e.type) + "|" + std::to_string(e.device) + "|" +
             std::to_string(e.sub_device) + "|" + std::to_string(e.start_ns - 1'700'000'000'000'000'000) +
             "|" + std::to_string(e.end_ns - e.start_ns) + "|" + std::to_string(e.bytes) + "\n";
  }
  CHECK(lines ==
        "mul/compute|gemm|1|1|7|350|30|-1\n"
        "MEMSET||1|1|7|350|30|-1\n"
        "mul||0|0|0|100|900|-1\n"
        "mul/mul%out∕0%||0|0|0|100|900|-1\n"
        "mul/compute||0|0|0|200|700|-1\n"
        "mul/compute/GpuMemcpySync:CPU->GPU||0|0|0|400|50|-1\n"
        "request||0|0|2|1100|1900|-1\n"
        "request||0|0|3|1200|1800|-1\n"
        "a∕b||0|0|1|50|10|-1\n"
        "mul/compute|cudaLaunchKernel|0|-1|0|300|10|-1\n"
        "mul/compute/GpuMemcpySync:CPU->GPU|cudaMemcpy|0|-1|0|400|50|-1\n"
        "cudaLaunchKernel||0|-1|0|4000|10|-1\n"
        "mul/compute/GpuMemcpySync:CPU->GPU|MEMCPY_HtoD|1|1|7|350|30|4096\n");
  CHECK(profile.start_ns == 1'700'000'000'000'000'000);
  CHECK(profile.end_ns == profile.start_ns + 5000);
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[0].code == "async-as-ops");
  CHECK(warnings[0].count == 2);
  CHECK(warnings[1].code == "slash-in-name");
  CHECK(warnings[1].count == 2);
}

TEST_CASE("host events of one sub device nest") {
  for (uint32_t seed = 1; seed < 5; ++seed) {
    std::vector<Warning> warnings;
    const auto recording = RandomRecording(seed, 3, 2000);
    std::map<int64_t, std::vector<int64_t>> open;
    const Profile profile = Written(*recording, &warnings);
    CHECK(profile.events.size() == recording->spans.size());
    for (const Event& event : profile.events) {
      std::vector<int64_t>& ends = open[event.sub_device];
      while (!ends.empty() && ends.back() <= event.start_ns) ends.pop_back();
      REQUIRE((ends.empty() || event.end_ns <= ends.back()));
      ends.push_back(event.end_ns);
    }
  }
}

TEST_CASE("recursion five thousand deep is written, its long paths built one at a time") {
  CaptureRowsBuilder b;
  b.Thread("main", 1, 0);
  const uint32_t name = b.Name("fib");
  for (int i = 0; i < 5000; ++i) b.Span(0, name, i, 1'000'000 - i, i - 1);
  std::vector<Warning> warnings;
  const Profile profile = Written(*b.Build(), &warnings);
  CHECK(profile.events.back().name.size() == 4 * 5000 - 1);
  CHECK(profile.events[2].name == "fib/fib/fib");
}

}  // namespace opscope::test
