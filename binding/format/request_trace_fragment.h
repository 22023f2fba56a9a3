// One object of a request trace: a whole trace as v1 writes it, or a fragment
// of one as v2 does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "request_trace.h"
#include "request_trace_names.h"

namespace opscope {

struct TraceFragment {
  bool has_id = false, has_parent = false, has_model = false, has_version = false;
  bool has_timestamps = false, has_tensor = false;
  int64_t id = 0, parent_id = 0;
  std::string model, version, request_id;
  std::vector<TraceStamp> stamps;
  TraceTensor tensor;
  uint64_t damaged_stamps = 0;

  void Clear();
  bool TellsOfATrace() const noexcept { return has_id || has_model || has_timestamps || has_tensor; }
};

enum class ParseEnd : uint8_t {
  kWhole,
  kCut,  // the text ends first
  kBad,  // no JSON
};

// Reads the object at *p, and moves *p behind it, or to where it stops being
// JSON. `names` numbers the stamps' names.
ParseEnd ReadTraceFragment(const char** p, const char* end, StampNames* names, TraceFragment* fragment);

// The fragment that most of a v2 file consists of, stamps without white space:
//   {"id":1,"timestamps":[{"name":"REQUEST_START","ns":5000020040000}]}
// Behind it, or null where it is something else or `end` is near. `last` is the name before its first one.
const char* ReadPlainStamps(const char* p, const char* end, StampName last, StampNames* names, int64_t* id,
                            std::vector<TraceStamp>* stamps);

}  // namespace opscope
