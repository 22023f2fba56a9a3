// The real libcupti of an installed toolkit, on machines with or without a
// driver; skipped, with a reason, where there is none.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "doctest.h"
#include "gpu/activity_reader.h"
#include "gpu/api_names.h"
#include "gpu/cupti_library.h"
#include "gpu/gpu_source_cupti.h"
#include "test/gpu_record_builder.h"

using namespace opscope;
using namespace opscope::gpu;
using gpu_test::BufferBuilder;
using gpu_test::StrideRow;

namespace {

std::string g_path;

// OPSCOPE_TEST_CUPTI names the file of another release.
const CuptiLibrary* RealLibrary() {
  static const CuptiOutcome outcome = [] {
    if (const char* given = std::getenv("OPSCOPE_TEST_CUPTI")) g_path = given;
    for (const char* folder :
         {"/usr/local/cuda/extras/CUPTI/lib64", "/usr/local/cuda/lib64", "/usr/local/cuda/lib"}) {
      for (const char* name : {"libcupti.so.13", "libcupti.so.12", "libcupti.so.11.8"}) {
        const std::string path = std::string(folder) + "/" + name;
        if (g_path.empty() && access(path.c_str(), R_OK) == 0) g_path = path;
      }
    }
    if (g_path.empty()) return CuptiOutcome{};
    CuptiSearch search;
    search.environment = [](const char* name) -> const char* {
      return std::strcmp(name, "OPSCOPE_CUPTI_PATH") == 0 ? g_path.c_str() : nullptr;
    };
    return LoadCupti(search);
  }();
  if (outcome.library == nullptr) {
    MESSAGE("skipped: no libcupti under /usr/local/cuda " << outcome.detail);
  }
  return outcome.library.get();
}

bool HasDriver() {
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver != nullptr) MESSAGE("skipped: this machine has a CUDA driver");
  return driver != nullptr;
}

uint16_t StrideRow::*ReleaseOf(const CuptiLibrary& library) {
  if (library.version >= 130000 && library.version < 130100) return &StrideRow::cuda_13_0;
  if (library.version == 22) return &StrideRow::cuda_12_4;
  if (library.version == 18 && library.major == 11) return &StrideRow::cuda_11_8;
  if (library.version == 14) return &StrideRow::cuda_11_2;
  return nullptr;
}

}  // namespace

TEST_CASE("the real library's records are as long as the table of its release says") {
  const CuptiLibrary* library = RealLibrary();
  if (library == nullptr) return;
  const auto release = ReleaseOf(*library);
  if (release == nullptr) {
    MESSAGE("skipped: no table for CUPTI " << library->version);
    return;
  }
  for (const StrideRow& row : gpu_test::kStrides) {
    CAPTURE(row.kind);
    CHECK(library->layout.StrideOf(row.kind) == row.*release);
  }
}

TEST_CASE("the real library names its calls, the one that new compilers launch through among them") {
  const CuptiLibrary* library = RealLibrary();
  if (library == nullptr) return;
  const ApiNames names(library->api.get_callback_name);
  const auto is = [&](uint32_t domain, uint32_t id, const char* text, ApiClass api_class) {
    CHECK(names.Find(domain, id).text == text);
    CHECK(names.Find(domain, id).api_class == api_class);
  };
  is(cupti::kRuntimeDomain, 211, "cudaLaunchKernel", ApiClass::kLaunch);
  is(cupti::kRuntimeDomain, 214, "cudaLaunchKernel", ApiClass::kLaunch);
  is(cupti::kRuntimeDomain, 41, "cudaMemcpyAsync", ApiClass::kCopy);
  is(cupti::kRuntimeDomain, 31, "cudaMemcpy", ApiClass::kCopy);
  is(cupti::kRuntimeDomain, 311, "cudaGraphLaunch", ApiClass::kGraphLaunch);
  is(cupti::kRuntimeDomain, 165, "cudaDeviceSynchronize", ApiClass::kSync);
  is(cupti::kDriverDomain, 307, "cuLaunchKernel", ApiClass::kLaunch);
  is(cupti::kDriverDomain, 514, "cuGraphLaunch", ApiClass::kGraphLaunch);
  is(cupti::kDriverDomain, 17, "cuCtxSynchronize", ApiClass::kSync);
  if (library->major >= 13) is(cupti::kRuntimeDomain, 505, "__cudaLaunchKernel", ApiClass::kLaunch);
  uint32_t runtime = 0;
  for (uint32_t id = 0; id < names.LimitOf(cupti::kRuntimeDomain); ++id)
    runtime += names.Find(cupti::kRuntimeDomain, id).api_class != ApiClass::kUnknown;
  CHECK(runtime > 300);
  CHECK(names.LimitOf(cupti::kDriverDomain) > 500);
}

TEST_CASE("our walk over a buffer is the real library's, however the buffer ends") {
  const CuptiLibrary* library = RealLibrary();
  if (library == nullptr) return;
  const ApiNames names(library->api.get_callback_name);
  std::vector<uint32_t> kinds;
  for (uint32_t kind = 1; kind < cupti::kKindLimit; ++kind) {
    if (library->layout.StrideOf(kind) != 0) kinds.push_back(kind);
  }
  REQUIRE(kinds.size() > 20);
  uint64_t state = 42;
  const auto next_random = [&state] {
    return static_cast<uint32_t>((state = state * 6364136223846793005u + 1442695040888963407u) >> 33);
  };
  for (int round = 0; round < 500; ++round) {
    BufferBuilder builder(library->layout);
    for (int i = 0; i < 20; ++i) {
      const uint32_t kind = kinds[next_random() % kinds.size()];
      builder.AddRaw(kind, library->layout.StrideOf(kind));
      // No text and no time, so that whatever is decoded is left out.
      for (uint16_t at = 4; at + 4 <= library->layout.StrideOf(kind); at = static_cast<uint16_t>(at + 4))
        builder.Set(cupti::U32{at}, 0u);
    }
    // Whole, cut, followed by zeroes, followed by a kind that does not exist.
    size_t valid = builder.size();
    if (round % 4 == 1) valid -= 8 * (next_random() % 20);
    if (round % 4 == 2) builder.AddRaw(0, 64), valid = builder.size();
    if (round % 4 == 3) builder.AddRaw(0x7000, 64), valid = builder.size();
    GpuClock clock;
    RecordStore store;
    ActivityReader reader({library->layout, &names, library->api.get_next_record, false, 0}, &clock, &store);
    reader.Read(builder.data(), valid);
    CHECK(store.counts.walk_mismatches == 0);
    uint64_t count = 0;
    uint8_t* record = nullptr;
    while (library->api.get_next_record(builder.data(), valid, &record) == cupti::kSuccess) ++count;
    CHECK(store.counts.records == count);
  }
}

TEST_CASE("the real library's clock is the system's wall clock") {
  const CuptiLibrary* library = RealLibrary();
  if (library == nullptr) return;
  uint64_t now = 0;
  library->api.get_timestamp(&now);  // the first call takes 0.3 ms
  for (int i = 0; i < 1000; ++i) {
    const uint64_t before = RealtimeNs();
    REQUIRE(library->api.get_timestamp(&now) == cupti::kSuccess);
    CHECK(now >= before);
    CHECK(now <= RealtimeNs());
  }
}

TEST_CASE("without a driver the real library refuses, each release with its own code") {
  const CuptiLibrary* library = RealLibrary();
  if (library == nullptr || HasDriver()) return;
  const cupti::Result refused = library->version >= 130000 ? cupti::kUnknownError : cupti::kNotInitialized;
  cupti::Subscriber subscriber = nullptr;
  CHECK(library->api.subscribe(
            &subscriber, [](void*, uint32_t, uint32_t, const void*) {}, nullptr) == refused);
  CHECK(library->api.enable(cupti::Kind::kConcurrentKernel) == refused);
  CHECK(library->api.flush_all(cupti::kFlushForced) == refused);
  CHECK(library->api.ResultText(refused).find('(' + std::to_string(refused) + ')') != std::string::npos);
}

TEST_CASE("without a driver a start answers no-driver, again and again, and a stop gives nothing") {
  if (std::getenv("OPSCOPE_CUDA_PATH") != nullptr) {
    MESSAGE("skipped: OPSCOPE_CUDA_PATH is set");
    return;
  }
  if (HasDriver()) return;
  for (int i = 0; i < 3; ++i) {
    const GpuState state = CuptiSource().Start({});
    CHECK_FALSE(state.available);
    CHECK(state.reason == "no-driver");
    CHECK(state.detail.find("libcuda.so.1") != std::string::npos);
    const GpuRecords records = CuptiSource().Stop(0, true, 1000);
    CHECK(records.rows.size() == 0);
    CHECK(records.warnings.empty());
  }
}

TEST_CASE("a process forked after a start is refused at once, and ends without waiting") {
  const GpuState before = CuptiSource().Start({});
  if (before.available) CuptiSource().Stop(0, false, 1000);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const GpuState state = CuptiSource().Start({});
    const GpuRecords records = CuptiSource().Stop(0, true, 1000);
    _exit(!state.available && state.reason == "refused" && records.rows.empty() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
