#include <cstring>
#include <string>
#include <vector>

#include "doctest.h"
#include "test/gpu_reader_bench.h"

using namespace opscope;
using namespace opscope::gpu;
using namespace opscope::gpu_test;

TEST_CASE(
    "times that cannot be are counted by reason; unfinished work is kept with its end before its start") {
  Bench bench(LayoutOf(&StrideRow::cuda_12_4));
  bench.store.earliest_ns = 500;
  bench.store.latest_ns = 5'000'000'000;
  BufferBuilder builder(bench.layout);
  builder.Kernel("zero", 1, {0, 0});
  builder.Kernel("unfinished", 2, {kEpoch + 1000, 0});
  builder.Kernel("negative", 3, {kEpoch + 2000, kEpoch + 1500});
  builder.Kernel("early", 4, {kEpoch + 499, kEpoch + 600});
  builder.Kernel("late", 5, {kEpoch + 5'000'000'001, kEpoch + 5'000'000'002});
  builder.Kernel("good", 6, {kEpoch + 3000, kEpoch + 3000});
  bench.Read(builder);
  REQUIRE(bench.store.rows.size() == 2);
  CHECK(bench.Text(bench.Row(0).name) == "unfinished");
  CHECK(bench.Row(0).start_ns == 1000);
  CHECK(bench.Row(0).end_ns < 1000);
  CHECK(bench.Row(1).end_ns == bench.Row(1).start_ns);
  CHECK(bench.store.kernels.column()[1].row == 1);
  const RecordCounts& counts = bench.store.counts;
  CHECK(counts.zero_time == 1);
  CHECK(counts.unfinished == 1);
  CHECK(counts.negative_time == 1);
  CHECK(counts.out_of_range == 2);
  CHECK(counts.records == 6);
}

TEST_CASE("a buffer cut at any byte gives the whole records before the cut and counts the rest") {
  const RecordLayout layout = LayoutOf(&StrideRow::cuda_13_0);
  BufferBuilder builder(layout);
  builder.Kernel("a", 1, {kEpoch + 1, kEpoch + 2})
      .Call(cupti::Kind::kRuntime, 211, 1, {kEpoch + 1, kEpoch + 2});
  builder.Kernel("b", 2, {kEpoch + 3, kEpoch + 4});
  for (size_t cut = 0; cut <= builder.size(); ++cut) {
    Bench bench(layout);
    bench.Read(builder.data(), cut);
    CAPTURE(cut);
    const size_t whole = cut == builder.size() ? 3u : cut >= 256 ? 2u : cut >= 216 ? 1u : 0u;
    const size_t whole_bytes = whole == 3 ? builder.size() : whole == 2 ? 256u : whole == 1 ? 216u : 0u;
    CHECK(bench.store.counts.records == whole);
    CHECK(bench.store.counts.lost_bytes == cut - whole_bytes);
    CHECK(bench.store.counts.truncated + bench.store.counts.unknown == (cut == whole_bytes ? 0u : 1u));
  }
}

TEST_CASE("unknown kinds and garbage end a buffer, are counted, and harm nothing") {
  const RecordLayout layout = LayoutOf(&StrideRow::cuda_13_0);
  for (const uint32_t kind : {0u, 60u, 63u, 64u, 65535u, 0xFFFFFFFFu}) {
    Bench bench(layout);
    BufferBuilder builder(layout);
    builder.Kernel("a", 1, {kEpoch + 1, kEpoch + 2})
        .AddRaw(kind, 48)
        .Kernel("b", 2, {kEpoch + 3, kEpoch + 4});
    bench.Read(builder);
    CHECK(bench.store.rows.size() == 1);
    CHECK(bench.store.counts.unknown == 1);
    CHECK(bench.store.counts.lost_bytes == 48u + 216u);
  }
  uint64_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint8_t> noise(8 + static_cast<size_t>(round) % 400);
    for (uint8_t& byte : noise) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<uint8_t>(state >> 56);
    }
    // Only kinds without a text pointer: that one must be believed.
    const uint32_t kinds[] = {1, 2, 4, 5, 9, 17, 22, 38, 51, 60};
    std::memcpy(noise.data(), &kinds[static_cast<size_t>(round) % 10], 4);
    for (size_t at = 32; at + 4 <= noise.size(); at += 8)
      std::memcpy(noise.data() + at, &kinds[(at + static_cast<size_t>(round)) % 10], 4);
    Bench bench(layout);
    bench.Read(noise.data(), noise.size());
    CHECK(bench.store.counts.records <= noise.size() / 8);
  }
}

TEST_CASE("odd names are kept: none, empty, long, not UTF-8, replaced under the same address") {
  Bench bench(LayoutOf(&StrideRow::cuda_13_0));
  const std::string huge(8192, 'x');
  char reused[] = "first_owner";
  {
    BufferBuilder builder(bench.layout);
    builder.Kernel(nullptr, 1, {kEpoch + 1, kEpoch + 2})
        .Kernel("", 2, {kEpoch + 1, kEpoch + 2})
        .Kernel(huge.c_str(), 3, {kEpoch + 1, kEpoch + 2});
    builder.Kernel("bad\xFFutf8", 4, {kEpoch + 1, kEpoch + 2})
        .Kernel(reused, 5, {kEpoch + 1, kEpoch + 2})
        .Kernel(reused, 6, {kEpoch + 1, kEpoch + 2});
    bench.Read(builder);
  }
  std::memcpy(reused, "other_owner", sizeof(reused));
  BufferBuilder builder(bench.layout);
  builder.Kernel(reused, 7, {kEpoch + 1, kEpoch + 2});
  bench.Read(builder);
  REQUIRE(bench.store.rows.size() == 7);
  CHECK(bench.Text(bench.Row(0).name) == "(unnamed)");
  CHECK(bench.Row(1).name == bench.Row(0).name);
  CHECK(bench.Text(bench.Row(2).name).size() == ActivityTexts::kMaxBytes);
  CHECK(bench.Text(bench.Row(3).name) == "bad\xEF\xBF\xBDutf8");
  CHECK(bench.Text(bench.Row(4).name) == "first_owner");
  CHECK(bench.Row(5).name == bench.Row(4).name);
  CHECK(bench.Text(bench.Row(6).name) == "other_owner");
}

TEST_CASE("ids stay in order when the buffer from behind a wrap is read before the one from ahead of it") {
  Bench bench(LayoutOf(&StrideRow::cuda_13_0));
  BufferBuilder behind(bench.layout), ahead(bench.layout);
  behind.Call(cupti::Kind::kRuntime, 211, 3, {kEpoch + 30, kEpoch + 31})
      .Kernel("k", 3, {kEpoch + 40, kEpoch + 41});
  ahead.Call(cupti::Kind::kRuntime, 211, 0xFFFFFFFEu, {kEpoch + 10, kEpoch + 11})
      .Kernel("k", 0xFFFFFFFEu, {kEpoch + 20, kEpoch + 21});
  ahead.Kernel("k", 4, {kEpoch + 50, kEpoch + 51});
  bench.Read(behind);
  CHECK(bench.Row(0).correlation_id == 3);
  bench.Read(ahead);
  CHECK(bench.Row(0).correlation_id == 0x1'0000'0003u);
  CHECK(bench.Row(1).correlation_id == 0xFFFFFFFEu);
  CHECK(bench.Row(2).correlation_id == 0x1'0000'0004u);
  CHECK(bench.store.calls.column()[0].correlation_id == 0x1'0000'0003u);
  CHECK(bench.store.first_call_id == 0xFFFFFFFEu);
  CHECK(bench.store.first_row_id == 0xFFFFFFFEu);
}

namespace {

// A producer whose records are longer than the probe said: its walker alone is right.
cupti::Result LongerKernels(uint8_t* buffer, size_t valid_bytes, uint8_t** record) {
  constexpr size_t kStride = 256;
  const size_t at = *record == nullptr ? 0 : static_cast<size_t>(*record - buffer) + kStride;
  if (at + kStride > valid_bytes) return cupti::kMaxLimitReached;
  *record = buffer + at;
  return cupti::kSuccess;
}

}  // namespace

TEST_CASE("where the producer's walker goes another way it is followed and the case counted") {
  Bench bench(LayoutOf(&StrideRow::cuda_13_0), &LongerKernels);
  RecordLayout::Strides strides = bench.layout.strides();
  strides[10] = 256;
  for (int i = 0; i < 3; ++i) {
    BufferBuilder builder{RecordLayout(strides)};
    builder.Kernel("a", 1, {kEpoch + 1, kEpoch + 2}).Kernel("b", 2, {kEpoch + 3, kEpoch + 4});
    bench.Read(builder);
  }
  CHECK(bench.store.rows.size() == 6);
  CHECK(bench.store.counts.walk_mismatches == 1);
  CHECK(bench.store.counts.lost_bytes == 0);
}
