// The columns of a recording as the HTML report holds them: packed one after
// another into one run of bytes. src/page/recording.ts names the columns,
// src/page/decode.ts is the way back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../core/columns.h"
#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// How the elements of a column become bytes.
//   varint   unsigned LEB128
//   delta    varint of the difference to the element before, zigzag; the first to 0
//   below    varint of element number - element, zigzag; 0: none (-1). Parents are near
//            their children, above them in the rows unless they are of another thread.
//   bytes    one byte
//   float64  IEEE 754, little endian
struct PackedColumn {
  const char* path;      // "spans.startNs"
  const char* encoding;  // one of the above
  uint64_t count;        // of elements
  uint64_t bytes;
};

struct PageColumns {
  std::vector<PackedColumn> columns;  // in the order of their bytes
  // What the columns' string numbers refer to: texts in use, numbers of attributes as text.
  std::vector<std::string> strings;
  uint64_t left_out_attributes = 0;
};

// A page with more attributes than anybody reads would only be slower to open. The bytes are those of keys
// and values; names of GPU work are always told.
constexpr size_t kMostPageAttributes = 200'000;
constexpr size_t kMostPageTextBytes = 16u << 20;

// Streams to the sink; any thread. Takes 4 bytes for each string of the
// recording, 12 for each attribute and the texts beside what the sink keeps.
Status WritePageColumns(const Recording& recording, ByteSink* sink, PageColumns* page);

}  // namespace opscope
