#include <dlfcn.h>

#include <cstdlib>

#include "doctest.h"
#include "gpu/driver_probe.h"

using opscope::gpu::DriverAnswers;
using opscope::gpu::JudgeDriver;

TEST_CASE("what the driver answers becomes a reason") {
  struct Row {
    DriverAnswers answers;
    const char* reason;
  };
  const char* const kPath = "/usr/lib/x86_64-linux-gnu/libcuda.so.1";
  const Row rows[] = {
      {{kPath, 0, 13000, 0, 1, 0}, ""},
      {{kPath, 0, 13000, 0, 8, 0}, ""},
      {{kPath, 100, 12040, 0, 0, 0}, "no-device"},
      {{kPath, 0, 12040, 0, 0, 0}, "no-device"},
      {{kPath, 0, 12040, 0, 0, 100}, "no-device"},
      {{kPath, 803, 12040, 0, 0, 0}, "driver-broken"},
      {{kPath, 999, 0, 999, 0, 0}, "driver-broken"},
      {{kPath, 3, 12040, 0, 0, 0}, "driver-broken"},
      {{kPath, 0, 0, 999, 1, 0}, "driver-broken"},
      {{kPath, 0, 12040, 0, 0, 999}, "driver-broken"},
      {{kPath, 34, 0, 34, 0, 34}, "stub-driver"},
      {{"/usr/local/cuda/lib64/stubs/libcuda.so", 999, 0, 0, 0, 0}, "stub-driver"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.answers.path);
    CAPTURE(row.answers.init);
    const auto probe = JudgeDriver(row.answers);
    CHECK(probe.reason == row.reason);
    CHECK(probe.detail.empty() == (row.reason[0] == '\0'));
    CHECK(probe.driver_version == row.answers.version);
    CHECK(probe.device_count == (row.reason[0] == '\0' ? row.answers.count : 0));
  }
}

TEST_CASE("without libcuda.so.1 the reason is no-driver") {
  if (void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)) {
    dlclose(driver);
    MESSAGE("skipped: this machine has a CUDA driver");
    return;
  }
  if (std::getenv("OPSCOPE_CUDA_PATH") != nullptr) {
    MESSAGE("skipped: OPSCOPE_CUDA_PATH is set");
    return;
  }
  const auto probe = opscope::gpu::ProbeDriver();
  CHECK(probe.reason == "no-driver");
  CHECK(probe.detail.find("libcuda.so.1") != std::string::npos);
}
