// What the numbers of CUDA's API calls mean, asked from the library at hand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cupti_abi.h"

namespace opscope::gpu {

enum class ApiClass : uint8_t {
  kUnknown,  // no such number
  kOther,
  kLaunch,  // a kernel
  kGraphLaunch,
  kCopy,
  kFill,
  kSync,
  kEvent,
  kNoise,  // asked thousands of times a second and never slow: not recorded
};

struct ApiName {
  std::string text;  // "cudaMemcpyAsync": no version, no per-thread stream suffix
  ApiClass api_class = ApiClass::kUnknown;
  // Calls that put work on a GPU are recorded in the driver's domain too.
  bool CausesGpuWork() const noexcept {
    return api_class >= ApiClass::kLaunch && api_class <= ApiClass::kFill;
  }
  // The asynchronous form of a copy or fill has it in its name.
  bool IsAsync() const noexcept { return text.find("Async") != std::string::npos; }
};

// Drops "_v<digits>", "_ptsz" and "_ptds" from the end, in any order.
std::string_view StripApiSuffix(std::string_view name) noexcept;
ApiClass ClassifyApi(std::string_view stripped_name) noexcept;

// Immutable once filled; any thread may read it.
class ApiNames {
 public:
  ApiNames() = default;
  // Some 1,300 calls of 50 ns; works without a driver.
  explicit ApiNames(cupti::GetCallbackName get_name);

  // Never null; kUnknown for a number without a name.
  const ApiName& Find(uint32_t domain, uint32_t id) const noexcept;
  // One past the highest number.
  uint32_t LimitOf(uint32_t domain) const noexcept { return static_cast<uint32_t>(TableOf(domain).size()); }
  void Set(uint32_t domain, uint32_t id, std::string_view full_name);

 private:
  const std::vector<ApiName>& TableOf(uint32_t domain) const noexcept {
    return domain == cupti::kRuntimeDomain ? runtime_ : driver_;
  }
  std::vector<ApiName> runtime_, driver_;
};

}  // namespace opscope::gpu
