// Request traces in a pipe or a device.
#pragma once

#include <string>

#include "request_trace_target.h"

namespace opscope {

// One array: it is closed at the end. A reader that does not read keeps nobody longer than two seconds at a
// time.
class RequestTracePipe final : public RequestTraceTarget {
 public:
  explicit RequestTracePipe(std::string path) : path_(std::move(path)) {}
  ~RequestTracePipe() override;

  Status Append(std::string* text) override;
  Status Complete() override { return Status::Ok(); }
  Status Finish() override;
  uint64_t size() const noexcept override { return bytes_; }
  uint64_t bytes() const noexcept override { return bytes_; }
  uint64_t file_count() const noexcept override { return bytes_ == 0 ? 0 : 1; }

 private:
  Status Open();
  // Takes what was written out of `text`.
  Status Write(std::string* text);

  const std::string path_;
  int fd_ = -1;  // -1: not yet
  bool is_stalled_ = false;
  uint64_t bytes_ = 0;
};

}  // namespace opscope
