#include "source_probe.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "core/clock.h"
#include "doctest.h"
#include "fakes.h"

namespace fakegpu {
namespace {

using opscope::GpuKind;
using opscope::GpuRecords;
using opscope::GpuRow;

std::string Text(const ExpectedCall& c) {
  return c.name + " id " + std::to_string(c.correlation) + " at " + std::to_string(c.start_ns) + ".." +
         std::to_string(c.end_ns) + " thread " + std::to_string(c.thread) + " result " +
         std::to_string(c.result);
}
std::string Text(const ExpectedRow& r) {
  return "kind " + std::to_string(static_cast<int>(r.kind)) + ' ' + r.kernel + " id " +
         std::to_string(r.correlation) + " at " + std::to_string(r.start_ns) + ".." +
         std::to_string(r.end_ns) + " bytes " + std::to_string(r.bytes) + " from " +
         std::to_string(static_cast<int>(r.from)) + " to " + std::to_string(static_cast<int>(r.to)) +
         " place " + std::to_string(r.device) + '/' + std::to_string(r.context) + '/' +
         std::to_string(r.stream) + " node " + std::to_string(r.graph_node);
}

std::vector<ExpectedCall> CallsOf(const Windows& window) {
  std::vector<ExpectedCall> calls;
  for (const opscope::GpuApiCall& call : window.records.calls) {
    calls.push_back({window.records.strings.at(call.name), call.correlation_id,
                     call.start_ns - window.start_ns, call.end_ns - window.start_ns, call.os_thread_id,
                     call.result});
  }
  return calls;
}

std::vector<ExpectedRow> RowsOf(const Windows& window) {
  std::map<uint32_t, uint64_t> nodes;
  for (const opscope::KernelRow& kernel : window.records.kernels) nodes[kernel.row] = kernel.graph_node_id;
  std::vector<ExpectedRow> rows;
  for (uint32_t i = 0; i < window.records.rows.size(); ++i) {
    const GpuRow& row = window.records.rows[i];
    ExpectedRow seen;
    seen.kind = row.kind;
    seen.correlation = row.correlation_id;
    seen.start_ns = row.start_ns - window.start_ns;
    seen.end_ns = row.end_ns - window.start_ns;
    seen.bytes = row.bytes;
    seen.from = row.from;
    seen.to = row.to;
    seen.device = row.device;
    seen.context = row.context;
    seen.stream = row.stream;
    if (row.kind == GpuKind::kKernel) seen.kernel = NameOf(window.records, row);
    if (nodes.count(i) != 0) seen.graph_node = nodes[i];
    rows.push_back(seen);
  }
  return rows;
}

// With a tolerance, a start within it becomes the expected one, the end moves
// along, and the order is that of the ids first.
template <typename Item>
std::string Difference(std::vector<Item> seen, std::vector<Item> expected, int64_t tolerance_ns,
                       const char* what) {
  const auto order = [](const Item& a, const Item& b) {
    return a.correlation != b.correlation ? a.correlation < b.correlation : a < b;
  };
  std::sort(seen.begin(), seen.end(), order);
  std::sort(expected.begin(), expected.end(), order);
  for (size_t i = 0; i < std::min(seen.size(), expected.size()); ++i) {
    Item one = seen[i];
    const int64_t shift = expected[i].start_ns - one.start_ns;
    if (std::abs(shift) <= tolerance_ns) {
      one.start_ns += shift;
      one.end_ns += shift;
    }
    if (one != expected[i]) return std::string(what) + ": " + Text(one) + "\n  expected " + Text(expected[i]);
  }
  if (seen.size() == expected.size()) return "";
  const auto& longer = seen.size() > expected.size() ? seen : expected;
  return std::string(what) + ": " + std::to_string(seen.size()) + " instead of " +
         std::to_string(expected.size()) +
         ", first beyond: " + Text(longer[std::min(seen.size(), expected.size())]);
}

std::string Difference(uint64_t seen, uint64_t expected, const char* what) {
  return seen == expected
             ? ""
             : std::string(what) + ": " + std::to_string(seen) + " instead of " + std::to_string(expected);
}

// GPU work whose call was never seen.
uint64_t CountOrphans(const GpuRecords& records) {
  std::set<uint64_t> calls;
  for (const opscope::GpuApiCall& call : records.calls) calls.insert(call.correlation_id);
  return static_cast<uint64_t>(
      std::count_if(records.rows.begin(), records.rows.end(),
                    [&](const GpuRow& row) { return calls.count(row.correlation_id) == 0; }));
}

}  // namespace

std::vector<std::string> FakeVariables(const std::string& cupti, std::vector<std::string> more) {
  for (const char* usual : {"OPSCOPE_CUPTI_PATH=", "OPSCOPE_CUDA_PATH="}) {
    const std::string name = usual;
    const bool is_given = std::any_of(
        more.begin(), more.end(), [&](const std::string& one) { return one.substr(0, name.size()) == name; });
    if (!is_given)
      more.push_back(name + FakePath(name == "OPSCOPE_CUPTI_PATH=" ? cupti : "cuda/libcuda.so.1"));
  }
  return more;
}

Windows Capture(opscope::GpuSource& source, const std::string& script, const opscope::GpuOptions& options,
                bool synchronize) {
  const opscope::GpuState state = source.Start(options);
  REQUIRE_MESSAGE(state.available, state.reason, ": ", state.detail);
  Windows window;
  window.start_ns = static_cast<int64_t>(Controls::Get().host_ns());
  REQUIRE(RunFake(script) == "");
  window.records = source.Stop(window.start_ns, synchronize, kPatienceMs);
  return window;
}

uint64_t WarningCount(const GpuRecords& records, const std::string& code) {
  uint64_t count = 0;
  for (const opscope::Warning& warning : records.warnings) {
    if (warning.code == code) count += warning.count;
  }
  return count;
}
std::string WarningText(const GpuRecords& records) {
  std::string text;
  for (const opscope::Warning& warning : records.warnings) {
    text += warning.code + '=' + std::to_string(warning.count) + ' ';
  }
  return text;
}
std::string NameOf(const GpuRecords& records, const GpuRow& row) { return records.strings.at(row.name); }
uint64_t CountRows(const GpuRecords& records, GpuKind kind) {
  return static_cast<uint64_t>(std::count_if(records.rows.begin(), records.rows.end(),
                                             [&](const GpuRow& row) { return row.kind == kind; }));
}

std::string Compare(const Windows& window, const ExpectedRecords& expected, int64_t tolerance_ns) {
  const GpuRecords& records = window.records;
  const std::string differences[] = {
      Difference(CallsOf(window), expected.calls, tolerance_ns, "calls"),
      Difference(RowsOf(window), expected.rows, tolerance_ns, "rows"),
      Difference(CountOrphans(records), expected.orphans, "orphans"),
      Difference(WarningCount(records, "gpu-dropped"), expected.dropped, "dropped"),
      Difference(WarningCount(records, "gpu-zero-time"), expected.zero_time, "zero times"),
      Difference(WarningCount(records, "gpu-negative-time"), expected.negative_time, "negative times"),
      Difference(WarningCount(records, "gpu-unfinished"), expected.unfinished, "unfinished"),
      Difference(WarningCount(records, "gpu-unknown-record"), expected.unknown, "unknown records"),
      Difference(WarningCount(records, "gpu-truncated"), expected.truncated, "truncated"),
      Difference(WarningCount(records, "gpu-lost-bytes"), expected.lost_bytes, "lost bytes"),
      Difference(WarningCount(records, "gpu-walk-mismatch"), 0, "walk mismatches"),
      Difference(WarningCount(records, "gpu-out-of-range"), 0, "out of range"),
  };
  for (const std::string& difference : differences) {
    if (!difference.empty()) return difference;
  }
  return "";
}

}  // namespace fakegpu
