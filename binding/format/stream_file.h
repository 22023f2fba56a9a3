// A file that grows while a recording goes on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "../core/status.h"
#include "byte_sink.h"

namespace opscope {

// What was flushed is with the system: it survives the process, not the machine.
// One thread at a time.
class StreamFile {
 public:
  // Owns `fd`, a regular file, and writes it from its beginning.
  explicit StreamFile(int fd) noexcept : fd_(fd) {}
  ~StreamFile();
  StreamFile(const StreamFile&) = delete;
  StreamFile& operator=(const StreamFile&) = delete;

  // What the next flush appends.
  ByteSink& pending() noexcept { return pending_; }
  // What was written and is pending is of no use: the next flush begins the file anew.
  void Restart() noexcept;
  // Brings what is pending to the file, and `footer` behind it, which the next
  // flush overwrites. After an error the file ends with the footer of the last
  // success, and everything is still pending. A file that gets shorter is cut
  // after it was written: a footer that may be the shorter one wants padding.
  Status Flush(std::string_view footer = {});
  // Without the footer.
  uint64_t bytes() const noexcept { return position_; }
  // Of the last footer that was written.
  size_t footer_bytes() const noexcept { return footer_.size(); }
  int fd() const noexcept { return fd_; }

 private:
  bool WriteAt(uint64_t position, std::string_view bytes) const noexcept;

  const int fd_;
  uint64_t position_ = 0;  // where the footer begins
  std::string footer_;     // behind it
  bool is_restarted_ = true;
  ByteSink pending_ = ByteSink::ToMemory();
};

}  // namespace opscope
