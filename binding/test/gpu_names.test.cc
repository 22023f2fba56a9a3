#include <string>

#include "doctest.h"
#include "gpu/activity_texts.h"
#include "gpu/api_names.h"
#include "gpu/cupti_library.h"

using namespace opscope::gpu;
namespace cupti = opscope::cupti;

TEST_CASE("versions and per-thread-stream marks are no part of a call's name") {
  CHECK(StripApiSuffix("cudaMemcpyAsync_v3020") == "cudaMemcpyAsync");
  CHECK(StripApiSuffix("cudaMemcpyAsync_ptsz_v7000") == "cudaMemcpyAsync");
  CHECK(StripApiSuffix("cudaMemcpy_ptds_v7000") == "cudaMemcpy");
  CHECK(StripApiSuffix("cuMemcpyHtoD_v2_ptds") == "cuMemcpyHtoD");
  CHECK(StripApiSuffix("cuLaunchKernel") == "cuLaunchKernel");
  CHECK(StripApiSuffix("cudaMemcpy2D_v3020") == "cudaMemcpy2D");
  CHECK(StripApiSuffix("cuMemsetD32") == "cuMemsetD32");
  CHECK(StripApiSuffix("_v2") == "");
  CHECK(StripApiSuffix("v2") == "v2");
  CHECK(StripApiSuffix("") == "");
}

TEST_CASE("calls are classed by name") {
  CHECK(ClassifyApi("cudaLaunchKernel") == ApiClass::kLaunch);
  CHECK(ClassifyApi("__cudaLaunchKernel") == ApiClass::kLaunch);
  CHECK(ClassifyApi("cuLaunchKernelEx") == ApiClass::kLaunch);
  CHECK(ClassifyApi("cudaLaunchCooperativeKernel") == ApiClass::kLaunch);
  CHECK(ClassifyApi("cudaLaunchHostFunc") == ApiClass::kOther);
  CHECK(ClassifyApi("cuGraphLaunch") == ApiClass::kGraphLaunch);
  CHECK(ClassifyApi("cudaGraphAddMemcpyNode") == ApiClass::kOther);
  CHECK(ClassifyApi("cudaMemcpy3DPeerAsync") == ApiClass::kCopy);
  CHECK(ClassifyApi("cuMemsetD2D8Async") == ApiClass::kFill);
  CHECK(ClassifyApi("cudaStreamSynchronize") == ApiClass::kSync);
  CHECK(ClassifyApi("cuCtxSynchronize") == ApiClass::kSync);
  CHECK(ClassifyApi("cudaEventRecord") == ApiClass::kEvent);
  CHECK(ClassifyApi("cudaEventQuery") == ApiClass::kNoise);
  CHECK(ClassifyApi("cudaOccupancyMaxActiveBlocksPerMultiprocessor") == ApiClass::kNoise);
  CHECK(ClassifyApi("cudaMalloc") == ApiClass::kOther);
}

TEST_CASE("the table of names ends where the library's numbers end, and passes over gaps") {
  const auto get_name = [](uint32_t domain, uint32_t id, const char** name) -> cupti::Result {
    if (domain == cupti::kRuntimeDomain && id == 211)
      *name = "cudaLaunchKernel_v7000";
    else if (domain == cupti::kDriverDomain && id == 1100)
      *name = "cuFutureCall_v2";
    else
      return cupti::kInvalidParameter;
    return cupti::kSuccess;
  };
  const ApiNames names(get_name);
  CHECK(names.Find(cupti::kRuntimeDomain, 211).text == "cudaLaunchKernel");
  CHECK(names.Find(cupti::kRuntimeDomain, 211).CausesGpuWork());
  CHECK(names.Find(cupti::kDriverDomain, 211).api_class == ApiClass::kUnknown);
  CHECK(names.Find(cupti::kRuntimeDomain, 4'000'000'000u).api_class == ApiClass::kUnknown);
  CHECK(names.LimitOf(cupti::kRuntimeDomain) == 212);
  CHECK(names.LimitOf(cupti::kDriverDomain) == 0);  // behind a gap of a thousand there is nothing
}

TEST_CASE("symbols are shown demangled, whatever else is shown as it is") {
  CHECK(ReadableName("_Z4gemmIfEvPT_") == "void gemm<float>(float*)");
  CHECK(ReadableName("triton_poi_fused_add_0") == "triton_poi_fused_add_0");
  CHECK(ReadableName("_Z_not_a_symbol") == "_Z_not_a_symbol");
  CHECK(ReadableName("") == "");
  CHECK(ReadableName(std::string(10'000, 'k')).size() == ActivityTexts::kMaxBytes);
}

TEST_CASE("a text has one id, and many texts stay apart") {
  ActivityTexts texts;
  std::vector<std::string> owned;
  for (int i = 0; i < 5000; ++i) owned.push_back("kernel_" + std::to_string(i));
  std::vector<uint32_t> ids;
  for (const std::string& text : owned) ids.push_back(texts.InternPointer(text.c_str()));
  texts.Forget();
  for (size_t i = 0; i < owned.size(); ++i) {
    CHECK(texts.InternPointer(owned[i].c_str()) == ids[i]);
    CHECK(texts.Intern(owned[i]) == ids[i]);
  }
  const auto resolved = texts.Resolve();
  CHECK(resolved[ids[4999]] == "kernel_4999");
  texts.Clear();
  CHECK(texts.Resolve().size() == 1);
}

TEST_CASE("known faults are told by version") {
  CHECK(DefectsOf(18).null_buffer_crashes);
  CHECK(DefectsOf(26).null_buffer_crashes);
  CHECK_FALSE(DefectsOf(28).null_buffer_crashes);
  CHECK_FALSE(DefectsOf(22).when_no_kernels.empty());
  CHECK(DefectsOf(130000).disabling_kernels_can_hang);
  CHECK_FALSE(DefectsOf(130001).disabling_kernels_can_hang);
  CHECK(DefectsOf(130001).always.empty());
  CHECK_FALSE(DefectsOf(130001).in_later_sessions.empty());
  CHECK_FALSE(DefectsOf(130200).always.empty());
  CHECK(DefectsOf(130300).always.empty());
}
