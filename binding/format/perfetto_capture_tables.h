// The tables of a capture file -> rows. The other half of perfetto_tables.cc.
#pragma once

#include <cstdint>
#include <string_view>

#include "../core/raw_rows.h"

namespace opscope {

struct CaptureHead {
  int64_t origin_ns = 0;    // of the session, on the trace clock
  uint64_t name_count = 0;  // event names above are strings
  bool is_stream = false;
  uint32_t category_mask = ~0u;  // of a stream's session
};
CaptureHead ReadCaptureHead(std::string_view event, RawRows* rows);
// One row of the table that the instant is named for; of an unknown one nothing is kept.
void ReadTableRow(std::string_view table, std::string_view row, RawRows* rows);

}  // namespace opscope
