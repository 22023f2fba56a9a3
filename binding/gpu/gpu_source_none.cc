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
  GpuRecords Peek(int64_t) override { return {}; }
  void ForgetBefore(int64_t) override {}
};

}  // namespace

GpuSource& NoGpuSource() {
  static NoSource source;
  return source;
}

}  // namespace opscope
