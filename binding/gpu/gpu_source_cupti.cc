#include "gpu_source_cupti.h"

#include "cupti_control.h"

namespace opscope {

GpuSource& CuptiSource() { return gpu::CuptiControl::Get(); }

}  // namespace opscope
