// Plain rows, written one call a row, and random ones.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "core/raw_rows.h"
#include "doctest.h"

namespace opscope::test {

class RowsBuilder {
 public:
  uint32_t Thread(const char* name = "") {
    rows.threads.push_back({name, 0, -1});
    return static_cast<uint32_t>(rows.threads.size() - 1);
  }
  uint32_t Name(const std::string& text, Role role = Role::kOp, Category category = Category::kUser) {
    const NameEntry entry = {text, role == Role::kInstance ? "0" : "", category, role};
    for (uint32_t i = 0; i < rows.names.size(); ++i) {
      if (rows.names[i] == entry) return i;
    }
    rows.names.push_back(entry);
    return static_cast<uint32_t>(rows.names.size() - 1);
  }
  uint32_t String(const std::string& text) {
    const auto found = std::find(rows.strings.begin(), rows.strings.end(), text);
    const auto index = static_cast<uint32_t>(found - rows.strings.begin());
    if (found == rows.strings.end()) rows.strings.push_back(text);
    return index;
  }
  // Returns the row as given.
  uint32_t Span(uint32_t thread, const std::string& name, int64_t start, int64_t end, uint8_t flags = 0,
                uint64_t id = 0, uint64_t parent_id = 0) {
    rows.span_thread.Append(thread);
    rows.span_name.Append(Name(name));
    rows.span_start_ns.Append(start);
    rows.span_end_ns.Append(end);
    rows.span_flags.Append(flags);
    rows.span_id.Append(id);
    rows.span_parent_id.Append(parent_id);
    rows.span_trace_high.Append(0);
    rows.span_trace_low.Append(0);
    return static_cast<uint32_t>(rows.span_start_ns.size() - 1);
  }
  void Return(uint32_t span, int64_t at) { rows.span_returns.Append({at, span}); }
  void Launch(uint32_t thread, const std::string& api, int64_t start, int64_t end, uint64_t correlation) {
    rows.launches.Append({start, end, correlation, String(api), thread, kNoParent});
  }
  void Gpu(GpuKind kind, int64_t start, int64_t end, uint64_t correlation,
           MemoryKind from = MemoryKind::kUnknown, MemoryKind to = MemoryKind::kUnknown) {
    rows.gpu.Append({start, end, correlation, 0, String("work"), 0, 1, 7, -1, kNoParent, kind, from, to});
  }
  void Kernel(int64_t start, int64_t end, uint64_t correlation) {
    Gpu(GpuKind::kKernel, start, end, correlation);
  }

  std::shared_ptr<const Recording> Build() {
    std::shared_ptr<const Recording> recording;
    const Status status = BuildRecording(std::move(rows), &recording);
    INFO(status.detail);
    REQUIRE(status.ok());
    return recording;
  }

  RawRows rows;
};

struct Random {
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint64_t Next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  int64_t Below(int64_t bound) { return static_cast<int64_t>((Next() >> 33) % static_cast<uint64_t>(bound)); }
  bool OneIn(int64_t n) { return Below(n) == 0; }
  uint64_t state;
};

// Threads of nested spans in coarse times (so that edges meet), with async,
// timed and unfinished ones, parents by id on any thread, marks, launches and
// GPU rows; some thousand rows at most, given in no order.
inline RawRows RandomRows(uint64_t seed) {
  Random random(seed);
  RowsBuilder builder;
  const int64_t threads = 1 + random.Below(3), span_count = random.Below(120), end = 1 + random.Below(400);
  const std::string names[] = {"a", "b", "c", "d"};
  for (int64_t i = 0; i < threads; ++i) builder.Thread();
  for (int64_t i = 0; i < span_count; ++i) {
    const auto thread = static_cast<uint32_t>(random.Below(threads));
    const int64_t start = random.Below(end);
    // Mostly dyadic intervals, which nest or are apart.
    const int64_t width = int64_t{1} << random.Below(8);
    int64_t from = start / width * width, to = from + width;
    if (random.OneIn(8)) to = from + random.Below(40);
    if (random.OneIn(20)) to = kOpenEnd;
    if (random.OneIn(30)) to = from - 1;
    uint8_t flags = 0;
    if (random.OneIn(6)) flags |= kAsync;
    if (random.OneIn(10)) flags |= kTimed;
    if (random.OneIn(12)) flags |= kBracket;
    const bool has_id = random.OneIn(2);
    const uint64_t parent = random.OneIn(5) ? 1 + static_cast<uint64_t>(random.Below(span_count + 5)) : 0;
    const uint32_t row = builder.Span(thread, names[random.Below(4)], from, to, flags,
                                      has_id ? static_cast<uint64_t>(i) + 1 : 0, parent);
    if ((flags & kAsync) != 0 && random.OneIn(2)) builder.Return(row, from + random.Below(60));
  }
  for (int64_t i = random.Below(10); i-- > 0;) {
    builder.rows.marks.Append(
        {random.Below(end), builder.Name("mark"), static_cast<uint32_t>(random.Below(threads)), kNoParent});
  }
  if (random.OneIn(3)) return std::move(builder.rows);
  for (uint32_t thread = 0; thread < threads && span_count > 0; ++thread) {
    for (int64_t at = random.Below(200); at < end; at += random.Below(100)) {
      const int64_t from = at;
      at += 1 + random.Below(60);
      builder.rows.contexts.Append({from, at, thread, static_cast<int32_t>(random.Below(span_count))});
    }
  }
  const char* apis[] = {"cudaLaunchKernel", "cudaMemcpy", "cudaMemcpyAsync", "cudaGraphLaunch"};
  for (int64_t i = random.Below(30); i-- > 0;) {
    const int64_t at = random.Below(end + 50);
    builder.Launch(static_cast<uint32_t>(random.Below(threads)), apis[random.Below(4)], at,
                   at + random.Below(5), static_cast<uint64_t>(random.Below(30)));
  }
  for (int64_t i = random.Below(40); i-- > 0;) {
    const int64_t at = random.Below(end + 50);
    builder.Gpu(static_cast<GpuKind>(random.Below(4)), at, at + random.Below(30),
                static_cast<uint64_t>(random.Below(35)), static_cast<MemoryKind>(random.Below(7)),
                static_cast<MemoryKind>(random.Below(7)));
  }
  return std::move(builder.rows);
}

inline uint64_t WarningCount(const Recording& recording, const std::string& code) {
  for (const Warning& warning : recording.warnings) {
    if (warning.code == code) return warning.count;
  }
  return 0;
}

}  // namespace opscope::test
