// The smallest client of CUPTI: it enables kinds, counts records, and reads no more than their ids. What
// opscope adds to a launch is measured beside it, and what CUPTI does in general is asked of it, without
// opscope in between. No vendor header: the numbers are those of CUPTI's C interface. Entry points are called
// by one thread at a time and return CUPTI's result, or -1 with a sentence in raw_error().
#include <dlfcn.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <unordered_set>

#define RAW_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum Kind : uint32_t { kMemcpy = 1, kMemset = 2, kDriver = 4, kRuntime = 5, kKernel = 10, kExternal = 39 };
// Order of the counts that raw_end() gives.
constexpr uint32_t kCounted[] = {kKernel, kRuntime, kDriver, kMemcpy, kExternal};
constexpr size_t kCountedKinds = sizeof(kCounted) / sizeof(kCounted[0]);
constexpr size_t kBufferBytes = 4u << 20;
constexpr uint32_t kCustomKind = 5;  // external correlation, custom 2

struct Api {
  int (*subscribe)(void** handle, void (*callback)(void*, uint32_t, uint32_t, const void*), void* user);
  int (*unsubscribe)(void* handle);
  int (*register_callbacks)(void (*request)(uint8_t**, size_t*, size_t*),
                            void (*complete)(void*, uint32_t, uint8_t*, size_t, size_t));
  int (*enable)(uint32_t kind);
  int (*disable)(uint32_t kind);
  int (*flush_all)(uint32_t flag);
  int (*next_record)(uint8_t* buffer, size_t valid, uint8_t** record);
  int (*dropped)(void* context, uint32_t stream, size_t* count);
  int (*push)(uint32_t kind, uint64_t id);
  int (*pop)(uint32_t kind, uint64_t* id);
  int (*enable_driver_api)(uint32_t id, uint8_t is_enabled);  // from 12.5
};

struct Counts {
  uint64_t records[kCountedKinds] = {};
  uint64_t kernels_without_id = 0, kernels_without_call = 0, dropped = 0, bytes = 0;
};

Api g_api = {};
void* g_subscriber = nullptr;
uint32_t g_kinds = 0;
uint32_t g_driver_call = 0;
std::mutex g_mutex;  // of what follows: buffers may be completed on several threads
Counts g_counts;
std::unordered_set<uint32_t> g_calls, g_kernels;
std::unordered_set<const uint8_t*> g_lent;
thread_local std::string t_error;

int Fail(const char* what) {
  t_error = what;
  return -1;
}

uint32_t Word(const uint8_t* record, size_t offset) {
  uint32_t word;
  std::memcpy(&word, record + offset, sizeof(word));
  return word;
}

void OnRequest(uint8_t** buffer, size_t* bytes, size_t* max_records) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(64, kBufferBytes));
  *bytes = *buffer == nullptr ? 0 : kBufferBytes;
  *max_records = 0;
  const std::lock_guard<std::mutex> lock(g_mutex);
  g_lent.insert(*buffer);
}

void OnComplete(void*, uint32_t, uint8_t* buffer, size_t, size_t valid) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  if (g_lent.erase(buffer) == 0) return;  // another client's, from before
  g_counts.bytes += valid;
  uint8_t* record = nullptr;
  while (valid != 0 && g_api.next_record(buffer, valid, &record) == 0) {
    const uint32_t kind = Word(record, 0);
    for (size_t i = 0; i < kCountedKinds; ++i) g_counts.records[i] += kCounted[i] == kind;
    if (kind == kKernel) {
      const uint32_t id = Word(record, 92);
      g_counts.kernels_without_id += id == 0;
      g_kernels.insert(id);
    } else if (kind == kRuntime || kind == kDriver) {
      g_calls.insert(Word(record, 32));
    }
  }
  std::free(buffer);
}

void OnCallback(void*, uint32_t, uint32_t, const void*) {}

template <typename Function>
bool Resolve(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

}  // namespace

RAW_EXPORT const char* raw_error() { return t_error.c_str(); }

// The library that opscope uses too; opening it again is free.
RAW_EXPORT int raw_open(const char* path) {
  if (g_api.next_record != nullptr) return 0;
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Fail(dlerror());
  Api api = {};
  Resolve(library, "cuptiActivityEnableDriverApi", &api.enable_driver_api);
  if (!Resolve(library, "cuptiSubscribe", &api.subscribe) ||
      !Resolve(library, "cuptiUnsubscribe", &api.unsubscribe) ||
      !Resolve(library, "cuptiActivityRegisterCallbacks", &api.register_callbacks) ||
      !Resolve(library, "cuptiActivityEnable", &api.enable) ||
      !Resolve(library, "cuptiActivityDisable", &api.disable) ||
      !Resolve(library, "cuptiActivityFlushAll", &api.flush_all) ||
      !Resolve(library, "cuptiActivityGetNumDroppedRecords", &api.dropped) ||
      !Resolve(library, "cuptiActivityPushExternalCorrelationId", &api.push) ||
      !Resolve(library, "cuptiActivityPopExternalCorrelationId", &api.pop) ||
      !Resolve(library, "cuptiActivityGetNextRecord", &api.next_record)) {
    return Fail("not a CUPTI library");
  }
  g_api = api;
  return 0;
}

// Takes the one subscription there is, as another profiler would, and gives it back.
RAW_EXPORT int raw_hold() {
  if (g_subscriber != nullptr) return Fail("held already");
  return g_api.subscribe(&g_subscriber, &OnCallback, nullptr);
}
RAW_EXPORT int raw_release() {
  const int result = g_api.unsubscribe(g_subscriber);
  g_subscriber = nullptr;
  return result;
}

// kinds: bits 1 kernels, 2 runtime calls, 4 driver calls, 8 copies, 16 external correlation. driver_call: the
// id of the one driver call that is to be recorded besides, 0: none.
RAW_EXPORT int raw_begin(uint32_t kinds, uint32_t driver_call) {
  if (const int result = raw_hold()) return result;
  {
    const std::lock_guard<std::mutex> lock(g_mutex);
    g_counts = {};
    g_calls.clear();
    g_kernels.clear();
  }
  g_kinds = kinds;
  g_driver_call = driver_call;
  int result = g_api.register_callbacks(&OnRequest, &OnComplete);
  for (size_t i = 0; i < kCountedKinds && result == 0; ++i) {
    if ((kinds >> i & 1) != 0) result = g_api.enable(kCounted[i]);
  }
  if (result == 0 && driver_call != 0) {
    result = g_api.enable_driver_api == nullptr ? 27 : g_api.enable_driver_api(driver_call, 1);
  }
  return result;
}

RAW_EXPORT int raw_push(uint64_t id) { return g_api.push(kCustomKind, id); }
RAW_EXPORT int raw_pop() {
  uint64_t id = 0;
  return g_api.pop(kCustomKind, &id);
}

// counts: records of kernels, runtime calls, driver calls, copies, external correlation; kernels with id 0;
// kernels whose id no call has; dropped records; bytes of buffers. The caller has waited for the GPU.
RAW_EXPORT int raw_end(double counts[9]) {
  g_api.flush_all(0);
  if (g_driver_call != 0 && g_api.enable_driver_api != nullptr) g_api.enable_driver_api(g_driver_call, 0);
  for (size_t i = kCountedKinds; i-- > 0;) {
    if ((g_kinds >> i & 1) != 0) g_api.disable(kCounted[i]);
  }
  g_api.flush_all(1);
  size_t dropped = 0;
  g_api.dropped(nullptr, 0, &dropped);
  const int result = raw_release();
  const std::lock_guard<std::mutex> lock(g_mutex);
  for (const uint32_t id : g_kernels) g_counts.kernels_without_call += id != 0 && g_calls.count(id) == 0;
  for (size_t i = 0; i < kCountedKinds; ++i) counts[i] = static_cast<double>(g_counts.records[i]);
  counts[5] = static_cast<double>(g_counts.kernels_without_id);
  counts[6] = static_cast<double>(g_counts.kernels_without_call);
  counts[7] = static_cast<double>(dropped);
  counts[8] = static_cast<double>(g_counts.bytes);
  return result;
}
