// What a request trace of Triton Inference Server (TRTIS once) consists of.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace opscope {

// The moments in the life of a request that its server stamps. The same in both
// spellings: `HTTP_RECV_START` of v2, `http recv start` of v1. The order is that
// of SLOTS in src/serving/summary/slots.ts.
constexpr size_t kSlotCount = 16;

// A stamp's name: a slot as v2 spells it, as v1 spells it, or a name of the
// user's (v2.48 on), an index into StampNames::custom().
using StampName = uint32_t;
constexpr StampName kFirstV1Name = kSlotCount;
constexpr StampName kFirstCustomName = 2 * kSlotCount;

struct TraceStamp {
  StampName name;
  int64_t ns;
};

// All as text, as the file has it.
struct TraceTensor {
  std::string activity, name, data, shape, dtype;
};

// Bits of RequestTracePiece::flags, as in src/serving/summary/slots.ts. From kFilledShift on, which slots
// have a stamp.
enum TraceFlag : uint32_t {
  kTraceHasId = 1,
  kTraceHasParent = 2,       // some fragment has a parent_id
  kTraceFirstHasParent = 4,  // its first fragment has
  kTraceAbsent = 8,          // nothing but the parent_id of others tells of it
  kTraceWhole = 16,          // one object had the model and the stamps
  kTraceV1Names = 32,        // has stamps spelled as v1 does
  kTraceV2Names = 64,        // has stamps spelled as v2 does
  kTraceBadStamps = 128,     // a stamp is zero or negative
  kTraceFromHttp = 256,      // a fragment without parent_id tells of an HTTP request
  kTraceFromGrpc = 512,      // likewise, gRPC
  kTraceHasVersion = 1024,   // some fragment has a model_version
  kTraceIsChild = 2048,      // its parent_id is that of a trace: servers write -1 and 0 for none
};
constexpr uint32_t kFilledShift = 16;

// Whole traces, a row each: a parent comes before its children, a family (a
// root and its descendants) without others in between.
struct RequestTracePiece {
  std::vector<int64_t> ids;
  std::vector<int64_t> parent_ids;
  std::vector<int32_t> parent_rows;  // -1: none that the file tells of
  std::vector<int32_t> models;       // index into the pairs of name and version; -1: not told
  std::vector<uint32_t> flags;
  // Stamp i of row r at [r * kSlotCount + i], ns since bases[r]; NaN: not there. The
  // base is 0 while all stamps of a trace are exact doubles, else the least of them.
  std::vector<double> stamps;
  std::vector<int64_t> bases;

  // If asked for: all stamps in the order of the file, those of row r from
  // stamp_starts[r]; and the request ids.
  std::vector<uint32_t> stamp_starts;
  std::vector<TraceStamp> all_stamps;
  std::vector<std::string> request_ids;
  // Of some families only (RequestTraceWindow).
  struct Tensor {
    uint32_t row;
    TraceTensor tensor;
  };
  std::vector<Tensor> tensors;

  size_t size() const noexcept { return ids.size(); }
};

// What was wrong with a file, counted.
struct TraceCounts {
  uint64_t fragments = 0;       // objects that tell of a trace
  uint64_t damaged = 0;         // objects that are no JSON, or tell nothing
  uint64_t damaged_stamps = 0;  // without a name or a whole number of ns
  uint64_t late = 0;            // came after their trace had been handed on
  uint64_t split = 0;           // children that were parted from their parent
  uint64_t left_out_names = 0;  // models and custom names beyond what is kept
  uint64_t left_out_tensors = 0;
};

}  // namespace opscope
