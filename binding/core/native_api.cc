#include "native_api.h"

#include <dlfcn.h>
#include <link.h>

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "recorder.h"

namespace opscope {

namespace {

// Token: the log's id above, below the name's id and whether its begin was dropped.
constexpr uint64_t kDroppedToken = 1u << 31;

std::string_view View(const char* text, size_t bytes) noexcept {
  return text == nullptr ? std::string_view() : std::string_view(text, bytes);
}

uint32_t Intern(const char* text, size_t bytes, int category, int role) noexcept {
  const auto known_category = category >= 0 && category < static_cast<int>(kCategoryCount)
                                  ? static_cast<Category>(category)
                                  : Category::kUser;
  const bool is_known_role =
      role == OPSCOPE_ROLE_OP || role == OPSCOPE_ROLE_PHASE || role == OPSCOPE_ROLE_SPECIAL;
  return Recorder::Get().names().Intern(View(text, bytes), known_category,
                                        is_known_role ? static_cast<Role>(role) : Role::kOp, {});
}

opscope_token Begin(uint32_t name) noexcept {
  if ((Recorder::gate() & CategoryBit(name)) == 0) return 0;
  ThreadLog& log = Recorder::CurrentLog();
  const uint64_t token = static_cast<uint64_t>(log.id()) << 32 | name;
  switch (log.BeginToken(name)) {
    case ThreadLog::TokenState::kOff:
      return 0;
    case ThreadLog::TokenState::kRecorded:
      return token;
    case ThreadLog::TokenState::kDropped:
      return token | kDroppedToken;
  }
  return 0;
}

void End(opscope_token token) noexcept {
  if (token == 0 || (token & kDroppedToken) != 0) return;
  ThreadLog& log = Recorder::CurrentLog();
  if (token >> 32 == log.id()) return log.End(static_cast<uint32_t>(token));
  auto& count = log.counts().foreign_ends;
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void Mark(uint32_t name) noexcept {
  if (Recorder::gate() != 0) Recorder::CurrentLog().Mark(name);
}

void Counter(uint32_t name, double value) noexcept {
  if (Recorder::gate() != 0) Recorder::CurrentLog().Counter(name, value);
}

uint32_t Key(const char* key) {
  return Recorder::Get().names().Intern(key == nullptr ? "" : key, Category::kUser, Role::kOp, {});
}

void AttributeInt(const char* key, int64_t value) noexcept {
  if (Recorder::gate() == 0) return;
  Recorder::CurrentLog().Attribute(0, Key(key), AttributeType::kInt, static_cast<uint64_t>(value));
}

void AttributeDouble(const char* key, double value) noexcept {
  if (Recorder::gate() == 0) return;
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  Recorder::CurrentLog().Attribute(0, Key(key), AttributeType::kDouble, bits);
}

void AttributeText(const char* key, const char* text, size_t bytes) noexcept {
  if (Recorder::gate() == 0) return;
  bool was_changed = false;
  Recorder::CurrentLog().TextAttribute(0, Key(key), CleanText(View(text, bytes), &was_changed));
}

void NameThread(const char* text, size_t bytes) noexcept {
  ThreadLog& log = Recorder::CurrentLog();
  bool was_changed = false;
  Recorder::Get().NameThread(&log, CleanText(View(text, bytes), &was_changed), log.js_thread_id);
}

opscope_token Current() noexcept {
  const ThreadLog* log = Recorder::CurrentLogOrNull();
  return log == nullptr ? 0 : log->CurrentSpan();
}

// The log's id above, below it the place among what the thread has adopted, from 1.
opscope_token Adopt(opscope_token span) noexcept {
  if (Recorder::gate() == 0 && Recorder::CurrentLogOrNull() == nullptr) return 0;
  ThreadLog& log = Recorder::CurrentLog();
  if (!log.Enter(span)) return 0;
  return static_cast<uint64_t>(log.id()) << 32 | log.control().contexts.load(std::memory_order_relaxed);
}

// Also ends what was adopted later on this thread and not released.
void Release(opscope_token adoption) noexcept {
  if (adoption == 0) return;
  ThreadLog& log = Recorder::CurrentLog();
  const auto place = static_cast<uint32_t>(adoption);
  if (adoption >> 32 == log.id() && place <= log.control().contexts.load(std::memory_order_relaxed))
    return log.ExitTo(place - 1);
  auto& count = log.counts().unmatched_releases;
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

constexpr opscope_functions_v1 kApi = {
    sizeof(opscope_functions_v1),
    &Intern,
    &Begin,
    &End,
    &Mark,
    &Counter,
    &AttributeInt,
    &AttributeDouble,
    &AttributeText,
    &NameThread,
    &Current,
    &Adopt,
    &Release,
};

}  // namespace

const opscope_functions_v1* NativeApi() noexcept { return &kApi; }

void FillNativeApiSlots() {
  std::vector<std::string> objects;
  // Only names here: dlopen inside the walk would take the loader's lock twice.
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        if (info->dlpi_name != nullptr && info->dlpi_name[0] != '\0')
          static_cast<std::vector<std::string>*>(data)->emplace_back(info->dlpi_name);
        return 0;
      },
      &objects);
  for (const std::string& object : objects) {
    void* handle = dlopen(object.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) continue;
    if (void* slot = dlsym(handle, "opscope_slot_v1")) {
      static_cast<std::atomic<const opscope_functions_v1*>*>(slot)->store(&kApi, std::memory_order_release);
      void* gate = dlsym(handle, "opscope_gate_v1");
      if (gate != nullptr)
        __atomic_store_n(static_cast<const uint32_t**>(gate), Recorder::gate_address(), __ATOMIC_RELEASE);
    }
    dlclose(handle);
  }
}

}  // namespace opscope

// For a loader that can see our symbols: the same functions without the walk.
extern "C" __attribute__((visibility("default"))) const opscope_functions_v1* opscope_api_v1(void) {
  return opscope::NativeApi();
}
