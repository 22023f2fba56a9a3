#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/op_table.h"
#include "doctest.h"
#include "raw_rows_builder.h"

namespace opscope::test {
namespace {

struct Row {
  double calls = 0, total = 0, cpu = 0, gpu = 0, self = 0, min = 0, max = 0, p50 = 0, p99 = 0,
         first_start = 0, first_end = 0, unfinished = 0;
  uint32_t peak = 0;
  auto Tie() const {
    return std::tie(calls, total, cpu, gpu, self, min, max, p50, p99, first_start, first_end, unfinished,
                    peak);
  }
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << "calls " << row.calls << " total " << row.total << " cpu " << row.cpu << " gpu " << row.gpu
             << " self " << row.self << " min " << row.min << " max " << row.max << " p50 " << row.p50
             << " p99 " << row.p99 << " first " << row.first_start << ".." << row.first_end << " unfinished "
             << row.unfinished << " peak " << row.peak;
}
using Rows = std::map<std::string, Row>;

std::string PartOf(const NameEntry& name, bool is_async) {
  return name.text +
         (name.role == Role::kOp ? "" : "#" + std::to_string(static_cast<int>(name.role)) + name.instance) +
         "@" + std::to_string(static_cast<int>(name.category)) + (is_async ? "~" : "");
}

// Table rows by path, "thread:a/b"; merged ones without a thread.
Rows RowsOf(const Recording& recording, const OpTable& table) {
  Rows rows;
  std::vector<std::string> paths;
  for (size_t row = 0; row < table.size(); ++row) {
    const std::string part = PartOf(recording.names[table.name[row]], table.is_async[row] != 0);
    const int32_t parent = table.parent[row];
    CHECK(parent < static_cast<int32_t>(row));
    const std::string thread = table.thread[row] < 0 ? "" : std::to_string(table.thread[row]) + ":";
    paths.push_back(parent < 0 ? thread + part : paths[static_cast<size_t>(parent)] + "/" + part);
    CHECK(rows.count(paths.back()) == 0);
    rows[paths.back()] = {
        table.calls[row],   table.total_ns[row],       table.cpu_ns[row],       table.gpu_ns[row],
        table.self_ns[row], table.min_ns[row],         table.max_ns[row],       table.p50_ns[row],
        table.p99_ns[row],  table.first_start_ns[row], table.first_end_ns[row], table.unfinished[row],
        table.peak[row]};
  }
  return rows;
}

double Percentile(std::vector<int64_t> values, int64_t percent) {
  std::sort(values.begin(), values.end());
  const int64_t place = static_cast<int64_t>(values.size() - 1) * percent;
  const int64_t low = values[static_cast<size_t>(place / 100)],
                high = values[std::min(static_cast<size_t>(place / 100) + 1, values.size() - 1)];
  return static_cast<double>((low * 100 + (high - low) * (place % 100) + 50) / 100);
}

// The definitions of the op rows, worked through span by span.
class ByDefinition {
 public:
  ByDefinition(const Recording& recording, TimeOf time)
      : recording_(recording), spans_(recording.spans), time_(time) {
    for (const AsyncRow& async : recording.asyncs) return_of_[async.row] = async.return_ns;
  }

  Rows Of(bool is_per_thread) const {
    std::map<std::string, std::vector<size_t>> spans_of_path;
    for (size_t row = 0; row < spans_.size(); ++row) spans_of_path[PathOf(row, is_per_thread)].push_back(row);
    Rows rows;
    for (const auto& [path, spans] : spans_of_path) rows[path] = RowOf(spans);
    return rows;
  }

 private:
  size_t ThreadOf(size_t row) const {
    size_t thread = 0;
    while (row >= size_t{recording_.threads[thread].first_row} + recording_.threads[thread].row_count)
      ++thread;
    return thread;
  }
  bool Has(size_t row, SpanFlag flag) const { return (spans_.flags[row] & flag) != 0; }
  std::string PathOf(size_t row, bool is_per_thread) const {
    const std::string part = PartOf(recording_.names[spans_.name[row]], Has(row, kAsync));
    const int32_t parent = spans_.parent[row];
    const std::string thread = is_per_thread ? std::to_string(ThreadOf(row)) + ":" : "";
    if (parent == kNoParent || (is_per_thread && ThreadOf(static_cast<size_t>(parent)) != ThreadOf(row)))
      return thread + part;
    return PathOf(static_cast<size_t>(parent), is_per_thread) + "/" + part;
  }
  int64_t HostEnd(size_t row) const {
    return Has(row, kAsync) ? return_of_.at(row) : spans_.start_ns[row] + spans_.duration_ns[row];
  }
  // By counting each nanosecond.
  int64_t SelfOf(size_t row) const {
    std::vector<bool> is_covered(static_cast<size_t>(HostEnd(row) - spans_.start_ns[row]), false);
    for (size_t child = 0; child < spans_.size(); ++child) {
      if (spans_.parent[child] != static_cast<int32_t>(row) || ThreadOf(child) != ThreadOf(row)) continue;
      if (spans_.start_ns[child] < spans_.start_ns[row]) continue;  // the accepted imperfection of CoverRows
      const int64_t end = std::min(HostEnd(child), HostEnd(row));
      for (int64_t at = spans_.start_ns[child]; at < end; ++at)
        is_covered[static_cast<size_t>(at - spans_.start_ns[row])] = true;
    }
    return std::count(is_covered.begin(), is_covered.end(), false);
  }
  Row RowOf(const std::vector<size_t>& spans) const {
    Row row;
    std::vector<int64_t> times;
    int64_t first_start = INT64_MAX, first_end = INT64_MAX, first_unfinished = INT64_MAX;
    for (const size_t span : spans) {
      const int64_t start = spans_.start_ns[span], cpu = spans_.duration_ns[span];
      if (Has(span, kUnfinished)) {
        ++row.unfinished;
        first_unfinished = std::min(first_unfinished, start);
        continue;
      }
      const int64_t gpu = spans_.gpu_ns.empty() ? 0 : spans_.gpu_ns[span];
      times.push_back(time_ == TimeOf::kCpu ? cpu : time_ == TimeOf::kGpu ? gpu : cpu + gpu);
      ++row.calls;
      row.cpu += static_cast<double>(cpu);
      row.gpu += static_cast<double>(gpu);
      row.total += static_cast<double>(times.back());
      row.self += static_cast<double>(SelfOf(span));
      first_start = std::min(first_start, start);
      first_end = std::min(first_end, start + cpu);
      if (!Has(span, kAsync)) continue;
      uint32_t open = 0;
      for (const size_t other : spans) {
        const bool is_open =
            spans_.start_ns[other] <= start && start < spans_.start_ns[other] + spans_.duration_ns[other];
        open += !Has(other, kUnfinished) && is_open;
      }
      row.peak = std::max({row.peak, open, 1u});
    }
    if (times.empty()) {
      row.first_start = static_cast<double>(first_unfinished);
      row.first_end = static_cast<double>(recording_.duration_ns);
      return row;
    }
    row.first_start = static_cast<double>(first_start);
    row.first_end = static_cast<double>(first_end);
    row.min = static_cast<double>(*std::min_element(times.begin(), times.end()));
    row.max = static_cast<double>(*std::max_element(times.begin(), times.end()));
    row.p50 = Percentile(times, 50);
    row.p99 = Percentile(times, 99);
    return row;
  }

  const Recording& recording_;
  const SpanColumns& spans_;
  const TimeOf time_;
  std::map<size_t, int64_t> return_of_;
};

void CheckEqual(const Rows& got, const Rows& expected) {
  CHECK(got.size() == expected.size());
  for (const auto& [path, row] : expected) {
    CAPTURE(path);
    REQUIRE(got.count(path) == 1);
    INFO("got      " << got.at(path));
    INFO("expected " << row);
    CHECK(got.at(path).Tie() == row.Tie());
  }
}

TEST_CASE("op tree: a thousand random recordings give what the definitions give") {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    RowsBuilder builder;
    builder.rows = RandomRows(seed);
    builder.rows.names.push_back(builder.rows.names.empty() ? NameEntry{"a", "", Category::kUser, Role::kOp}
                                                            : builder.rows.names[0]);
    if (!builder.rows.span_name.empty())
      builder.rows.span_name[0] = static_cast<uint32_t>(builder.rows.names.size() - 1);
    const auto recording = builder.Build();
    for (const TimeOf time : {TimeOf::kCpu, TimeOf::kGpu, TimeOf::kAll}) {
      const OpTables tables = BuildOpTables(*recording, time);
      const ByDefinition definition(*recording, time);
      CheckEqual(RowsOf(*recording, tables.merged), definition.Of(false));
      CheckEqual(RowsOf(*recording, tables.per_thread), definition.Of(true));
    }
  }
}

// Few paths and many values: other ways through the percentiles.
TEST_CASE("op tree: percentiles stay exact over tens of thousands of calls on two threads") {
  for (uint64_t seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    RowsBuilder builder;
    builder.Thread();
    builder.Thread();
    int64_t now[2] = {0, 0};
    std::map<std::string, std::vector<int64_t>> times;
    for (int i = 0; i < 30000; ++i) {
      const auto thread = static_cast<uint32_t>(random.Below(2));
      const std::string name = i % 3 == 0 ? "narrow" : i % 3 == 1 ? "wide" : "equal";
      int64_t time = i % 3 == 0   ? 100000 + random.Below(seed < 3 ? 900 : 90000)
                     : i % 3 == 1 ? random.Below(int64_t{1} << random.Below(25))
                                  : 4242;
      if (thread == 1 && name == "wide") time += 1000;
      builder.Span(thread, name, now[thread], now[thread] + time);
      now[thread] += time + 1 + random.Below(10);
      times[name].push_back(time);
      times[name + std::to_string(thread)].push_back(time);
    }
    const auto recording = builder.Build();
    const OpTables tables = BuildOpTables(*recording, TimeOf::kCpu);
    for (const auto& [path, row] : RowsOf(*recording, tables.merged)) {
      const std::vector<int64_t>& expected = times[path.substr(0, path.find('@'))];
      CHECK(row.p50 == Percentile(expected, 50));
      CHECK(row.p99 == Percentile(expected, 99));
    }
    CHECK(recording->names[tables.per_thread.name[0]].text != "");
    const bool is_swapped = recording->threads[0].row_count !=
                            times["equal0"].size() + times["wide0"].size() + times["narrow0"].size();
    for (const auto& [path, row] : RowsOf(*recording, tables.per_thread)) {
      const char thread = static_cast<char>('0' + ((path[0] - '0') ^ (is_swapped ? 1 : 0)));
      const std::vector<int64_t>& expected = times[path.substr(2, path.find('@') - 2) + thread];
      CHECK(row.p50 == Percentile(expected, 50));
      CHECK(row.p99 == Percentile(expected, 99));
    }
  }
}

TEST_CASE("op tree: rows come in pre-order of first begin, threads one after the other") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "a", 0, 10);
  builder.Span(0, "c", 5, 8);
  builder.Span(0, "d", 20, 30);
  builder.Span(0, "a", 40, 60);
  builder.Span(0, "b", 42, 44);
  builder.Span(1, "d", 15, 18);
  builder.Span(1, "z", 12, 14);
  const auto recording = builder.Build();
  const OpTables tables = BuildOpTables(*recording, TimeOf::kCpu);
  const auto names = [&recording](const OpTable& table) {
    std::string text;
    for (const uint32_t name : table.name) text += recording->names[name].text;
    return text;
  };
  CHECK(names(tables.merged) == "acbzd");
  CHECK(names(tables.per_thread) == "acbdzd");
  CHECK(tables.merged.thread[0] == -1);
  CHECK(tables.per_thread.thread[5] == 1);
}

TEST_CASE(
    "op tree: a worker's spans are under their parent in the merged table, at the top of their thread's") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "worker op", 5, 8, 0, 0, 7);
  builder.Span(0, "inner", 6, 7);
  builder.Span(1, "run", 10, 20, 0, 7);
  const auto recording = builder.Build();
  const OpTables tables = BuildOpTables(*recording, TimeOf::kCpu);
  CHECK(RowsOf(*recording, tables.merged).count("run@0/worker op@0/inner@0") == 1);
  CHECK(RowsOf(*recording, tables.per_thread).count("0:worker op@0/inner@0") == 1);
}

TEST_CASE("op tree: self time counts what overlapping and async children cover only once") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "op", 0, 100, 0, 1);
  const uint32_t async = builder.Span(0, "async", 10, 500, kAsync, 2, 1);
  builder.Return(async, 40);
  builder.Span(0, "in async", 20, 30, 0, 0, 2);
  builder.Span(0, "gc", 35, 60, kTimed, 0, 1);
  builder.Span(0, "late", 200, 250, 0, 0, 2);
  const auto recording = builder.Build();
  const Rows rows = RowsOf(*recording, BuildOpTables(*recording, TimeOf::kCpu).merged);
  CHECK(rows.at("op@0").self == 50);  // less 10 to 60
  CHECK(rows.at("op@0/async@0~").self == 20);
  CHECK(rows.at("op@0/async@0~").cpu == 490);
}

TEST_CASE("op tree: a parent with more than a thousand rows between its children is not lost") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "root", 0, 100000);
  for (int64_t i = 0; i < 10; ++i) {
    builder.Span(0, "batch", i * 10000, i * 10000 + 9000);
    for (int64_t j = 0; j < 1500; ++j) builder.Span(0, "step", i * 10000 + j * 5, i * 10000 + j * 5 + 2);
  }
  const auto recording = builder.Build();
  const Rows rows = RowsOf(*recording, BuildOpTables(*recording, TimeOf::kCpu).merged);
  CHECK(rows.at("root@0").self == 10000);
  CHECK(rows.at("root@0/batch@0").self == 60000);
}

TEST_CASE("op tree: calls of no length that are open at one time count one each, ends before starts") {
  RowsBuilder builder;
  builder.Thread();
  const std::vector<std::pair<int64_t, int64_t>> calls = {{0, 10}, {10, 20}, {12, 30}, {15, 18}, {40, 40}};
  for (const auto& [start, end] : calls) builder.Span(0, "request", start, end, kAsync);
  const auto recording = builder.Build();
  const OpTables tables = BuildOpTables(*recording, TimeOf::kCpu);
  CHECK(tables.merged.peak[0] == 3);
  CHECK(tables.merged.calls[0] == 5);
}

TEST_CASE("op tree: more paths than there are histograms for") {
  RowsBuilder builder;
  builder.Thread();
  std::map<std::string, std::vector<int64_t>> times;
  Random random(5);
  int64_t now = 0;
  for (int64_t i = 0; i < 30000; ++i) {
    const std::string name = "n" + std::to_string(i < 6000 ? i : i % 6000);
    const int64_t time = random.Below(100000);
    builder.rows.span_thread.Append(0);
    builder.rows.span_name.Append(static_cast<uint32_t>(i % 6000));
    builder.rows.span_start_ns.Append(now);
    builder.rows.span_end_ns.Append(now + time);
    builder.rows.span_flags.Append(0);
    if (i < 6000) builder.rows.names.push_back({name, "", Category::kUser, Role::kOp});
    now += time + 1;
    times[name + "@0"].push_back(time);
  }
  const auto recording = builder.Build();
  const Rows rows = RowsOf(*recording, BuildOpTables(*recording, TimeOf::kCpu).merged);
  REQUIRE(rows.size() == 6000);
  for (const auto& [path, row] : rows) {
    CHECK(row.p50 == Percentile(times[path], 50));
    CHECK(row.p99 == Percentile(times[path], 99));
  }
}

TEST_CASE("op tree: a recording of over a million spans, where two threads share the work") {
  RowsBuilder builder;
  builder.Thread();
  builder.Name("outer");
  builder.Name("inner");
  constexpr size_t kCount = 1'200'000;
  for (Column<uint32_t>* column : {&builder.rows.span_thread, &builder.rows.span_name}) column->Reset(kCount);
  for (Column<int64_t>* column : {&builder.rows.span_start_ns, &builder.rows.span_end_ns})
    column->Reset(kCount);
  builder.rows.span_flags.Reset(kCount);
  Random random(9);
  std::vector<int64_t> inner;
  int64_t outer = 0;
  for (size_t i = 0; i < kCount; ++i) {
    const bool is_outer = i % 2 == 0;
    const int64_t time = is_outer ? 20000 : random.Below(16000);
    const auto base = static_cast<int64_t>(i / 2) * 20000;
    builder.rows.span_thread[i] = 0;
    builder.rows.span_name[i] = is_outer ? 0 : 1;
    builder.rows.span_start_ns[i] = is_outer ? base : base + 1000;
    builder.rows.span_end_ns[i] = builder.rows.span_start_ns[i] + time;
    builder.rows.span_flags[i] = 0;
    if (is_outer) {
      outer += time;
    } else {
      inner.push_back(time);
      outer -= time;
    }
  }
  const auto recording = builder.Build();
  const Rows rows = RowsOf(*recording, BuildOpTables(*recording, TimeOf::kAll).merged);
  CHECK(rows.at("outer@0").self == static_cast<double>(outer));
  CHECK(rows.at("outer@0").p99 == 20000);
  CHECK(rows.at("outer@0/inner@0").calls == kCount / 2);
  CHECK(rows.at("outer@0/inner@0").p50 == Percentile(inner, 50));
  CHECK(rows.at("outer@0/inner@0").p99 == Percentile(inner, 99));
}

TEST_CASE("op tree: a million levels") {
  RowsBuilder builder;
  builder.Thread();
  builder.Name("deep");
  constexpr size_t kDepth = 1'000'000;
  for (Column<uint32_t>* column : {&builder.rows.span_thread, &builder.rows.span_name}) column->Reset(kDepth);
  for (Column<int64_t>* column : {&builder.rows.span_start_ns, &builder.rows.span_end_ns})
    column->Reset(kDepth);
  builder.rows.span_flags.Reset(kDepth);
  for (size_t i = 0; i < kDepth; ++i) {
    builder.rows.span_thread[i] = builder.rows.span_name[i] = 0;
    builder.rows.span_start_ns[i] = static_cast<int64_t>(i);
    builder.rows.span_end_ns[i] = static_cast<int64_t>(3 * kDepth - i);
    builder.rows.span_flags[i] = 0;
  }
  const auto recording = builder.Build();
  const OpTables tables = BuildOpTables(*recording, TimeOf::kCpu);
  REQUIRE(tables.merged.size() == kDepth);
  CHECK(tables.merged.self_ns[0] == 2);
  CHECK(tables.merged.parent[kDepth - 1] == static_cast<int32_t>(kDepth - 2));
}

TEST_CASE("op tree: a recording without spans has empty tables") {
  RowsBuilder builder;
  builder.Thread();
  const OpTables tables = BuildOpTables(*builder.Build(), TimeOf::kAll);
  CHECK(tables.merged.size() == 0);
  CHECK(tables.per_thread.size() == 0);
}

// Vector TV1 of the op report's specification: its calls laid out on a thread,
// copies as API calls with GPU rows, other GPU time as kernels; whole ns, so
// every sum is exact.
class SampleThread {
 public:
  SampleThread() { builder_.Thread(); }

  // Part i of n of a total that n calls share.
  static int64_t Share(int64_t total, int64_t calls, int64_t i) {
    return total / calls + (i < total % calls ? 1 : 0);
  }

  void Begin(const std::string& name, int64_t cpu) {
    const int64_t start = open_ends_.empty() ? free_ : inner_.back();
    if (!open_ends_.empty()) inner_.back() = start + cpu;
    builder_.Span(0, name, start, start + cpu);
    open_ends_.push_back(start + cpu);
    inner_.push_back(start);
  }
  void End() {
    if (open_ends_.size() == 1) free_ = open_ends_.back();
    open_ends_.pop_back();
    inner_.pop_back();
  }
  void Copy(const char* api, MemoryKind from, MemoryKind to, int64_t cpu, int64_t gpu) {
    const int64_t at = inner_.back();
    inner_.back() += cpu;
    builder_.Launch(0, api, at, at + cpu, ++correlation_);
    builder_.Gpu(GpuKind::kCopy, at, at + gpu, correlation_, from, to);
  }
  void Kernel(int64_t gpu) {
    const int64_t at = inner_.back();
    builder_.Launch(0, "cudaLaunchKernel", at, at, ++correlation_);
    builder_.Kernel(at, at + gpu, correlation_);
  }
  std::shared_ptr<const Recording> Build() { return builder_.Build(); }

 private:
  RowsBuilder builder_;
  std::vector<int64_t> open_ends_, inner_;
  int64_t free_ = 0;
  uint64_t correlation_ = 0;
};

TEST_CASE("op tree: the sample of the original's documentation (TV1)") {
  using M = MemoryKind;
  const auto share = SampleThread::Share;
  SampleThread sample;
  for (int64_t i = 0; i < 400; ++i) {
    sample.Begin("conditional_block", share(43963987, 400, i));
    sample.Copy("cudaMemcpyAsync", M::kDevice, M::kPageable, share(11040198, 400, i), share(790586, 400, i));
    if (i < 200) {
      sample.Begin("assign", share(7738432, 200, i));
      sample.Copy("cudaMemcpyAsync", M::kDevice, M::kDevice, share(4285085, 200, i), share(274368, 200, i));
      sample.End();
      sample.Begin("fill_constant", share(7511009, 200, i));
      sample.Kernel(share(289056, 200, i));
      sample.End();
    }
    sample.End();
  }
  const auto simple = [&](const char* name, int64_t calls, int64_t cpu, int64_t gpu) {
    for (int64_t i = 0; i < calls; ++i) {
      sample.Begin(name, share(cpu, calls, i));
      sample.Kernel(share(gpu, calls, i));
      sample.End();
    }
  };
  simple("fill_constant", 300, 13298308, 422559);
  for (int64_t i = 0; i < 200; ++i) {
    sample.Begin("select_input", share(12810170, 200, i));
    sample.Copy("cudaMemcpy", M::kDevice, M::kPageable, share(6296225, 200, i), share(396191, 200, i));
    sample.Copy("cudaMemcpyAsync", M::kDevice, M::kDevice, share(3448200, 200, i), share(285407, 200, i));
    sample.End();
  }
  simple("less_than", 200, 7053690, 272799);
  for (int64_t i = 0; i < 200; ++i) {
    sample.Begin("fetch", share(6766394, 200, i));
    sample.Copy("cudaMemcpy", M::kDevice, M::kPageable, share(5323041, 200, i), share(395773, 200, i));
    sample.End();
  }
  simple("logical_not", 200, 6772137, 274432);
  simple("cast", 200, 6768117, 277375);
  simple("equal", 100, 3192579, 138464);

  const auto recording = sample.Build();
  const OpTable table = BuildOpTables(*recording, TimeOf::kAll).merged;
  const Rows rows = RowsOf(*recording, table);
  CHECK(rows.size() == 15);
  const std::string to_host_async = "GpuMemcpyAsync:GPU->CPU#4@6",
                    to_host_sync = "GpuMemcpySync:GPU->CPU#4@6";
  const std::string on_device = "GpuMemcpyAsync(same_gpu):GPU->GPU#4@6";
  struct Expected {
    std::string path;
    double calls, cpu, gpu;
  };
  for (const Expected& expected :
       std::vector<Expected>{{"conditional_block@0", 400, 43963987, 1354010},
                             {"conditional_block@0/" + to_host_async, 400, 11040198, 790586},
                             {"conditional_block@0/assign@0", 200, 7738432, 274368},
                             {"conditional_block@0/assign@0/" + on_device, 200, 4285085, 274368},
                             {"conditional_block@0/fill_constant@0", 200, 7511009, 289056},
                             {"fill_constant@0", 300, 13298308, 422559},
                             {"select_input@0", 200, 12810170, 681598},
                             {"select_input@0/" + to_host_sync, 200, 6296225, 396191},
                             {"select_input@0/" + on_device, 200, 3448200, 285407},
                             {"less_than@0", 200, 7053690, 272799},
                             {"fetch@0", 200, 6766394, 395773},
                             {"fetch@0/" + to_host_sync, 200, 5323041, 395773},
                             {"logical_not@0", 200, 6772137, 274432},
                             {"cast@0", 200, 6768117, 277375},
                             {"equal@0", 100, 3192579, 138464}}) {
    CAPTURE(expected.path);
    REQUIRE(rows.count(expected.path) == 1);
    const Row& row = rows.at(expected.path);
    CHECK(row.calls == expected.calls);
    CHECK(row.cpu == expected.cpu);
    CHECK(row.gpu == expected.gpu);
    CHECK(row.total == expected.cpu + expected.gpu);
  }
  CHECK(rows.at("conditional_block@0").self == 17674348);
  double all = 0, copies_async = 0, copies_sync = 0, calls_async = 0, calls_sync = 0;
  for (size_t row = 0; row < table.size(); ++row) {
    if (table.parent[row] < 0) all += table.total_ns[row];
    const std::string& name = recording->names[table.name[row]].text;
    if (name.rfind("GpuMemcpyAsync", 0) == 0) {
      copies_async += table.total_ns[row];
      calls_async += table.calls[row];
    } else if (name.rfind("GpuMemcpySync", 0) == 0) {
      copies_sync += table.total_ns[row];
      calls_sync += table.calls[row];
    }
  }
  CHECK(all == 104442392);
  CHECK(calls_async == 800);
  CHECK(copies_async == 20123844);
  CHECK(calls_sync == 400);
  CHECK(copies_sync == 12411230);
}

}  // namespace
}  // namespace opscope::test
