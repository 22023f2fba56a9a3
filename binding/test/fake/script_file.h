// The script that FAKECUPTI_SCRIPT names: run on an application thread of its
// own each time a client enables kernels. No file: nothing happens.
#pragma once

namespace fakegpu {

void StartScriptFile();
// Forced flushes and Disable wait for it, so that a short session sees all of it.
void AwaitScriptFile();

}  // namespace fakegpu
