// Request traces of Triton Inference Server, from their bytes to whole traces.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/status.h"
#include "request_trace.h"
#include "request_trace_fragment.h"
#include "request_trace_names.h"
#include "request_trace_window.h"

namespace opscope {

// Takes a file piece by piece, cut anywhere. Read are v1 and v2 (docs/format-triton-trace.md),
// one array or several, objects without one, and what is whole of a file that has no end yet
// or is damaged. One thread at a time.
class RequestTraceReader {
 public:
  // A longer object is no fragment of a trace; without a limit, any file would
  // be collected in memory.
  static constexpr size_t kLongestObject = 64u << 20;

  explicit RequestTraceReader(TraceNeeds needs) : window_(needs) {}

  void Feed(std::string_view bytes);
  // Reads a descriptor from where it stands, some MiB at most, and tells whether its
  // end was met. kFileRead: what the system said.
  Status FeedFrom(int fd, bool* is_at_end);
  // No more bytes: all traces are whole.
  void Finish();
  RequestTracePiece Take() { return window_.Take(); }

  // Its first byte begins neither an array nor an object.
  bool is_foreign() const noexcept { return is_foreign_; }
  // Ends within an array or an object. After Finish().
  bool is_cut() const noexcept { return is_cut_; }
  const TraceCounts& counts() const noexcept { return window_.counts; }
  const StampNames& names() const noexcept { return names_; }
  const std::vector<std::string>& models() const noexcept { return window_.models(); }

 private:
  char* Room(size_t bytes);
  void Scan();
  void BetweenObjects(char c);
  const char* ReadObject(const char* p, const char* end);

  RequestTraceWindow window_;
  StampNames names_;
  TraceFragment fragment_;
  std::vector<TraceStamp> stamps_;
  // Bytes that were not scanned yet lie from used_ to filled_.
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0, filled_ = 0, used_ = 0;
  size_t retry_bytes_ = 0;  // an object that was cut is read again when this much of it is there
  StampName last_name_ = 0;
  bool has_begun_ = false;
  bool is_in_array_ = false;
  bool is_in_garbage_ = false;
  bool is_foreign_ = false;
  bool is_cut_ = false;
};

}  // namespace opscope
