#include "core/quantile.h"

#include <algorithm>
#include <vector>

#include "doctest.h"
#include "raw_rows_builder.h"

namespace opscope::test {
namespace {

// R-7 over sorted values below 2^56, so that hundredths of a gap fit.
uint64_t BySorting(std::vector<uint64_t> values, uint64_t percent) {
  std::sort(values.begin(), values.end());
  const uint64_t place = (values.size() - 1) * percent;
  const uint64_t low = values[place / 100],
                 high = values[std::min<size_t>(place / 100 + 1, values.size() - 1)];
  return (low * 100 + (high - low) * (place % 100) + 50) / 100;
}

uint64_t BySelection(std::vector<uint64_t> values, uint64_t percent) {
  return PercentileOf(values.data(), values.size(), percent);
}

TEST_CASE("quantile: selection gives what sorting gives, whatever the distribution") {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    const int64_t spread = int64_t{1} << random.Below(31);
    const auto count = static_cast<size_t>(1 + random.Below(seed % 50 == 0 ? 20000 : 300));
    std::vector<uint64_t> values(count);
    for (uint64_t& value : values) {
      value = static_cast<uint64_t>(random.Below(spread) + (random.OneIn(4) ? 1000 : 0));
      if (random.OneIn(50)) value <<= random.Below(25);
    }
    for (const uint64_t percent : {0u, 50u, 99u, 100u}) {
      CAPTURE(seed);
      CAPTURE(percent);
      CHECK(BySelection(values, percent) == BySorting(values, percent));
    }
  }
}

TEST_CASE("quantile: halves round up, a single value is every percentile") {
  CHECK(BySelection({7}, 50) == 7);
  CHECK(BySelection({7}, 99) == 7);
  CHECK(BySelection({1, 2}, 50) == 2);             // 1.5
  CHECK(BySelection({1, 2}, 99) == 2);             // 1.99
  CHECK(BySelection({10, 15, 18, 40}, 50) == 17);  // 16.5
  CHECK(BySelection({0, 100}, 99) == 99);
  CHECK(Between(0, uint64_t{1} << 62, 50) == uint64_t{1} << 61);
}

TEST_CASE("quantile: buckets follow each other without a gap") {
  for (unsigned bucket = 0; bucket + 1 < kBucketCount - 8; ++bucket) {
    CHECK(BucketOf(BucketStart(bucket)) == bucket);
    CHECK(BucketOf(BucketStart(bucket + 1) - 1) == bucket);
  }
  CHECK(BucketOf(INT64_MAX) == 487);
  CHECK(BucketOf(INT64_MAX) < kBucketCount);
}

}  // namespace
}  // namespace opscope::test
