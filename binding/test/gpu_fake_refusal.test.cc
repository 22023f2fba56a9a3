// Why the CUPTI back end does not start: each fault of a machine has a reason
// and a detail that names it. Each runs in a child process.
#if __has_include("gpu/gpu_source_cupti.h")

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "doctest.h"
#include "fake/client/child_run.h"
#include "fake/client/fakes.h"
#include "fake/client/source_probe.h"
#include "gpu/gpu_source_cupti.h"

using namespace fakegpu;
using namespace opscope;

namespace {

// A start that must fail, with this reason and a word of its detail.
void CheckRefusal(const std::string& reason, const std::string& word, std::vector<std::string> more,
                  const std::string& cupti = "cupti-13") {
  more.push_back("EXPECT_REASON=" + reason);
  more.push_back("EXPECT_WORD=" + word);
  const ChildResult result = RunCase("refusal child", FakeVariables(cupti, std::move(more)));
  CHECK_MESSAGE(result.exit_status == 0, reason, " ", word, "\n", result.output);
}

// A toolkit's stub driver: the same file, in a folder called stubs.
std::string StubPath() {
  const std::string folder = FakesFolder() + "/cuda/stubs";
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(FakePath("cuda/libcuda.so.1"), folder + "/libcuda.so.1",
                             std::filesystem::copy_options::overwrite_existing);
  return folder + "/libcuda.so.1";
}

// Files in the place of a library: the fake one, damaged in one way or another.
struct BrokenFile {
  std::string name;
  std::string bytes;
};
std::vector<BrokenFile> BrokenFiles(const std::string& good) {
  std::ifstream file(good, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  REQUIRE(bytes.size() > 4096);
  std::string other_machine = bytes, other_class = bytes;
  other_machine[18] = 8;  // MIPS
  other_class[4] = 1;     // 32 bits
  return {{"empty", ""},
          {"text", "this is no library\n"},
          {"cut-early", bytes.substr(0, 100)},
          {"cut-late", bytes.substr(0, 9000)},  // inside the code; its debug symbols it could do without
          {"other-machine", other_machine},
          {"other-class", other_class}};
}
std::string Written(const std::string& name, const std::string& bytes) {
  const std::string folder = FakesFolder() + "/broken";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
  return folder + "/" + name;
}

}  // namespace

TEST_CASE("GPU source tells that a file is no library of this machine's") {
  for (const BrokenFile& file : BrokenFiles(FakePath("cupti-13/libcupti.so.13"))) {
    const std::string path = Written(file.name + "-libcupti.so.13", file.bytes);
    CheckRefusal("cupti-unusable", path, {"OPSCOPE_CUPTI_PATH=" + path});
  }
  for (const BrokenFile& file : BrokenFiles(FakePath("cuda/libcuda.so.1"))) {
    const std::string path = Written(file.name + "-libcuda.so.1", file.bytes);
    CheckRefusal("driver-broken", path, {"OPSCOPE_CUDA_PATH=" + path});
  }
  // Whole libraries, but the wrong ones.
  CheckRefusal("cupti-unusable", "lacks cuptiGetVersion",
               {"OPSCOPE_CUPTI_PATH=" + FakePath("cuda/libcuda.so.1")});
  CheckRefusal("driver-broken", "lacks cuInit", {"OPSCOPE_CUDA_PATH=" + FakePath("cupti-13/libcupti.so.13")});
}

TEST_CASE("GPU source tells why it is not available") {
  CheckRefusal("no-driver", "libcuda", {"OPSCOPE_CUDA_PATH=/nonexistent/libcuda.so.1"});
  CheckRefusal("no-device", "100", {"FAKECUDA_ERRORS=cuInit=100"});
  CheckRefusal("no-device", "", {"FAKECUDA_DEVICES=0"});
  CheckRefusal("driver-broken", "803", {"FAKECUDA_ERRORS=cuInit=803"});
  CheckRefusal("driver-broken", "999", {"FAKECUDA_ERRORS=cuInit=999"});
  CheckRefusal("driver-broken", "999", {"FAKECUDA_ERRORS=cuDeviceGetCount=999"});
  CheckRefusal("stub-driver", "", {"FAKECUDA_ERRORS=cuda-all=34"});
  CheckRefusal("stub-driver", "stubs", {"OPSCOPE_CUDA_PATH=" + StubPath()});
  CheckRefusal("driver-too-old", "12080", {"FAKECUDA_DRIVER=12080"});
  CheckRefusal("cupti-missing", "/nonexistent", {"OPSCOPE_CUPTI_PATH=/nonexistent/libcupti.so.13"});
  CheckRefusal("cupti-missing", "", {"OPSCOPE_CUPTI_PATH=" + FakePath("cuda")});
  CheckRefusal("cupti-unusable", "cuptiActivityGetNumDroppedRecords", {}, "cupti-incomplete");
  CheckRefusal("cupti-unusable", "104 bytes, too short for the fields", {"FAKECUPTI_STRIDES=10:104"});
  CheckRefusal("cupti-unusable", "217 bytes, which are not whole words", {"FAKECUPTI_STRIDES=10:217"});
  CheckRefusal("cupti-unusable", "does not step over", {"FAKECUPTI_STRIDES=10:0"});
  CheckRefusal("busy", "\"CUPTI for nsys\" has CUPTI", {"FAKECUPTI_HOLDER=CUPTI for nsys"});
  CheckRefusal("busy", "another profiler has CUPTI", {"FAKECUPTI_HOLDER=CUPTI for nsys"}, "cupti-12");
  CheckRefusal("busy", "NSYS_PROFILING_SESSION_ID is set",
               {"FAKECUPTI_HOLDER=nsys", "NSYS_PROFILING_SESSION_ID=1"}, "cupti-12");
  CheckRefusal("busy", "39", {"FAKECUPTI_ERRORS=cuptiSubscribe=39,cuptiSubscribe_v2=39"});
  CheckRefusal("*", "35", {"FAKECUPTI_ERRORS=cuptiSubscribe=35,cuptiSubscribe_v2=35"});
  CheckRefusal("*", "15", {"FAKECUPTI_ERRORS=all=15"});
  CheckRefusal("*", "999", {"FAKECUPTI_ERRORS=all=999"});
  CheckRefusal("*", "15", {"FAKECUPTI_ERRORS=no-device"}, "cupti-12");
  CheckRefusal("*", "999", {"FAKECUPTI_ERRORS=cuptiActivityEnable=999"});
  CheckRefusal("*", "27", {"FAKECUPTI_ERRORS=cuptiActivityEnable:10=27"});
  CheckRefusal("*", "999", {"FAKECUPTI_ERRORS=cuptiActivityRegisterCallbacks=999"});
}

TEST_CASE("refusal child" * doctest::skip()) {
  const std::string reason = std::getenv("EXPECT_REASON"), word = std::getenv("EXPECT_WORD");
  GpuState state;
  // Twice: the second try must neither hang nor say something else.
  for (int i = 0; i < 2; ++i) {
    state = CuptiSource().Start({});
    INFO(state.reason, ": ", state.detail);
    CHECK(!state.available);
    CHECK(!state.reason.empty());
    if (reason != "*") CHECK(state.reason == reason);
    CHECK(state.detail.find(word) != std::string::npos);
  }
  const bool is_driver_trouble =
      reason == "no-driver" || reason == "no-device" || reason == "driver-broken" || reason == "stub-driver";
  // CUPTI is not even opened there: releases before 13 would leave a thread behind.
  const std::string calls = Controls::Get().calls();
  if (is_driver_trouble) CHECK(calls.find("cupti") == std::string::npos);
  // Nothing stays subscribed or enabled.
  const auto count = [&](const char* part) {
    uint64_t found = 0;
    for (size_t at = calls.find(part); at != calls.npos; at = calls.find(part, at + 1)) ++found;
    return found;
  };
  CHECK(count("cuptiSubscribe -> 0") + count("cuptiSubscribe_v2 -> 0") == count("cuptiUnsubscribe -> 0"));
  CHECK(FakeViolations() == "");
}

#endif
