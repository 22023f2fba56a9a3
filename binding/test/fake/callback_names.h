// Ids and names of the API calls that scripts use, as cuptiGetCallbackName
// tells them (read from the library of CUDA 13.0, which needs no GPU for it).
#pragma once

#include <cstdint>
#include <string_view>

namespace fakegpu {

// Null for an id that is not in the table.
const char* CallbackName(int domain, uint32_t id);
// Also without the version: "cudaLaunchKernel". 0 when unknown.
uint32_t CallbackId(int domain, std::string_view name);

}  // namespace fakegpu
