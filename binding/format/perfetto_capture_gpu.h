// GPU packets of a capture file -> rows. The other half of perfetto_gpu.cc.
#pragma once

#include <cstdint>
#include <string_view>

#include "../core/raw_rows.h"
#include "perfetto_capture_strings.h"

namespace opscope {

// One thread at a time.
class CapturedGpu {
 public:
  CapturedGpu(RawRows* rows, const CapturedStrings* strings) : rows_(*rows), strings_(*strings) {}

  // False when the event makes no sense; nothing of it is kept then.
  bool AddRow(std::string_view event, int64_t start_ns);

 private:
  RawRows& rows_;
  const CapturedStrings& strings_;
};

}  // namespace opscope
