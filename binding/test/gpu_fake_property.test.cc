// The whole back end on random scripts whose outcome is known by construction:
// every call, kernel, copy, fill and sync, their times, bytes and places, and
// every loss with its count.
#if __has_include("gpu/gpu_source_cupti.h")

#include <cstdlib>

#include "core/clock.h"
#include "doctest.h"
#include "fake/client/child_run.h"
#include "fake/client/fakes.h"
#include "fake/client/source_probe.h"
#include "gpu/gpu_source_cupti.h"

using namespace fakegpu;
using namespace opscope;

namespace {

// OPSCOPE_TEST_SEEDS="400:470"; one seed alone repeats a failure.
struct SeedRange {
  uint64_t from = 0, to = 1;
};
SeedRange GivenSeeds() {
  const char* given = std::getenv("OPSCOPE_TEST_SEEDS");
  if (given == nullptr) return {};
  char* rest = nullptr;
  const uint64_t first = std::strtoull(given, &rest, 10);
  return {first, *rest == ':' ? std::strtoull(rest + 1, nullptr, 10) : first + 1};
}

void RunSeeds(bool is_scripted, bool has_graph_traces) {
  const SeedRange seeds = GivenSeeds();
  GpuSource& source = CuptiSource();
  const Controls& fake = Controls::Get();
  if (is_scripted) {
    REQUIRE(RunFake("clock 5000000000") == "");
    ScriptClock(fake.host_ns);
  }
  GpuOptions options;
  options.graph_nodes = !has_graph_traces;
  for (uint64_t seed = seeds.from; seed < seeds.to; ++seed) {
    const RandomScript script = MakeRandomScript({seed, 40, has_graph_traces});
    // A scripted session takes no time of its own; ticks of the clock must differ all the same.
    if (is_scripted) REQUIRE(RunFake("sleep 1ms") == "");
    const GpuState state = source.Start(options);
    REQUIRE_MESSAGE(state.available, state.reason, ": ", state.detail);
    Windows window;
    window.start_ns = static_cast<int64_t>(fake.host_ns());
    REQUIRE_MESSAGE(RunFake(script.text) == "", script.text);
    if (is_scripted) REQUIRE(RunFake("sleep 1ms") == "");
    window.records = source.Stop(window.start_ns, script.synchronizes, kPatienceMs);
    // A live script starts a little after the window does.
    const std::string difference = Compare(window, script.expected, is_scripted ? 0 : 2'000'000);
    INFO("seed ", seed, "\n", script.text);
    REQUIRE(difference == "");
    REQUIRE(FakeViolations() == "");
  }
}

ChildCase Seeds(const std::string& test_case, const std::string& seeds, const std::string& cupti,
                std::vector<std::string> more = {}) {
  more.push_back("OPSCOPE_TEST_SEEDS=" + seeds);
  return {"random child: " + test_case, FakeVariables(cupti, std::move(more)), 300};
}

}  // namespace

TEST_CASE("a thousand random scripts come out as known, on CUPTI 11.8, 12.4 and 13.0") {
  const std::vector<ChildCase> cases = {
      Seeds("scripted clock", "0:200", "cupti-11.8"),
      Seeds("scripted clock", "200:400", "cupti-12"),
      Seeds("scripted clock", "400:600", "cupti-13"),
      Seeds("graph traces", "600:650", "cupti-11.8"),
      Seeds("graph traces", "650:700", "cupti-12"),
      Seeds("graph traces", "700:750", "cupti-13"),
      Seeds("live clock", "750:800", "cupti-11.8"),
      Seeds("live clock", "800:850", "cupti-12"),
      Seeds("live clock", "850:900", "cupti-13"),
      // The releases between them, and one to come.
      Seeds("live clock", "900:925", "cupti-11.8", {"FAKECUPTI_PERSONALITY=11.2"}),
      Seeds("live clock", "925:950", "cupti-12", {"FAKECUPTI_PERSONALITY=12.0"}),
      Seeds("live clock", "950:975", "cupti-12", {"FAKECUPTI_PERSONALITY=12.9"}),
      Seeds("live clock", "975:1000", "cupti-13", {"FAKECUPTI_STRIDES=10:320,1:160,2:96,5:40,38:64"}),
  };
  CheckAll(cases);
}

TEST_CASE("random child: scripted clock" * doctest::skip()) { RunSeeds(true, false); }
TEST_CASE("random child: graph traces" * doctest::skip()) { RunSeeds(true, true); }
TEST_CASE("random child: live clock" * doctest::skip()) { RunSeeds(false, false); }

#endif
