// Sessions and the state of the recorder.
#pragma once

#include <napi.h>

namespace opscope {

void ExportSessions(Napi::Env env, Napi::Object exports);

}  // namespace opscope
