#include "fakes.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace fakegpu {

std::string FakesFolder() {
  if (const char* folder = std::getenv("OPSCOPE_TEST_FAKES")) return folder;
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string() + "-fakes";
}

std::string FakePath(const std::string& name) { return FakesFolder() + "/" + name; }

const Controls& Controls::Get() {
  static const Controls controls = [] {
    const std::string path = FakePath("libfakegpu.so");
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      std::fprintf(stderr, "the fake GPU is not built: %s\n", dlerror());
      std::abort();
    }
    Controls found{};
    const auto resolve = [&](const char* name, auto* function) {
      *function = reinterpret_cast<std::remove_pointer_t<decltype(function)>>(dlsym(library, name));
      if (*function == nullptr) std::abort();
    };
    resolve("fakecupti_run_text", &found.run_text);
    resolve("fakecupti_error", &found.error);
    resolve("fakecupti_violations", &found.violations);
    resolve("fakecupti_calls", &found.calls);
    resolve("fakecupti_count", &found.count);
    resolve("fakecupti_host_ns", &found.host_ns);
    resolve("fakecupti_device_ns", &found.device_ns);
    resolve("fakecupti_reset", &found.reset);
    resolve("fakecupti_free_texts", &found.free_texts);
    return found;
  }();
  return controls;
}

std::string RunFake(const std::string& script) {
  const Controls& controls = Controls::Get();
  return controls.run_text(script.c_str()) == 0 ? "" : controls.error();
}

std::string FakeViolations() { return Controls::Get().violations(); }

uint64_t CountCalls(const std::string& line) {
  std::istringstream journal(Controls::Get().calls());
  uint64_t count = 0;
  for (std::string entry; std::getline(journal, entry);) count += entry == line;
  return count;
}

int64_t PlaceOfCall(const std::string& line, bool last) {
  std::istringstream journal(Controls::Get().calls());
  int64_t place = -1, number = 0;
  for (std::string entry; std::getline(journal, entry); ++number) {
    if (entry == line && (last || place < 0)) place = number;
  }
  return place;
}

}  // namespace fakegpu
