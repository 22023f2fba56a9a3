// The controls of the fake GPU for JavaScript. A child process that has the
// fakes in its environment loads this beside opscope, and runs script lines
// between and inside its spans: on the JavaScript thread, which is `thread 0`.
#include <node_api.h>

#include <string>

#include "../fakecupti.h"

namespace {

std::string TextArgument(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  size_t bytes = 0;
  napi_get_value_string_utf8(env, argument, nullptr, 0, &bytes);
  std::string text(bytes, '\0');
  napi_get_value_string_utf8(env, argument, text.data(), bytes + 1, &bytes);
  return text;
}

napi_value Text(napi_env env, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

// run(script): throws with the number of a bad line.
napi_value Run(napi_env env, napi_callback_info info) {
  const std::string script = TextArgument(env, info);
  if (fakecupti_run_text(script.c_str()) != 0) napi_throw_error(env, nullptr, fakecupti_error());
  return nullptr;
}
napi_value Violations(napi_env env, napi_callback_info) { return Text(env, fakecupti_violations()); }
napi_value Calls(napi_env env, napi_callback_info) { return Text(env, fakecupti_calls()); }
napi_value Count(napi_env env, napi_callback_info info) {
  napi_value value;
  napi_create_double(env, static_cast<double>(fakecupti_count(TextArgument(env, info).c_str())), &value);
  return value;
}
// The script's host clock, as bigint.
napi_value HostNs(napi_env env, napi_callback_info) {
  napi_value value;
  napi_create_bigint_uint64(env, fakecupti_host_ns(), &value);
  return value;
}
napi_value Reset(napi_env, napi_callback_info) {
  fakecupti_reset();
  return nullptr;
}

napi_value Init(napi_env env, napi_value exports) {
  const struct {
    const char* name;
    napi_callback callback;
  } functions[] = {{"run", &Run},     {"violations", &Violations}, {"calls", &Calls},
                   {"count", &Count}, {"hostNs", &HostNs},         {"reset", &Reset}};
  for (const auto& function : functions) {
    napi_value value;
    napi_create_function(env, function.name, NAPI_AUTO_LENGTH, function.callback, nullptr, &value);
    napi_set_named_property(env, exports, function.name, value);
  }
  return exports;
}

}  // namespace

NAPI_MODULE(opscope_fake_gpu, Init)
