// Recording calls of one JavaScript thread.
#pragma once

#include <napi.h>

namespace opscope {

void ExportSpans(Napi::Env env, Napi::Object exports);

}  // namespace opscope
