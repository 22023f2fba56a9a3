// GPU packets of a capture file -> rows. The other half of perfetto_gpu.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "../core/raw_rows.h"
#include "perfetto_capture_strings.h"
#include "perfetto_packet.h"

namespace opscope {

// One thread at a time.
class CapturedGpu {
 public:
  CapturedGpu(RawRows* rows, const CapturedStrings* strings) : rows_(*rows), strings_(*strings) {}

  // False when the event makes no sense; nothing of it is kept then.
  bool AddRow(std::string_view event, int64_t start_ns);
  // The same for overheads and memory, which are events of the rows' sequence.
  bool AddEvent(const EventView& event, std::string_view bytes, int64_t at_ns);

 private:
  static std::optional<uint32_t> OverheadKindOf(std::string_view event) noexcept;
  bool AddMemory(std::string_view event, int64_t at_ns);

  RawRows& rows_;
  const CapturedStrings& strings_;
  uint64_t open_track_ = 0;  // of the last overhead while it has no end
};

}  // namespace opscope
