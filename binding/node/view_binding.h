// A recording as JavaScript sees it: columns that share its memory, and tables
// that are copied when asked for.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "core/columns.h"

namespace opscope {

Napi::Array WarningsValue(Napi::Env env, const std::vector<Warning>& warnings);

// `RecordingView` of src/binding.ts without its sparse tables. The arrays keep the recording alive.
Napi::Object ViewValue(Napi::Env env, const std::shared_ptr<const Recording>& recording);

// One of the sparse tables by name; undefined for another word.
Napi::Value ViewTableValue(Napi::Env env, const Recording& recording, const std::string& table);

}  // namespace opscope
