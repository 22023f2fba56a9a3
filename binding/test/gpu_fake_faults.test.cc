// Each call of CUPTI that can be refused, refused: a start says why it failed
// and leaves nothing behind; a recording goes on and counts what it cannot tell.
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

ChildCase Case(const std::string& test_case, const std::string& cupti = "cupti-13") {
  return {"fault child: " + test_case, FakeVariables(cupti)};
}

// The next session with these errors planned.
GpuRecords RecordWith(const std::string& errors, const std::string& script) {
  REQUIRE(RunFake("errors\nerrors \"" + errors + "\"") == "");
  return Capture(CuptiSource(), script).records;
}

constexpr const char* kLaunch = "api cudaLaunchKernel\nkernel k";

}  // namespace

TEST_CASE("GPU source meets every refusal of CUPTI") {
  std::vector<ChildCase> cases;
  for (const char* cupti : {"cupti-11.8", "cupti-12", "cupti-13"}) {
    cases.push_back(Case("any error at each step of a start", cupti));
    cases.push_back(Case("a kind is refused", cupti));
    cases.push_back(Case("a call that can be done without", cupti));
    cases.push_back(Case("a call that cannot be done without", cupti));
    cases.push_back(Case("an unsubscribe is refused", cupti));
  }
  cases.push_back(Case("the choice of driver calls is refused"));
  CheckAll(cases);
}

TEST_CASE("fault child: any error at each step of a start" * doctest::skip()) {
  struct Step {
    const char* name;     // as the detail tells it
    const char* entries;  // errors to plan, with = for the code
  };
  const Step steps[] = {{"cuptiSubscribe", "cuptiSubscribe= cuptiSubscribe_v2="},
                        {"cuptiActivityRegisterCallbacks", "cuptiActivityRegisterCallbacks="},
                        {"cuptiActivityEnable", "cuptiActivityEnable:10="}};
  for (const Step& step : steps) {
    for (const int code :
         {1, 2, 3, 7, 8, 10, 12, 14, 15, 18, 21, 23, 27, 33, 35, 38, 39, 40, 41, 43, 45, 999, -1, 123456}) {
      std::string errors = step.entries;
      for (size_t at = errors.find('='); at != errors.npos; at = errors.find('=', at + 1))
        errors.insert(at + 1, std::to_string(code));
      REQUIRE(RunFake("errors\nerrors \"" + errors + "\"") == "");
      const GpuState state = CuptiSource().Start({});
      INFO(std::string(step.name), " ", code, " gave ", state.reason, ": ", state.detail);
      CHECK_FALSE(state.available);
      CHECK(state.reason == (code == 39 || code == 14 ? "busy" : "refused"));
      CHECK(state.detail.find(step.name) != std::string::npos);
      CHECK(state.detail.find(std::to_string(code)) != std::string::npos);
    }
  }
  const GpuRecords records = RecordWith("", kLaunch);
  CHECK(records.rows.size() == 1);
  CHECK(records.warnings.empty());
  CHECK(FakeViolations() == "");
}

TEST_CASE("fault child: a kind is refused" * doctest::skip()) {
  // Memcpy, memset, runtime, device, context, name, marker, overhead, peer copy, sync.
  for (const int kind : {1, 2, 5, 8, 9, 11, 12, 17, 22, 38}) {
    const std::string number = std::to_string(kind);
    const GpuRecords records = RecordWith(
        "cuptiActivityEnable:" + number + "=27 cuptiActivityEnableAndDump:" + number + "=27", kLaunch);
    INFO(kind, " ", WarningText(records));
    CHECK(WarningCount(records, "gpu-not-recorded") == 1);
    CHECK(records.rows.size() == 1);
    CHECK(records.calls.size() == (kind == 5 ? 0 : 1));
  }
  CHECK(FakeViolations() == "");
}

// All that the driver does would be recorded instead of its launches alone.
TEST_CASE("fault child: the choice of driver calls is refused" * doctest::skip()) {
  for (const char* errors : {"cuptiActivityEnableDriverApi=27", "cuptiActivityEnable:4=27"}) {
    const GpuRecords records =
        RecordWith(errors, std::string(kLaunch) + "\napi cuLaunchKernel driver\nkernel b");
    INFO(std::string(errors), " ", WarningText(records));
    CHECK(WarningCount(records, "gpu-not-recorded") == 1);
    CHECK(records.rows.size() == 2);
    CHECK(records.calls.size() == 1);
  }
  CHECK(FakeViolations() == "");
}

TEST_CASE("fault child: a call that can be done without" * doctest::skip()) {
  for (const char* errors : {"cuptiActivitySetAttribute=1", "cuptiEnableCallback=1",
                             "cuptiActivityEnableAndDump=27", "cuptiActivityEnableRuntimeApi=27"}) {
    const GpuRecords records = RecordWith(errors, kLaunch);
    INFO(std::string(errors), " ", WarningText(records));
    CHECK(records.rows.size() == 1);
    CHECK(records.calls.size() == 1);
    CHECK(records.warnings.empty());
  }
  CHECK(FakeViolations() == "");
}

// The capture was silent about all of these.
TEST_CASE("fault child: a call that cannot be done without" * doctest::skip()) {
  for (const char* errors : {"cuptiSetThreadIdType=999", "cuptiActivityFlushAll=999@2",
                             "cuptiActivityGetNumDroppedRecords=14", "cuptiActivityDisable:38=999"}) {
    const GpuRecords records = RecordWith(errors, std::string("quiet\n") + kLaunch + "\ncomplete");
    INFO(std::string(errors), " ", WarningText(records));
    CHECK(WarningCount(records, "gpu-refused-call") >= 1);
    CHECK(records.rows.size() == 1);
    REQUIRE(!records.warnings.empty());
    CHECK(records.warnings[0].detail.find(std::string(errors).substr(0, 16)) == 0);
  }
  CHECK(RecordWith("", kLaunch).warnings.empty());
}

TEST_CASE("fault child: an unsubscribe is refused" * doctest::skip()) {
  const GpuRecords records = RecordWith("cuptiUnsubscribe=1", kLaunch);
  CHECK(records.rows.size() == 1);
  CHECK(WarningCount(records, "gpu-refused-call") == 1);
  CHECK(CuptiSource().Start({}).reason == "busy");  // by ourselves
}
