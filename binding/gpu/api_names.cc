#include "api_names.h"

namespace opscope::gpu {

namespace {

// Numbers are handed out without gaps but for a few that were withdrawn; CUDA
// 13.0 ends at 508 and 799.
constexpr uint32_t kFirstIds = 1024, kMaxGap = 128, kMaxIds = 16'384;

constexpr std::string_view kNoise[] = {
    "cudaGetDevice",
    "cudaSetDevice",
    "cudaGetLastError",
    "cudaPeekAtLastError",
    "cudaEventQuery",
    "cudaStreamIsCapturing",
    "cudaStreamGetCaptureInfo",
    "cuCtxGetCurrent",
    "cuKernelGetAttribute",
    "cuDevicePrimaryCtxGetState",
    "cuEventQuery",
    "cuStreamIsCapturing",
};

bool StartsWith(std::string_view text, std::string_view start) noexcept {
  return text.substr(0, start.size()) == start;
}
bool EndsWith(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

std::string_view StripApiSuffix(std::string_view name) noexcept {
  for (;;) {
    if (EndsWith(name, "_ptsz") || EndsWith(name, "_ptds")) {
      name.remove_suffix(5);
      continue;
    }
    size_t digits = name.size();
    while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
    if (digits == name.size() || digits < 2 || name[digits - 1] != 'v' || name[digits - 2] != '_')
      return name;
    name = name.substr(0, digits - 2);
  }
}

ApiClass ClassifyApi(std::string_view name) noexcept {
  for (const std::string_view noise : kNoise) {
    if (name == noise) return ApiClass::kNoise;
  }
  // Programs built by CUDA 13's compiler launch through __cudaLaunchKernel.
  std::string_view verb = name;
  while (StartsWith(verb, "_")) verb.remove_prefix(1);
  if (StartsWith(verb, "cuda")) {
    verb.remove_prefix(4);
  } else if (StartsWith(verb, "cu")) {
    verb.remove_prefix(2);
  }
  if (StartsWith(verb, "Occupancy")) return ApiClass::kNoise;
  if (StartsWith(verb, "LaunchHostFunc")) return ApiClass::kOther;
  if (StartsWith(verb, "Launch")) return ApiClass::kLaunch;
  if (StartsWith(verb, "GraphLaunch")) return ApiClass::kGraphLaunch;
  if (StartsWith(verb, "Memcpy")) return ApiClass::kCopy;
  if (StartsWith(verb, "Memset")) return ApiClass::kFill;
  if (EndsWith(verb, "Synchronize")) return ApiClass::kSync;
  if (StartsWith(verb, "Event") || StartsWith(verb, "StreamWaitEvent")) return ApiClass::kEvent;
  return ApiClass::kOther;
}

ApiNames::ApiNames(cupti::GetCallbackName get_name) {
  for (const uint32_t domain : {cupti::kDriverDomain, cupti::kRuntimeDomain}) {
    uint32_t last = 0;
    for (uint32_t id = 1; id < kMaxIds && (id < kFirstIds || id < last + kMaxGap); ++id) {
      const char* name = nullptr;
      if (get_name(domain, id, &name) != cupti::kSuccess || name == nullptr || name[0] == '\0') continue;
      Set(domain, id, name);
      last = id;
    }
  }
}

const ApiName& ApiNames::Find(uint32_t domain, uint32_t id) const noexcept {
  static const auto& kNone = *new ApiName();  // never destroyed: the control thread outlives exit()
  const std::vector<ApiName>& table = TableOf(domain);
  return id < table.size() ? table[id] : kNone;
}

void ApiNames::Set(uint32_t domain, uint32_t id, std::string_view full_name) {
  if (id >= kMaxIds) return;
  std::vector<ApiName>& table = domain == cupti::kRuntimeDomain ? runtime_ : driver_;
  if (id >= table.size()) table.resize(id + 1);
  const std::string_view name = StripApiSuffix(full_name);
  table[id] = {std::string(name), ClassifyApi(name)};
}

}  // namespace opscope::gpu
