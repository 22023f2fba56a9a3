// Reading request traces, for src/serving/summary.
#pragma once

#include <napi.h>

namespace opscope {

void ExportRequestTraceReader(Napi::Env env, Napi::Object exports);

}  // namespace opscope
