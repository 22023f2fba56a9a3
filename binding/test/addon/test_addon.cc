// A foreign addon that records through the C header, from threads that JavaScript does not know.
#include <dlfcn.h>
#include <node_api.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "opscope/opscope.h"

namespace {

// opscope records on `threads` threads, `spans` pairs of nested spans each; returns how many begins returned
// a token.
uint64_t RecordSpans(uint32_t threads, uint32_t spans) {
  std::atomic<uint64_t> tokens{0};
  std::vector<std::thread> workers;
  for (uint32_t t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      static uint32_t outer_id, inner_id, mark_id, counter_id;
      if (const opscope_functions_v1* api = opscope_recording()) api->name_thread("native worker", 13);
      uint64_t mine = 0;
      for (uint32_t i = 0; i < spans; ++i) {
        const opscope_token outer = opscope_begin("native outer", &outer_id);
        const opscope_token inner = opscope_begin("native inner", &inner_id);
        mine += (outer != 0) + (inner != 0);
        opscope_end(inner);
        opscope_end(outer);
      }
      opscope_mark("native mark", &mark_id);
      opscope_counter("native counter", &counter_id, 42);
      tokens += mine;
    });
  }
  for (std::thread& worker : workers) worker.join();
  return tokens.load();
}

napi_value Record(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value args[2];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  uint32_t threads = 0, spans = 0;
  napi_get_value_uint32(env, args[0], &threads);
  napi_get_value_uint32(env, args[1], &spans);
  napi_value result;
  napi_create_double(env, static_cast<double>(RecordSpans(threads, spans)), &result);
  return result;
}

// A span of the calling thread, around a callback: nests under the JavaScript spans that are open.
napi_value Around(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value args[1];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  static uint32_t id;
  const opscope_token span = opscope_begin("native around", &id);
  if (const opscope_functions_v1* api = opscope_recording()) {
    api->attribute_int("rows", 7);
    api->attribute_text("layout", "NCHW", 4);
  }
  napi_value undefined, result;
  napi_get_undefined(env, &undefined);
  napi_call_function(env, undefined, args[0], 0, nullptr, &result);
  opscope_end(span);
  return nullptr;
}

// Ends on another thread than it began: opscope must survive and count it.
napi_value EndElsewhere(napi_env, napi_callback_info) {
  static uint32_t id;
  const opscope_token span = opscope_begin("native misplaced", &id);
  std::thread([span] { opscope_end(span); }).join();
  return nullptr;
}

// current(): what a job that is handed over now should adopt, as bigint.
napi_value Current(napi_env env, napi_callback_info) {
  napi_value result;
  napi_create_bigint_uint64(env, opscope_current(), &result);
  return result;
}

// work(token, script): a thread of its own adopts the token, records a span and lets the fake GPU, where
// there is one, run the script. Returns what the thread then took for current: inside, and after the release.
napi_value Work(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value args[2];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  uint64_t token = 0, seen[2] = {0, 0};
  bool is_lossless = false;
  napi_get_value_bigint_uint64(env, args[0], &token, &is_lossless);
  size_t bytes = 0;
  napi_get_value_string_utf8(env, args[1], nullptr, 0, &bytes);
  std::string script(bytes, '\0');
  napi_get_value_string_utf8(env, args[1], script.data(), bytes + 1, &bytes);
  std::thread([&] {
    {
      static uint32_t id;
      const opscope_adoption adoption(token);
      seen[0] = opscope_current();
      opscope_end(opscope_begin("native job", &id));
      if (void* fake = dlopen("libfakegpu.so", RTLD_LAZY | RTLD_NOLOAD)) {
        if (void* run = dlsym(fake, "fakecupti_run_text"))
          reinterpret_cast<int (*)(const char*)>(run)(script.c_str());
        dlclose(fake);
      }
    }
    seen[1] = opscope_current();
  }).join();
  napi_value result;
  napi_create_array_with_length(env, 2, &result);
  for (uint32_t i = 0; i < 2; ++i) {
    napi_value value;
    napi_create_bigint_uint64(env, seen[i], &value);
    napi_set_element(env, result, i, value);
  }
  return result;
}

// Releases twice, out of order, and on another thread: opscope must survive and count it.
napi_value Misrelease(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value args[1];
  napi_get_cb_info(env, info, &count, args, nullptr, nullptr);
  uint64_t token = 0;
  bool is_lossless = false;
  napi_get_value_bigint_uint64(env, args[0], &token, &is_lossless);
  const opscope_token outer = opscope_adopt(token), inner = opscope_adopt(token);
  std::thread([outer] { opscope_release(outer); }).join();
  opscope_release(outer);  // ends the inner one too
  opscope_release(inner);
  return nullptr;
}

// Writes where nothing is. All volatile, or the compiler leaves the write out, or puts a trap in its place.
napi_value Crash(napi_env, napi_callback_info) {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
  return nullptr;
}

// The floor of any native call, for bench/.
napi_value Empty(napi_env, napi_callback_info) { return nullptr; }

napi_value IsConnected(napi_env env, napi_callback_info) {
  napi_value result;
  napi_get_boolean(env, opscope_slot_v1.load() != nullptr, &result);
  return result;
}

napi_value Init(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {{"record", &Record},           {"around", &Around},   {"endElsewhere", &EndElsewhere},
                   {"isConnected", &IsConnected}, {"current", &Current}, {"work", &Work},
                   {"misrelease", &Misrelease},   {"crash", &Crash},     {"empty", &Empty}};
  for (const auto& function : functions) {
    napi_value value;
    napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.callback, nullptr, &value);
    napi_set_named_property(env, exports, function.name, value);
  }
  return exports;
}

}  // namespace

NAPI_MODULE(opscope_test_addon, Init)
