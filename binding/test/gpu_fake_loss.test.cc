// The CUPTI back end where records are lost, odd or late: nothing is lost
// without a count. Each case runs in a child process.
#if __has_include("gpu/gpu_source_cupti.h")

#include <algorithm>
#include <cstdlib>
#include <set>

#include "core/clock.h"
#include "doctest.h"
#include "fake/client/child_run.h"
#include "fake/client/fakes.h"
#include "fake/client/source_probe.h"
#include "gpu/gpu_source_cupti.h"

using namespace fakegpu;
using namespace opscope;

TEST_CASE("GPU source counts what is lost") {
  std::vector<ChildCase> cases;
  for (const char* test_case :
       {"losses are counted", "a buffer completed twice", "running work", "correlation ids that wrap",
        "a step of the wall clock", "a record far from its session"}) {
    cases.push_back({std::string("loss child: ") + test_case, FakeVariables("cupti-13")});
  }
  CheckAll(cases);
}

TEST_CASE("loss child: losses are counted" * doctest::skip()) {
  const std::string script =
      "api cudaLaunchKernel\nkernel good\nkernel a zerotime\nkernel b negative\nkernel c incomplete\n"
      "drop 5\nsleep 450ms\ndrop 3\nquiet\ncomplete\nunknown 200 64\ncomplete\ngarbage 40\n"
      "api cudaMalloc\ntruncate 16\ncomplete";
  const GpuRecords records = Capture(CuptiSource(), script).records;
  INFO(WarningText(records));
  CHECK(records.calls.size() == 1);
  CHECK(WarningCount(records, "gpu-dropped") == 8);  // asked for twice, and each time from zero again
  CHECK(WarningCount(records, "gpu-zero-time") == 1);
  CHECK(WarningCount(records, "gpu-negative-time") == 1);
  CHECK(WarningCount(records, "gpu-unfinished") == 1);
  CHECK(WarningCount(records, "gpu-unknown-record") == 2);
  CHECK(WarningCount(records, "gpu-truncated") == 1);
  CHECK(WarningCount(records, "gpu-lost-bytes") == 64 + 40 + 24);
  // The unfinished one is there, and says so.
  REQUIRE(records.rows.size() == 2);
  CHECK(std::count_if(records.rows.begin(), records.rows.end(),
                      [](const GpuRow& row) { return row.end_ns < row.start_ns; }) == 1);
  // The next session starts clean.
  CHECK(WarningText(Capture(CuptiSource(), "api cudaLaunchKernel\nkernel k").records) == "");
}

TEST_CASE("loss child: a buffer completed twice" * doctest::skip()) {
  const Windows twice =
      Capture(CuptiSource(), "quiet\napi cudaLaunchKernel\nkernel k\ncompleteTwice\ncomplete");
  CHECK(twice.records.rows.size() == 1);
  // Freed twice, it would now be given to two threads.
  std::string crowd;
  for (int i = 1; i <= 24; ++i) crowd += "thread " + std::to_string(i) + "\napi cudaLaunchKernel\nkernel k\n";
  CHECK(Capture(CuptiSource(), crowd).records.rows.size() == 24);
  CHECK(FakeViolations() == "");
  const Windows late =
      Capture(CuptiSource(), "quiet\napi cudaLaunchKernel\nkernel k\ncompleteAfterDisable\ncomplete");
  CHECK(late.records.rows.size() == 1);
  // What comes while the subscription ends may be late for its session, but must not spoil the next one.
  Capture(CuptiSource(), "quiet\napi cudaLaunchKernel\nkernel k\ncallbackDuringUnsubscribe\ncomplete");
  const Windows next = Capture(CuptiSource(), "api cudaLaunchKernel\nkernel k");
  CHECK(next.records.rows.size() == 1);
  CHECK(next.records.calls.size() == 1);
  CHECK(FakeViolations() == "");
}

TEST_CASE("loss child: running work" * doctest::skip()) {
  const std::string script = "api cudaLaunchKernel\nkernel slow dur=3ms running\nkernel done dur=1ms";
  const Windows waited = Capture(CuptiSource(), script);
  CHECK(waited.records.rows.size() == 2);
  CHECK(WarningCount(waited.records, "gpu-unfinished") == 0);
  CHECK(CountCalls("cuCtxSynchronize -> 0") == 1);
  const Windows left = Capture(CuptiSource(), script, {}, false);
  CHECK(left.records.rows.size() == 2);
  CHECK(WarningCount(left.records, "gpu-unfinished") == 1);
  CHECK(CountCalls("cuCtxSynchronize -> 0") == 1);
}

TEST_CASE("loss child: correlation ids that wrap" * doctest::skip()) {
  std::string script = "wrap\n";
  for (int i = 0; i < 64; ++i) script += "api cudaLaunchKernel\nkernel k\n";
  const GpuRecords records = Capture(CuptiSource(), script).records;
  REQUIRE(records.calls.size() == 64);
  REQUIRE(records.rows.size() == 64);
  std::set<uint64_t> calls, rows;
  for (const GpuApiCall& call : records.calls) calls.insert(call.correlation_id);
  for (const GpuRow& row : records.rows) rows.insert(row.correlation_id);
  CHECK(calls.size() == 64);
  CHECK(calls == rows);
  CHECK(*calls.rbegin() - *calls.begin() == 64);  // 0 is skipped
}

// What is told of before and after the step, and what is told of late.
TEST_CASE("loss child: a step of the wall clock" * doctest::skip()) {
  for (const char* step : {"3600s", "-3600s", "20ms"}) {
    GpuSource& source = CuptiSource();
    REQUIRE(source.Start({}).available);
    const auto start_ns = static_cast<int64_t>(MonotonicNs());
    REQUIRE(
        RunFake(std::string("sleep 300ms\napi cudaLaunchKernel corr=1\nkernel before corr=1\ndeliver flush\n"
                            "kernel held corr=1\ndeliver now\nsleep 300ms\nclockstep ") +
                step + "\nsleep 300ms\napi cudaLaunchKernel corr=2\nkernel after corr=2\nsleep 300ms") == "");
    const GpuRecords records = source.Stop(start_ns, true, kPatienceMs);
    INFO(step, " ", WarningText(records));
    CHECK(records.rows.size() == 3);
    CHECK(WarningCount(records, "gpu-clock-steps") == 1);
    for (const GpuRow& row : records.rows) {
      const int64_t due_ns = row.correlation_id == 1 ? 300'000'000 : 900'000'000;
      CHECK(std::abs(row.start_ns - start_ns - due_ns) < 10'000'000);
    }
  }
}

TEST_CASE("loss child: a record far from its session" * doctest::skip()) {
  const Windows window =
      Capture(CuptiSource(),
              "api cudaLaunchKernel\nkernel year at=+31536000s\nkernel past at=1\n"
              "kernel huge at=0x7000000000000000 dur=0x7000000000000000\nkernel good stream=13");
  CHECK(window.records.rows.size() == 1);
  CHECK(WarningCount(window.records, "gpu-out-of-range") == 3);
}

#endif
