// Ranges of NVTX, as other libraries mark their work.
#include <nvtx3/nvToolsExt.h>

#include "device.cuh"

GS_EXPORT int gs_launch(int form, int count, int stream);

// `count` ranges, one after the other; each holds a kernel, and every second one an inner range.
GS_EXPORT int gs_ranges(int count) {
  for (int i = 0; i < count; ++i) {
    nvtxRangePushA("gs range");
    if (i % 2 == 1) nvtxRangePushA("gs inner range");
    GS_TRY(gs_launch(0, 1, 1));
    if (i % 2 == 1) nvtxRangePop();
    nvtxRangePop();
  }
  return 0;
}
