// Sessions and the state of the recorder.
#pragma once

#include <napi.h>

#include "core/gpu_source.h"

namespace opscope {

// `gpu_source` gives the GPU back end of the process; called when a session first wants it.
void ExportSessions(Napi::Env env, Napi::Object exports, GpuSource& (*gpu_source)());

}  // namespace opscope
