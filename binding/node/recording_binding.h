// Finished recordings as JavaScript sees them.
#pragma once

#include <napi.h>

#include <memory>

#include "core/columns.h"

namespace opscope {

// An opaque handle that keeps the recording alive.
Napi::Value WrapRecording(Napi::Env env, std::shared_ptr<const Recording> recording);

void ExportRecordings(Napi::Env env, Napi::Object exports);

}  // namespace opscope
