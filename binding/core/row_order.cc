#include "row_order.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>
#include <vector>

namespace opscope {
namespace {

// Ascending runs up to this many are merged two by two; a thread's own rows and
// the timed ones behind them are two.
constexpr size_t kRunsToMerge = 16;

void MergeRuns(const int64_t* keys, std::vector<size_t> bounds, size_t count, uint32_t* order) {
  Column<uint32_t> scratch(count);
  uint32_t* from = order;
  uint32_t* to = scratch.data();
  const auto by_key = [keys](uint32_t a, uint32_t b) { return keys[a] < keys[b]; };
  while (bounds.size() > 2) {
    std::vector<size_t> merged = {0};
    for (size_t i = 0; i + 1 < bounds.size(); i += 2) {
      const size_t middle = bounds[i + 1];
      const size_t end = i + 2 < bounds.size() ? bounds[i + 2] : middle;
      std::merge(from + bounds[i], from + middle, from + middle, from + end, to + bounds[i], by_key);
      merged.push_back(end);
    }
    bounds = std::move(merged);
    std::swap(from, to);
  }
  if (from != order) std::copy_n(from, count, order);
}

// Least significant digit first over the key bits only: the index in the low
// bits starts out ascending, so equal keys keep their order.
void RadixSort(uint64_t* values, size_t count, unsigned low_bit, unsigned bits) {
  constexpr unsigned kDigitBits =
      11;  // 16 KiB of counts and 2,048 write streams still fit L1 and its TLB's second level
  Column<uint64_t> scratch(count);
  uint64_t* from = values;
  uint64_t* to = scratch.data();
  for (unsigned shift = low_bit; shift < low_bit + bits; shift += kDigitBits) {
    size_t starts[1u << kDigitBits] = {};
    constexpr uint64_t kMask = (1u << kDigitBits) - 1;
    for (size_t i = 0; i < count; ++i) ++starts[from[i] >> shift & kMask];
    size_t sum = 0;
    for (size_t& start : starts) sum += std::exchange(start, sum);
    for (size_t i = 0; i < count; ++i) to[starts[from[i] >> shift & kMask]++] = from[i];
    std::swap(from, to);
  }
  if (from != values) std::copy_n(from, count, values);
}

// Rows of one thread, `order` being the wanted sequence, with each parent of
// the same thread moved ahead of its first child.
void PutParentsFirst(const SpanColumns& spans, size_t first, Column<uint32_t>* order) {
  const size_t count = order->size();
  std::vector<bool> is_placed(count);
  std::vector<uint32_t> chain;
  Column<uint32_t> placed(count);
  size_t size = 0;
  for (const uint32_t wanted : *order) {
    uint32_t at = wanted;
    while (!is_placed[at]) {
      is_placed[at] = true;
      chain.push_back(at);
      const size_t parent = static_cast<size_t>(spans.parent[first + at]) - first;
      if (spans.parent[first + at] == kNoParent || parent >= count) break;
      at = static_cast<uint32_t>(parent);
    }
    for (; !chain.empty(); chain.pop_back()) placed[size++] = chain.back();
  }
  *order = std::move(placed);
}

bool AreParentsFirst(const SpanColumns& spans, size_t first, size_t count) noexcept {
  for (size_t row = first; row < first + count; ++row) {
    const auto parent = static_cast<size_t>(spans.parent[row]);
    if (spans.parent[row] != kNoParent && parent >= row && parent < first + count) return false;
  }
  return true;
}

template <typename T>
void MoveColumn(Column<T>* column, const Column<uint32_t>& new_rows, size_t size) {
  Column<T> moved(size);
  for (size_t row = 0; row < new_rows.size(); ++row) moved[new_rows[row]] = (*column)[row];
  *column = std::move(moved);
}

template <typename Row>
void MoveTable(Column<Row>* table, const Column<uint32_t>& new_rows) {
  for (Row& row : *table) row.row = new_rows[row.row];
  SortTable(table, [](const Row& a, const Row& b) { return a.row < b.row; });
}

template <typename Row>
void MoveSpanReferences(Column<Row>* table, const Column<uint32_t>& new_rows) {
  for (Row& row : *table) {
    if (row.span != kNoParent) row.span = static_cast<int32_t>(new_rows[static_cast<size_t>(row.span)]);
  }
}

}  // namespace

bool IsInBeginOrder(const SpanColumns& spans, size_t first, size_t count) noexcept {
  const int64_t* starts = spans.start_ns.data() + first;
  constexpr size_t kBlock = 4096;
  for (size_t from = 1; from < count; from += kBlock) {
    const size_t to = std::min(from + kBlock, count);
    int64_t signs = 0;  // of differences, which vectorise where comparisons do not
    for (size_t i = from; i < to; ++i) signs |= starts[i] - starts[i - 1];
    if (signs < 0) return false;
  }
  return true;
}

void OrderByKey(const int64_t* keys, size_t count, uint32_t* order) {
  std::iota(order, order + count, 0u);
  std::vector<size_t> bounds = {0};
  for (size_t i = 1; i < count && bounds.size() <= kRunsToMerge; ++i) {
    if (keys[i] < keys[i - 1]) bounds.push_back(i);
  }
  if (bounds.size() == 1) return;
  if (bounds.size() <= kRunsToMerge) {
    bounds.push_back(count);
    MergeRuns(keys, std::move(bounds), count, order);
    return;
  }
  const auto [least, greatest] = std::minmax_element(keys, keys + count);
  const auto base = static_cast<uint64_t>(*least);
  const auto key_bits = static_cast<unsigned>(std::bit_width(static_cast<uint64_t>(*greatest) - base));
  const auto index_bits = static_cast<unsigned>(std::bit_width(count - 1));
  if (key_bits + index_bits > 64) {
    std::stable_sort(order, order + count, [keys](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
    return;
  }
  Column<uint64_t> packed(count);
  for (size_t i = 0; i < count; ++i) packed[i] = (static_cast<uint64_t>(keys[i]) - base) << index_bits | i;
  constexpr size_t kRadixFrom = 4096;  // below, clearing the counts costs more than comparing
  if (count < kRadixFrom) {
    std::sort(packed.begin(), packed.end());
  } else {
    RadixSort(packed.data(), count, index_bits, key_bits);
  }
  const uint64_t mask = (uint64_t{1} << index_bits) - 1;
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(packed[i] & mask);
}

void PutInBeginOrder(Recording* recording) {
  const SpanColumns& spans = recording->spans;
  Column<uint32_t> new_rows;  // made when the first thread needs it
  for (const ThreadEntry& thread : recording->threads) {
    const size_t first = thread.first_row;
    const bool is_in_order = IsInBeginOrder(spans, first, thread.row_count);
    if (is_in_order && AreParentsFirst(spans, first, thread.row_count)) continue;
    if (new_rows.empty()) {
      new_rows.Reset(spans.size());
      std::iota(new_rows.begin(), new_rows.end(), 0u);
    }
    Column<uint32_t> order(thread.row_count);
    OrderByKey(spans.start_ns.data() + first, order.size(), order.data());
    PutParentsFirst(spans, first, &order);
    for (size_t i = 0; i < order.size(); ++i) new_rows[first + order[i]] = static_cast<uint32_t>(first + i);
  }
  if (!new_rows.empty()) MoveRows(recording, new_rows, spans.size());
}

void MoveRows(Recording* recording, const Column<uint32_t>& new_rows, size_t size) {
  SpanColumns& spans = recording->spans;
  for (int32_t& parent : spans.parent) {
    if (parent != kNoParent) parent = static_cast<int32_t>(new_rows[static_cast<size_t>(parent)]);
  }
  MoveColumn(&spans.start_ns, new_rows, size);
  MoveColumn(&spans.duration_ns, new_rows, size);
  MoveColumn(&spans.name, new_rows, size);
  MoveColumn(&spans.parent, new_rows, size);
  MoveColumn(&spans.flags, new_rows, size);
  if (!spans.gpu_ns.empty()) MoveColumn(&spans.gpu_ns, new_rows, size);
  MoveTable(&recording->asyncs, new_rows);
  MoveTable(&recording->ids, new_rows);
  MoveTable(&recording->attributes, new_rows);
  MoveTable(&recording->links, new_rows);
  MoveSpanReferences(&recording->marks, new_rows);
  MoveSpanReferences(&recording->launches, new_rows);
  MoveSpanReferences(&recording->contexts, new_rows);
  MoveSpanReferences(&recording->gpu, new_rows);
  MoveSpanReferences(&recording->gpu_details.memory, new_rows);
}

void PutGpuInOrder(Column<GpuRow>* rows, GpuDetails* details) {
  const auto by_start = [](const auto& a, const auto& b) { return a.start_ns < b.start_ns; };
  if (!std::is_sorted(rows->begin(), rows->end(), by_start)) {
    Column<int64_t> starts(rows->size());
    for (size_t i = 0; i < starts.size(); ++i) starts[i] = (*rows)[i].start_ns;
    Column<uint32_t> order(rows->size());
    OrderByKey(starts.data(), order.size(), order.data());
    Column<GpuRow> ordered(order.size());
    Column<uint32_t> new_rows(order.size());
    for (uint32_t i = 0; i < order.size(); ++i) {
      ordered[i] = (*rows)[order[i]];
      new_rows[order[i]] = i;
    }
    *rows = std::move(ordered);
    MoveTable(&details->kernels, new_rows);
  }
  SortTable(&details->overheads, by_start);
  SortTable(&details->memory, [](const auto& a, const auto& b) { return a.at_ns < b.at_ns; });
}

}  // namespace opscope
