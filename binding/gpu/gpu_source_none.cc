#include "gpu_source_none.h"

namespace opscope {

namespace {

class NoSource final : public GpuSource {
 public:
  GpuState Start(const GpuOptions&) override {
    return {false, "unsupported-platform", "GPU activity is recorded on Linux only"};
  }
  GpuRecords Stop(int64_t, bool, uint64_t, const GpuPlace*) override { return {}; }
  GpuRecords TakeNew(GpuPlace*, size_t) override { return {}; }
};

}  // namespace

GpuSource& NoGpuSource() {
  static NoSource source;
  return source;
}

}  // namespace opscope
