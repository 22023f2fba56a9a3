// The C API for other addons (include/opscope/opscope.h) and how they get it.
#pragma once

#include "../include/opscope/opscope.h"

namespace opscope {

const opscope_functions_v1* NativeApi() noexcept;

// Fills the slots of all addons loaded now. Node loads addons with local
// symbols, so neither side can link to the other: opscope walks the loaded
// objects instead, when it is loaded and at every session start. Any thread.
void FillNativeApiSlots();

}  // namespace opscope
