// The GPU tables as plain JavaScript rows: there are few, whatever the recording.
#pragma once

#include <napi.h>

#include "core/gpu_tables.h"

namespace opscope {

// `GpuTables` of src/binding.ts.
Napi::Object GpuTablesValue(Napi::Env env, const Recording& recording, const GpuTables& tables);

}  // namespace opscope
