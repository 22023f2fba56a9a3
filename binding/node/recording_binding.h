// Finished recordings as JavaScript sees them.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "core/columns.h"
#include "core/status.h"

namespace opscope {

// `format`: perfetto, chrome, paddle, arrow or csv. `is_absolute` is for the last two. The descriptor stays
// open.
Status WriteRecording(const Recording& recording, const std::string& format, bool is_absolute, int fd,
                      uint64_t* bytes, std::vector<Warning>* warnings);

// An opaque handle that keeps the recording alive, and what it holds.
Napi::Value WrapRecording(Napi::Env env, std::shared_ptr<const Recording> recording);
std::shared_ptr<const Recording> RecordingOf(const Napi::Value& handle);

void ExportRecordings(Napi::Env env, Napi::Object exports);

}  // namespace opscope
