// The life of the CUPTI back end: how it starts and stops, and that no thread
// of the program suffers. Each case runs in a child process.
#if __has_include("gpu/gpu_source_cupti.h")

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "core/clock.h"
#include "doctest.h"
#include "fake/client/child_run.h"
#include "fake/client/fakes.h"
#include "fake/client/source_probe.h"
#include "gpu/gpu_source_cupti.h"

using namespace fakegpu;
using namespace opscope;

namespace {

ChildCase Case(const std::string& test_case, const std::string& cupti = "cupti-13",
               std::vector<std::string> more = {}) {
  return {"life child: " + test_case, FakeVariables(cupti, std::move(more))};
}

int64_t MillisecondsOf(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start)
      .count();
}

}  // namespace

TEST_CASE("GPU source lives") {
  const std::vector<ChildCase> cases = {
      Case("an optional kind is missing", "cupti-13", {"FAKECUPTI_ERRORS=cuptiActivityEnable:38=27"}),
      Case("start and stop in order", "cupti-11.8"),
      Case("start and stop in order", "cupti-12"),
      Case("start and stop in order"),
      Case("only what is in the window"),
      Case("two sessions at once"),
      Case("two callers at once"),
      Case("more threads than buffers"),
      Case("more threads than buffers", "cupti-12"),
      Case("ten sessions"),
      Case("a slow start is late", "cupti-13", {"FAKECUPTI_ERRORS=delay:cuptiActivityEnable=400"}),
      Case("a slow flush at the end", "cupti-13", {"FAKECUPTI_ERRORS=delay:cuptiActivityFlushAll=3000"}),
      Case("a GPU that works on", "cupti-13", {"FAKECUPTI_ERRORS=delay:cuCtxSynchronize=1500"}),
      Case("a hundred sessions"),
      Case("busy threads while sessions come and go"),
      Case("busy threads while sessions come and go", "cupti-12"),
      Case("a million launches"),
      Case("a million launches", "cupti-11.8"),
      Case("contexts that go away"),
      Case("contexts that the program made are waited for"),
      Case("contexts that the program made are waited for", "cupti-11.8"),
  };
  CheckAll(cases);
}

TEST_CASE("life child: an optional kind is missing" * doctest::skip()) {
  const Windows window = Capture(CuptiSource(), "api cudaLaunchKernel\nkernel k\nsync device");
  CHECK(CountRows(window.records, GpuKind::kKernel) == 1);
  CHECK(CountRows(window.records, GpuKind::kSync) == 0);
}

// Spec sections 3.2 and 3.5.
TEST_CASE("life child: start and stop in order" * doctest::skip()) {
  Capture(CuptiSource(), "api cudaLaunchKernel\nkernel k");
  INFO(std::string(Controls::Get().calls()));
  const int64_t subscribe = PlaceOfCall("cuptiSubscribe -> 0"),
                threads = PlaceOfCall("cuptiSetThreadIdType 1 -> 0"),
                zeroed = PlaceOfCall("cuptiActivitySetAttribute 5 -> 0"),
                registered = PlaceOfCall("cuptiActivityRegisterCallbacks -> 0"),
                enabled = PlaceOfCall("cuptiActivityEnable 10 -> 0"),
                synchronized = PlaceOfCall("cuCtxSynchronize -> 0"),
                disabled = PlaceOfCall("cuptiActivityDisable 10 -> 0"),
                forced = PlaceOfCall("cuptiActivityFlushAll 1 -> 0", true),
                dropped = PlaceOfCall("cuptiActivityGetNumDroppedRecords -> 0", true),
                unsubscribe = PlaceOfCall("cuptiUnsubscribe -> 0");
  CHECK(subscribe >= 0);
  CHECK(threads >= 0);
  CHECK(threads < enabled);
  CHECK(zeroed >= 0);
  CHECK(zeroed < registered);
  CHECK(registered < enabled);
  CHECK(subscribe < enabled);
  CHECK(enabled < synchronized);
  CHECK(synchronized < disabled);
  CHECK(disabled < forced);
  CHECK(forced < dropped);
  CHECK(dropped < unsubscribe);
  CHECK(CountCalls("cuptiFinalize -> 0") == 0);
  CHECK(FakeViolations() == "");
}

TEST_CASE("life child: only what is in the window" * doctest::skip()) {
  GpuSource& source = CuptiSource();
  CHECK(RunFake("api cudaLaunchKernel corr=1\nkernel before corr=1") == "");
  REQUIRE(source.Start({}).available);
  CHECK(RunFake("api cudaLaunchKernel corr=2\nkernel early corr=2") == "");
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto start_ns = static_cast<int64_t>(MonotonicNs());
  // Work of the earlier launch that runs on, and a launch of the window.
  CHECK(RunFake("kernel late corr=2\napi cudaLaunchKernel corr=3\nkernel mine corr=3") == "");
  const GpuRecords records = source.Stop(start_ns, true, kPatienceMs);
  REQUIRE(records.rows.size() == 1);
  CHECK(NameOf(records, records.rows[0]) == "mine");
  CHECK(records.calls.size() == 1);
  CHECK(WarningCount(records, "gpu-before-window") == 2);
  CHECK(RunFake("api cudaLaunchKernel\nkernel after") == "");
  CHECK(Capture(source, "api cudaLaunchKernel\nkernel next").records.rows.size() == 1);
}

TEST_CASE("life child: two sessions at once" * doctest::skip()) {
  GpuSource& source = CuptiSource();
  const auto now = [] { return static_cast<int64_t>(MonotonicNs()); };
  REQUIRE(source.Start({}).available);
  const int64_t outer_ns = now();
  CHECK(RunFake("api cudaLaunchKernel\nkernel a") == "");
  REQUIRE(source.Start({}).available);
  const int64_t inner_ns = now();
  CHECK(RunFake("api cudaLaunchKernel\nkernel b") == "");
  CHECK(source.Stop(inner_ns, true, kPatienceMs).rows.size() == 1);
  CHECK(RunFake("api cudaLaunchKernel\nkernel c") == "");
  CHECK(source.Stop(outer_ns, true, kPatienceMs).rows.size() == 3);
  CHECK(CountCalls("cuptiSubscribe -> 0") == 1);
  CHECK(CountCalls("cuptiUnsubscribe -> 0") == 1);
  CHECK(FakeViolations() == "");
}

TEST_CASE("life child: two callers at once" * doctest::skip()) {
  CHECK(CuptiSource().Stop(0, true, 500).rows.empty());  // never started
  std::vector<std::thread> threads;
  for (uint32_t caller = 1; caller <= 3; ++caller) {
    threads.emplace_back([caller] {
      GpuOptions options;
      options.memory = caller == 2;
      for (int i = 0; i < 20; ++i) {
        const GpuState state = CuptiSource().Start(options);
        const auto start_ns = static_cast<int64_t>(MonotonicNs());
        const std::string trouble = RunFake("burst 100\nmemory alloc");
        const GpuRecords records = CuptiSource().Stop(start_ns, true, 5000);
        uint64_t mine = 0;
        for (const GpuApiCall& call : records.calls) mine += call.os_thread_id == gettid();
        CHECK(state.available);
        CHECK(trouble == "");
        CHECK(mine == 101);
        CHECK(records.rows.size() >= 100);
        if (options.memory) CHECK(!records.memory.empty());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(FakeViolations() == "");
}

TEST_CASE("life child: more threads than buffers" * doctest::skip()) {
  constexpr int kThreads = 200;
  std::string script;
  for (int i = 1; i <= kThreads; ++i) {
    script += "thread " + std::to_string(i) + "\napi cudaLaunchKernel\nkernel k\n";
  }
  const GpuRecords records = Capture(CuptiSource(), "quiet\n" + script).records;
  INFO(WarningText(records));
  CHECK(records.rows.size() >= 100);
  CHECK(records.rows.size() + records.calls.size() + WarningCount(records, "gpu-dropped") +
            WarningCount(records, "gpu-discarded") ==
        2 * kThreads);
  CHECK(FakeViolations() == "");
}

TEST_CASE("life child: ten sessions" * doctest::skip()) {
  for (int i = 0; i < 10; ++i) {
    const Windows window = Capture(CuptiSource(), "thread 1\nburst 500\nthread 2\nburst 500", {}, i % 2 == 0);
    CHECK(window.records.rows.size() == 1000);
    CHECK(window.records.calls.size() == 1000);
    CHECK(RunFake("burst 100") == "");  // between sessions: nobody's
  }
  CHECK(CountCalls("cuptiActivityRegisterCallbacks -> 0") >= 1);
  CHECK(FakeViolations() == "");
}

TEST_CASE("life child: a slow start is late" * doctest::skip()) {
  GpuOptions options;
  options.start_deadline_ms = 100;
  GpuState state;
  const int64_t ms = MillisecondsOf([&] { state = CuptiSource().Start(options); });
  CHECK(!state.available);
  CHECK(state.reason == "late");
  CHECK(ms < 1500);
  // Once the slow start is through, things work again.
  CHECK(RunFake("errors") == "");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  options.start_deadline_ms = 10'000;
  do {
    state = CuptiSource().Start(options);
  } while (!state.available && std::chrono::steady_clock::now() < deadline);
  REQUIRE_MESSAGE(state.available, state.reason, state.detail);
  const auto start_ns = static_cast<int64_t>(MonotonicNs());
  CHECK(RunFake("api cudaLaunchKernel\nkernel k") == "");
  CHECK(CuptiSource().Stop(start_ns, true, kPatienceMs).rows.size() == 1);
}

TEST_CASE("life child: a slow flush at the end" * doctest::skip()) {
  REQUIRE(CuptiSource().Start({}).available);
  const auto start_ns = static_cast<int64_t>(MonotonicNs());
  CHECK(RunFake("api cudaLaunchKernel\nkernel k") == "");
  GpuRecords records;
  const int64_t ms = MillisecondsOf([&] { records = CuptiSource().Stop(start_ns, false, 500); });
  CHECK(ms < 2500);
  CHECK(WarningCount(records, "gpu-stop-late") == 1);
  // It is not lost to the next session, which waits for the flush.
  CHECK(RunFake("errors") == "");
  CHECK(Capture(CuptiSource(), "api cudaLaunchKernel\nkernel k").records.rows.size() == 1);
}

// Kernels run as long as they run: only what CUPTI does has a deadline.
TEST_CASE("life child: a GPU that works on" * doctest::skip()) {
  REQUIRE(CuptiSource().Start({}).available);
  const auto start_ns = static_cast<int64_t>(MonotonicNs());
  CHECK(RunFake("api cudaLaunchKernel\nkernel slow running") == "");
  GpuRecords records;
  const int64_t ms = MillisecondsOf([&] { records = CuptiSource().Stop(start_ns, true, 500); });
  CHECK(ms >= 1500);
  CHECK(records.rows.size() == 1);
  CHECK(WarningText(records) == "");
}

// What leaks in each session adds up: a buffer is 2 MiB of memory, the tables of
// a session 40 MB of address space.
TEST_CASE("life child: a hundred sessions" * doctest::skip()) {
  const auto status = [](const std::string& name) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
      if (line.compare(0, name.size(), name) == 0) return std::atoll(line.c_str() + name.size() + 1);
    }
    return -1ll;
  };
  long long threads = 0, resident_kb = 0, mapped_kb = 0;
  for (int i = 0; i < 100; ++i) {
    const Windows window = Capture(CuptiSource(), "burst 20\nthread 1\nburst 20", {}, i % 2 == 0);
    REQUIRE(window.records.rows.size() == 40);
    REQUIRE(window.records.calls.size() == 40);
    if (i != 20) continue;
    threads = status("Threads");
    resident_kb = status("VmRSS");
    mapped_kb = status("VmSize");
  }
  CHECK(threads > 0);
  CHECK(status("Threads") == threads);
  CHECK(status("VmRSS") < resident_kb + 100 * 1024);
  CHECK(status("VmSize") < mapped_kb + 1000 * 1024);
  CHECK(FakeViolations() == "");
}

TEST_CASE("life child: busy threads while sessions come and go" * doctest::skip()) {
  std::atomic<bool> is_done{false};
  std::atomic<uint64_t> launches{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!is_done) {
        CHECK(RunFake("burst 200") == "");
        launches += 200;
      }
    });
  }
  for (int i = 0; i < 15; ++i) {
    REQUIRE(CuptiSource().Start({}).available);
    const auto start_ns = static_cast<int64_t>(MonotonicNs());
    CHECK(RunFake("burst 300") == "");
    const GpuRecords records = CuptiSource().Stop(start_ns, i % 2 == 0, kPatienceMs);
    CHECK(WarningCount(records, "gpu-walk-mismatch") == 0);
    // What this thread did lies inside the window, whatever the others do meanwhile.
    std::set<uint64_t> mine;
    for (const GpuApiCall& call : records.calls) {
      if (call.os_thread_id == gettid()) mine.insert(call.correlation_id);
    }
    CHECK(mine.size() == 300);
    for (const GpuRow& row : records.rows) mine.erase(row.correlation_id);
    CHECK(mine.empty());
  }
  is_done = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(FakeViolations() == "");
}

TEST_CASE("life child: a million launches" * doctest::skip()) {
  const Windows window = Capture(CuptiSource(), "burst 250000 threads=4 dur=100");
  const GpuRecords& records = window.records;
  INFO(WarningText(records));
  // Every record that the library made is a row, a call, or counted as lost.
  const uint64_t lost = WarningCount(records, "gpu-dropped") + WarningCount(records, "gpu-discarded") +
                        WarningCount(records, "gpu-over-limit");
  CHECK(records.rows.size() + records.calls.size() + lost == 2'000'000);
  CHECK(FakeViolations() == "");
}

// Only primary contexts were, so that work of any other was cut off by the last flush.
TEST_CASE("life child: contexts that the program made are waited for" * doctest::skip()) {
  const std::string launch = "api cudaLaunchKernel\nkernel slow dur=3ms running\n";
  const Windows window = Capture(
      CuptiSource(), "context 2 device=0\nplace ctx=2\n" + launch + "context 3 device=0\nplace ctx=3\n" +
                         launch + "contextdestroy 3\ncontext 4 device=0\nplace ctx=4\n" + launch);
  CHECK(window.records.rows.size() == 2);  // that of 3 went with it
  CHECK(WarningCount(window.records, "gpu-lost-context") == 1);
  CHECK(WarningCount(window.records, "gpu-unfinished") == 0);
  CHECK(CountCalls("cuCtxSynchronize -> 0") == 3);  // 1, 2 and 4
  // One that was made before has no handle: what runs there is told of, and counted.
  const Windows next = Capture(CuptiSource(), "place ctx=2\n" + launch);
  CHECK(WarningCount(next.records, "gpu-unfinished") == 1);
  CHECK(CountCalls("cuCtxSynchronize -> 0") == 4);
  // Nor does a stop that must not wait.
  const Windows left = Capture(CuptiSource(), "context 5 device=0\nplace ctx=5\n" + launch, {}, false);
  CHECK(WarningCount(left.records, "gpu-unfinished") == 1);
  CHECK(CountCalls("cuCtxSynchronize -> 0") == 4);
  CHECK(FakeViolations() == "");
}

TEST_CASE("life child: contexts that go away" * doctest::skip()) {
  const Windows window =
      Capture(CuptiSource(),
              "api cudaLaunchKernel\nkernel kept\napi cudaLaunchKernel\nkernel lost running\ndevicereset 0\n"
              "context 5 device=0\nplace ctx=5\napi cudaLaunchKernel\nkernel new running");
  CHECK(WarningCount(window.records, "gpu-unfinished") == 0);
  CHECK(WarningCount(window.records, "gpu-lost-context") == 1);
  CHECK(CountRows(window.records, GpuKind::kKernel) == 2);
  // An orderly end costs nothing: what was told of before is there.
  const Windows orderly = Capture(
      CuptiSource(), "context 6 device=0\nplace ctx=6\napi cudaLaunchKernel\nkernel k\ncontextdestroy 6");
  CHECK(WarningText(orderly.records) == "");
  CHECK(orderly.records.rows.size() == 1);
  const Windows none = Capture(CuptiSource(), "nocontexts");
  CHECK(none.records.rows.empty());
  CHECK(FakeViolations() == "");  // above all: no context was made by asking for it
}

#endif
