// Finished recordings as JavaScript sees them.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "core/columns.h"
#include "core/status.h"

namespace opscope {

// `format`: perfetto, chrome or paddle. The descriptor stays open.
Status WriteRecording(const Recording& recording, const std::string& format, int fd, uint64_t* bytes,
                      std::vector<Warning>* warnings);

// An opaque handle that keeps the recording alive.
Napi::Value WrapRecording(Napi::Env env, std::shared_ptr<const Recording> recording);

void ExportRecordings(Napi::Env env, Napi::Object exports);

}  // namespace opscope
