#include "driver_probe.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "library_file.h"

namespace opscope::gpu {

namespace {

constexpr int kCudaStubLibrary = 34;
constexpr int kCudaNoDevice = 100;

using Init = int (*)(unsigned flags);
using GetInt = int (*)(int* value);
using DeviceGet = int (*)(int* device, int ordinal);
using PrimaryState = int (*)(int device, unsigned* flags, int* is_active);
using PrimaryRetain = int (*)(void** context, int device);
using PrimaryRelease = int (*)(int device);
using PushCurrent = int (*)(void* context);
using PopCurrent = int (*)(void** context);
using Synchronize = int (*)();

template <typename Function>
Function Symbol(void* library, const char* name) noexcept {
  return reinterpret_cast<Function>(dlsym(library, name));
}

// Opened once and kept: unloading a driver is never safe.
void* g_driver = nullptr;

std::string LoaderError() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown loader error";
}

// The loader found a file, and it is no library: an empty one, say, where a
// container was to mount the driver.
bool IsOfBrokenFile(const std::string& error) {
  for (const char* part : {"ELF", "file too short", "Exec format", "invalid"}) {
    if (error.find(part) != std::string::npos) return true;
  }
  return false;
}

std::string Code(const char* call, int result) {
  return std::string(call) + " returned " + std::to_string(result);
}

DriverProbe No(const char* reason, std::string detail, const DriverAnswers& answers) {
  return {reason, std::move(detail), answers.path, answers.version, 0};
}

}  // namespace

DriverProbe JudgeDriver(const DriverAnswers& answers) {
  const bool is_stub_path = answers.path.find("/stubs/") != std::string::npos;
  if (is_stub_path || answers.init == kCudaStubLibrary) {
    return No("stub-driver",
              answers.path +
                  " is the linker stub of a toolkit, not a driver; take its folder off the "
                  "library path",
              answers);
  }
  if (answers.init == kCudaNoDevice)
    return No("no-device", "the driver sees no GPU (cuInit returned 100)", answers);
  if (answers.init != 0) return No("driver-broken", Code("cuInit", answers.init), answers);
  if (answers.version_result != 0) {
    return No("driver-broken", Code("cuDriverGetVersion", answers.version_result), answers);
  }
  if (answers.count_result == kCudaNoDevice || (answers.count_result == 0 && answers.count == 0)) {
    return No("no-device", "the driver counts no GPU", answers);
  }
  if (answers.count_result != 0)
    return No("driver-broken", Code("cuDeviceGetCount", answers.count_result), answers);
  return {"", "", answers.path, answers.version, answers.count};
}

DriverProbe ProbeDriver() {
  const char* given = std::getenv("OPSCOPE_CUDA_PATH");
  const char* name = given != nullptr && given[0] != '\0' ? given : "libcuda.so.1";
  if (g_driver == nullptr && std::strchr(name, '/') != nullptr) {
    if (std::string trouble = LibraryFileTrouble(name); !trouble.empty())
      return {"driver-broken", std::move(trouble), "", 0, 0};
  }
  if (g_driver == nullptr) g_driver = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (g_driver == nullptr) {
    const std::string error = LoaderError();
    return {IsOfBrokenFile(error) ? "driver-broken" : "no-driver", error, "", 0, 0};
  }

  const auto init = Symbol<Init>(g_driver, "cuInit");
  const auto get_version = Symbol<GetInt>(g_driver, "cuDriverGetVersion");
  const auto get_count = Symbol<GetInt>(g_driver, "cuDeviceGetCount");
  if (init == nullptr || get_version == nullptr || get_count == nullptr) {
    return {"driver-broken", std::string(name) + " lacks cuInit, cuDriverGetVersion or cuDeviceGetCount",
            name, 0, 0};
  }
  DriverAnswers answers;
  Dl_info where{};
  answers.path = dladdr(reinterpret_cast<void*>(init), &where) != 0 ? where.dli_fname : name;
  answers.init = init(0);
  answers.version_result = get_version(&answers.version);
  if (answers.init == 0) answers.count_result = get_count(&answers.count);
  return JudgeDriver(answers);
}

void SynchronizeContexts(int device_count, const LiveContexts& made) noexcept {
  if (g_driver == nullptr) return;
  const auto get_device = Symbol<DeviceGet>(g_driver, "cuDeviceGet");
  const auto get_state = Symbol<PrimaryState>(g_driver, "cuDevicePrimaryCtxGetState");
  const auto retain = Symbol<PrimaryRetain>(g_driver, "cuDevicePrimaryCtxRetain");
  const auto release = Symbol<PrimaryRelease>(g_driver, "cuDevicePrimaryCtxRelease_v2");
  const auto push = Symbol<PushCurrent>(g_driver, "cuCtxPushCurrent_v2");
  const auto pop = Symbol<PopCurrent>(g_driver, "cuCtxPopCurrent_v2");
  const auto synchronize = Symbol<Synchronize>(g_driver, "cuCtxSynchronize");
  if (!get_device || !get_state || !retain || !release || !push || !pop || !synchronize) return;
  const auto wait = [&](void* context) {
    if (push(context) != 0) return;
    synchronize();
    pop(&context);
  };
  std::vector<void*> contexts = made.List();
  for (int ordinal = 0; ordinal < device_count; ++ordinal) {
    int device = 0, is_active = 0;
    unsigned flags = 0;
    void* primary = nullptr;
    // Retaining a context that is not in use would create one on the GPU.
    if (get_device(&device, ordinal) != 0 || get_state(device, &flags, &is_active) != 0 || is_active == 0)
      continue;
    if (retain(&primary, device) != 0) continue;
    wait(primary);
    release(device);
    contexts.erase(std::remove(contexts.begin(), contexts.end(), primary), contexts.end());
  }
  for (void* context : contexts) {
    // Its end may come between the two, as it may for a primary one: the driver
    // then refuses the handle. To hold up the program instead could deadlock.
    if (made.Has(context)) wait(context);
  }
}

}  // namespace opscope::gpu
