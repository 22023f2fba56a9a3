// Plain rows of JavaScript -> RawRows.
#pragma once

#include <napi.h>

#include "core/raw_rows.h"

namespace opscope {

// Reads the RawRows object of src/binding.ts, which TypeScript has validated;
// columns of a wrong type or length come out empty and fail in BuildRecording.
RawRows ReadRawRows(const Napi::Object& rows);

}  // namespace opscope
