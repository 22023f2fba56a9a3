// The metadata of Arrow's IPC format (Message.fbs, Schema.fbs and File.fbs of
// Apache Arrow, format version 1.5).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "flat_buffer.h"
#include "trace_table.h"

namespace opscope {

// Where a message lies in the file; as File.fbs says.
struct ArrowBlock {
  int64_t offset;
  int32_t metadata_bytes;
  int32_t padding;
  int64_t body_bytes;
};
static_assert(sizeof(ArrowBlock) == 24);

// A buffer of a body, and the length of a column; as Message.fbs says.
struct ArrowBuffer {
  int64_t offset, bytes;
};
struct ArrowNode {
  int64_t rows, nulls;
};

// What a body holds: a node for each column, and its buffers in turn.
struct ArrowBody {
  int64_t rows = 0;
  std::vector<ArrowNode> nodes;
  std::vector<ArrowBuffer> buffers;
  int64_t bytes = 0;
};

// Each gives the bytes of a flat buffer, valid while `out` is not used again.
std::string_view SchemaMessage(const TraceTable& table, FlatBuffer* out);
std::string_view BatchMessage(const ArrowBody& body, FlatBuffer* out);
// `id`: the number of the column.
std::string_view DictionaryMessage(int64_t id, const ArrowBody& body, FlatBuffer* out);
std::string_view FooterOf(const TraceTable& table, const std::vector<ArrowBlock>& dictionaries,
                          const std::vector<ArrowBlock>& batches, FlatBuffer* out);

}  // namespace opscope
