// Exact percentiles without sorting.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace opscope {

// Where a percentile lies among sorted values by R-7 (numpy, pandas, Excel's
// PERCENTILE.INC): `hundredths`/100 of the way from x[rank] to x[rank + 1].
struct QuantilePlace {
  uint64_t rank;
  uint64_t hundredths;
};
// `count` > 0.
constexpr QuantilePlace PlaceOf(uint64_t count, uint64_t percent) noexcept {
  const uint64_t scaled = (count - 1) * percent;
  return {scaled / 100, scaled % 100};
}
// Rounded half up, in whole numbers, so exact where a double would not be.
constexpr uint64_t Between(uint64_t low, uint64_t high, uint64_t hundredths) noexcept {
  const uint64_t gap = high - low;
  return low + gap / 100 * hundredths + (gap % 100 * hundredths + 50) / 100;
}

// Buckets of a histogram over all int64 >= 0: exact below 16, then eight to
// an octave. Twice as many would halve the values that are looked at closely and
// double the memory, 2 KiB a path.
constexpr unsigned kMantissaBits = 3;
// Used are 488. An odd number of cache lines, since the histograms of all paths
// lie in a row and similar durations would else meet in the same lines of L1.
constexpr unsigned kBucketCount = 496;
constexpr unsigned BucketOf(uint64_t value) noexcept {
  const unsigned shift = static_cast<unsigned>(std::bit_width(value | 8)) - 1 - kMantissaBits;
  return (shift << kMantissaBits) + static_cast<unsigned>(value >> shift);
}
// The smallest value of a bucket; of bucket b + 1, one more than the largest of b.
constexpr uint64_t BucketStart(unsigned bucket) noexcept {
  if (bucket < 16) return bucket;
  const unsigned shift = (bucket >> kMantissaBits) - 1;
  return uint64_t{(bucket & 7) + 8} << shift;
}

struct ValuePair {
  uint64_t at;    // x[rank]
  uint64_t next;  // x[rank + 1], or x[rank] where there is none
};

// The neighbours x[rank], x[rank + 1] of the sorted order. Linear: each round
// cuts the range of candidates with one histogram and no branch that depends on
// a value, where nth_element mispredicts one for every second.
// Leaves `values` in another order and partly overwritten. rank < count.
inline ValuePair SelectPair(uint64_t* values, size_t count, size_t rank) {
  constexpr size_t kSortBelow = 24;
  constexpr unsigned kMaxDigitBits = 10;
  bool is_next_known = false;  // the next value left the candidates in an earlier round
  uint64_t next = 0;
  while (count > kSortBelow) {
    uint64_t low = values[0], high = values[0];
    for (size_t i = 1; i < count; ++i) {
      low = std::min(low, values[i]);
      high = std::max(high, values[i]);
    }
    if (low == high) return {low, is_next_known && rank + 1 == count ? next : low};
    const unsigned width = static_cast<unsigned>(std::bit_width(high - low));
    const unsigned digit_bits =
        count < 4096 ? 6 : kMaxDigitBits;  // fewer, where clearing the counts would show
    const unsigned shift = width > digit_bits ? width - digit_bits : 0;
    uint32_t histogram[1u << kMaxDigitBits];
    std::fill_n(histogram, size_t{1} << digit_bits, 0u);
    for (size_t i = 0; i < count; ++i) ++histogram[(values[i] - low) >> shift];
    size_t before = 0;
    uint64_t digit = 0;
    while (before + histogram[digit] <= rank) before += histogram[digit++];
    const size_t kept = histogram[digit];
    if (!is_next_known && rank + 1 == before + kept && rank + 1 < count) {
      // The neighbour above lies in a later digit: the least value there.
      next = high;
      for (size_t i = 0; i < count; ++i) {
        if ((values[i] - low) >> shift > digit) next = std::min(next, values[i]);
      }
      is_next_known = true;
    }
    size_t size = 0;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t value = values[i];
      values[size] = value;
      size += (value - low) >> shift == digit;
    }
    count = kept;
    rank -= before;
  }
  std::nth_element(values, values + rank, values + count);
  const uint64_t at = values[rank];
  if (rank + 1 < count) return {at, *std::min_element(values + rank + 1, values + count)};
  return {at, is_next_known ? next : at};
}

// The exact percentile. Spoils `values` as SelectPair does. `count` > 0.
inline uint64_t PercentileOf(uint64_t* values, size_t count, uint64_t percent) {
  const QuantilePlace place = PlaceOf(count, percent);
  const ValuePair pair = SelectPair(values, count, place.rank);
  return Between(pair.at, pair.next, place.hundredths);
}

}  // namespace opscope
