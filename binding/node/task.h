// Work off the JavaScript thread, on a thread of our own.
#pragma once

#include <napi.h>

#include <functional>

#include "core/status.h"

namespace opscope {

// Runs `work` on opscope's worker thread (not libuv's pool, which the profiled
// program may have filled), then settles the promise on the calling
// environment's thread: with what `finish` makes, or with the status as an
// error. Tasks of a process run one after another. If the environment ends
// first, `finish` is never called; `work` always is.
Napi::Value RunOffThread(Napi::Env env, std::function<Status()> work,
                         std::function<Napi::Value(Napi::Env)> finish);

}  // namespace opscope
