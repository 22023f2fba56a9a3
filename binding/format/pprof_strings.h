// The string table of a pprof profile, and which of its strings are frames.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../core/columns.h"

namespace opscope {

// One thread at a time. The recording must outlive it.
class PprofStrings {
 public:
  explicit PprofStrings(const Recording& recording);

  // The index of the text, which must live as long as the table.
  uint64_t IdOf(std::string_view text);
  uint64_t IdOfCopy(const std::string& text);

  // Frames: the id of the string is that of its location and its function too.

  uint64_t FrameOfName(uint32_t name);  // index into Recording::names
  uint64_t FrameOf(std::string_view text);

  const std::vector<std::string_view>& texts() const noexcept { return texts_; }
  bool IsFrame(uint64_t id) const noexcept { return is_frame_[id]; }

 private:
  const Recording& recording_;
  std::unordered_map<std::string_view, uint64_t> ids_;
  std::vector<std::string_view> texts_;
  std::vector<bool> is_frame_;
  std::deque<std::string> copies_;
  std::vector<std::string> labels_;      // of names that are instances, else empty
  std::vector<uint64_t> frame_of_name_;  // 0: not asked for yet
};

}  // namespace opscope
