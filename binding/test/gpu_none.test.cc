#include "doctest.h"
#include "gpu/gpu_source_none.h"

using namespace opscope;

TEST_CASE("a platform without CUPTI says so, and a stop there gives nothing") {
  const GpuState state = NoGpuSource().Start({});
  CHECK_FALSE(state.available);
  CHECK(state.reason == "unsupported-platform");
  CHECK_FALSE(state.detail.empty());
  const GpuRecords records = NoGpuSource().Stop(0, true, 1000);
  CHECK(records.rows.empty());
  CHECK(records.warnings.empty());
}
