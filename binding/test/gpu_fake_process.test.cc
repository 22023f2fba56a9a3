// The CUPTI back end at the ends of a process: fork, exit, and a process that
// knows of nothing but its environment. Each case runs in a child process.
#if __has_include("gpu/gpu_source_cupti.h")

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
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

ChildCase Case(const std::string& test_case, const std::string& cupti, std::vector<std::string> more = {}) {
  return {"process child: " + test_case, FakeVariables(cupti, std::move(more))};
}

}  // namespace

TEST_CASE("GPU source and the end of a process") {
  CheckAll({
      Case("a forked child", "cupti-13"),
      Case("exit in the middle", "cupti-13"),
      Case("exit in the middle", "cupti-11.8"),
      Case("exit while CUPTI is inside a call", "cupti-13",
           {"FAKECUPTI_ERRORS=delay:cuptiActivityFlushAll=1500"}),
      Case("exit while CUPTI is inside a call", "cupti-13",
           {"FAKECUPTI_ERRORS=delay:cuptiActivityEnable=500"}),
      Case("exit while CUPTI is inside a call", "cupti-12", {"FAKECUPTI_ERRORS=delay:cuCtxSynchronize=5000"}),
      Case("exit with the GPU on", "cupti-13", {"FAKECUPTI_ERRORS=delay:cuptiActivityFlushAll=5000"}),
      Case("a script from a file", "cupti-13", {"FAKECUPTI_SCRIPT=" + FakesFolder() + "/process.script"}),
  });
}

TEST_CASE("process child: a forked child" * doctest::skip()) {
  REQUIRE(CuptiSource().Start({}).available);
  const auto start_ns = static_cast<int64_t>(MonotonicNs());
  CHECK(RunFake("api cudaLaunchKernel\nkernel k") == "");
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    const GpuState state = CuptiSource().Start({});
    CuptiSource().Stop(0, true, 1000);
    std::exit(!state.available && state.reason == "refused" ? 0 : 1);  // with all that exit does
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(CuptiSource().Stop(start_ns, true, kPatienceMs).rows.size() == 1);
}

TEST_CASE("process child: exit in the middle" * doctest::skip()) {
  REQUIRE(CuptiSource().Start({}).available);
  for (int i = 0; i < 3; ++i) {
    std::thread([] {
      while (true) RunFake("burst 100");
    }).detach();
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  alarm(10);
  std::exit(0);
}

// The start, the wait or the flush that another thread asked for is under way.
TEST_CASE("process child: exit while CUPTI is inside a call" * doctest::skip()) {
  std::thread([] {
    if (!CuptiSource().Start({}).available) return;
    RunFake("api cudaLaunchKernel\nkernel k running");
    CuptiSource().Stop(0, true, 60'000);
  }).detach();
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  alarm(10);  // the wait for CUPTI has an end
  std::exit(0);
}

// Nobody stops the recording, and the control thread is in a flush of its own.
TEST_CASE("process child: exit with the GPU on" * doctest::skip()) {
  REQUIRE(CuptiSource().Start({}).available);
  CHECK(RunFake("api cudaLaunchKernel\nkernel k") == "");
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  alarm(4);
  std::exit(0);
}

TEST_CASE("process child: a script from a file" * doctest::skip()) {
  FILE* file = std::fopen((FakesFolder() + "/process.script").c_str(), "w");
  REQUIRE(file != nullptr);
  std::fputs("api cudaLaunchKernel\nkernel from-file\n", file);
  std::fclose(file);
  GpuSource& source = CuptiSource();
  const auto start_ns = static_cast<int64_t>(MonotonicNs());
  REQUIRE(source.Start({}).available);
  const GpuRecords records = source.Stop(start_ns, true, kPatienceMs);
  REQUIRE(records.rows.size() == 1);
  CHECK(NameOf(records, records.rows[0]) == "from-file");
}

#endif
