// Status -> JavaScript error with the code that src/errors.ts lists.
#pragma once

#include <napi.h>

#include "core/status.h"

namespace opscope {

// TypeScript turns it into an OpscopeError and adds the hint.
Napi::Error ErrorOf(Napi::Env env, const Status& status);

}  // namespace opscope
