// The packed columns of the HTML report.
#pragma once

#include <napi.h>

namespace opscope {

void ExportPage(Napi::Env env, Napi::Object exports);

}  // namespace opscope
