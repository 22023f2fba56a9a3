// The rows of recordings as columns for data tools.
#pragma once

#include <napi.h>

namespace opscope {

void ExportTables(Napi::Env env, Napi::Object exports);

}  // namespace opscope
