#include "callback_names.h"

#include "abi.h"

namespace fakegpu {
namespace {

struct Entry {
  int domain;
  uint32_t id;
  const char* name;
};
constexpr Entry kEntries[] = {
    {kRuntimeDomain, 3, "cudaGetDeviceCount_v3020"},
    {kRuntimeDomain, 10, "cudaGetLastError_v3020"},
    {kRuntimeDomain, 13, "cudaLaunch_v3020"},
    {kRuntimeDomain, 16, "cudaSetDevice_v3020"},
    {kRuntimeDomain, 17, "cudaGetDevice_v3020"},
    {kRuntimeDomain, 20, "cudaMalloc_v3020"},
    {kRuntimeDomain, 22, "cudaFree_v3020"},
    {kRuntimeDomain, 31, "cudaMemcpy_v3020"},
    {kRuntimeDomain, 41, "cudaMemcpyAsync_v3020"},
    {kRuntimeDomain, 49, "cudaMemset_v3020"},
    {kRuntimeDomain, 51, "cudaMemsetAsync_v3020"},
    {kRuntimeDomain, 126, "cudaThreadSynchronize_v3020"},
    {kRuntimeDomain, 131, "cudaStreamSynchronize_v3020"},
    {kRuntimeDomain, 135, "cudaEventRecord_v3020"},
    {kRuntimeDomain, 137, "cudaEventSynchronize_v3020"},
    {kRuntimeDomain, 147, "cudaStreamWaitEvent_v3020"},
    {kRuntimeDomain, 164, "cudaDeviceReset_v3020"},
    {kRuntimeDomain, 165, "cudaDeviceSynchronize_v3020"},
    {kRuntimeDomain, 211, "cudaLaunchKernel_v7000"},
    {kRuntimeDomain, 213, "cudaLaunch_ptsz_v7000"},
    {kRuntimeDomain, 214, "cudaLaunchKernel_ptsz_v7000"},
    {kRuntimeDomain, 269, "cudaLaunchCooperativeKernel_v9000"},
    {kRuntimeDomain, 270, "cudaLaunchCooperativeKernel_ptsz_v9000"},
    {kRuntimeDomain, 311, "cudaGraphLaunch_v10000"},
    {kRuntimeDomain, 312, "cudaGraphLaunch_ptsz_v10000"},
    {kRuntimeDomain, 430, "cudaLaunchKernelExC_v11060"},
    {kRuntimeDomain, 431, "cudaLaunchKernelExC_ptsz_v11060"},
    {kRuntimeDomain, 505, "__cudaLaunchKernel_v13000"},
    {kRuntimeDomain, 506, "__cudaLaunchKernel_ptsz_v13000"},
    {kDriverDomain, 17, "cuCtxSynchronize"},
    {kDriverDomain, 115, "cuLaunch"},
    {kDriverDomain, 116, "cuLaunchGrid"},
    {kDriverDomain, 117, "cuLaunchGridAsync"},
    {kDriverDomain, 126, "cuStreamSynchronize"},
    {kDriverDomain, 248, "cuMemcpy_v2"},
    {kDriverDomain, 249, "cuMemsetD8_v2"},
    {kDriverDomain, 276, "cuMemcpyHtoD_v2"},
    {kDriverDomain, 277, "cuMemcpyHtoDAsync_v2"},
    {kDriverDomain, 278, "cuMemcpyDtoH_v2"},
    {kDriverDomain, 279, "cuMemcpyDtoHAsync_v2"},
    {kDriverDomain, 307, "cuLaunchKernel"},
    {kDriverDomain, 440, "cuStreamSynchronize_ptsz"},
    {kDriverDomain, 442, "cuLaunchKernel_ptsz"},
    {kDriverDomain, 477, "cuLaunchCooperativeKernel"},
    {kDriverDomain, 478, "cuLaunchCooperativeKernel_ptsz"},
    {kDriverDomain, 480, "cuLaunchCooperativeKernelMultiDevice"},
    {kDriverDomain, 514, "cuGraphLaunch"},
    {kDriverDomain, 515, "cuGraphLaunch_ptsz"},
    {kDriverDomain, 652, "cuLaunchKernelEx"},
    {kDriverDomain, 653, "cuLaunchKernelEx_ptsz"},
};

// "cudaLaunchKernel_ptsz_v7000" -> "cudaLaunchKernel_ptsz"
std::string_view WithoutVersion(std::string_view name) {
  const size_t version = name.rfind("_v");
  const bool is_number =
      version != name.npos && name.find_first_not_of("0123456789", version + 2) == name.npos;
  return is_number ? name.substr(0, version) : name;
}

}  // namespace

const char* CallbackName(int domain, uint32_t id) {
  for (const Entry& entry : kEntries) {
    if (entry.domain == domain && entry.id == id) return entry.name;
  }
  return nullptr;
}

uint32_t CallbackId(int domain, std::string_view name) {
  for (const Entry& entry : kEntries) {
    if (entry.domain == domain && (entry.name == name || WithoutVersion(entry.name) == name)) return entry.id;
  }
  return 0;
}

}  // namespace fakegpu
