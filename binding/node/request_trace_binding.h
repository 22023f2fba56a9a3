// Trace files of requests for JavaScript.
#pragma once

#include <napi.h>

namespace opscope {

void ExportRequestTraces(Napi::Env env, Napi::Object exports);

}  // namespace opscope
