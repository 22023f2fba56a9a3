#include "request_trace_reader.h"

#include <cstring>

namespace opscope {

void RequestTraceReader::Feed(std::string_view bytes) {
  if (is_foreign_) return;
  buffer_.erase(0, used_);
  used_ = 0;
  buffer_.append(bytes);
  Scan();
}

void RequestTraceReader::Finish() {
  if (is_foreign_) return;
  retry_bytes_ = 0;
  buffer_.push_back('\n');  // ends a number that stands last
  is_cut_ = !Scan() || is_in_array_;
  window_.CloseAll();
  buffer_ = {};
  used_ = 0;
}

// Reads all that is whole; false if something is left.
bool RequestTraceReader::Scan() {
  const char* p = buffer_.data() + used_;
  const char* const end = buffer_.data() + buffer_.size();
  if (!has_begun_ && p < end && *p == '\xEF') {
    if (buffer_.size() < 3) return false;
    if (std::memcmp(p, "\xEF\xBB\xBF", 3) == 0) p += 3;
  }
  while (p < end) {
    int64_t id;
    if (const char* const behind = ReadPlainStamps(p, end, last_name_, &names_, &id, &stamps_)) {
      p = behind;
      last_name_ = stamps_.back().name;
      has_begun_ = true;
      is_in_garbage_ = false;
      retry_bytes_ = 0;
      window_.Add(id, stamps_, names_);
      if (p < end && *p == ',') ++p;
      continue;
    }
    if (*p != '{') {
      BetweenObjects(*p++);
      if (is_foreign_) break;
      continue;
    }
    const char* const behind = ReadObject(p, end);
    if (behind == nullptr) break;
    p = behind;
  }
  used_ = static_cast<size_t>(p - buffer_.data());
  return p == end;
}

void RequestTraceReader::BetweenObjects(char c) {
  switch (c) {
    case ' ':
    case '\n':
    case '\r':
    case '\t':
    case ',':
      return;
    case '[':
      // Behind garbage it may be of an object that was cut.
      if (is_in_garbage_) return;
      // Each array is what one server wrote from its start to its end, and its ids begin anew.
      if (has_begun_) window_.CloseAll();
      has_begun_ = is_in_array_ = true;
      return;
    case ']':
      if (!is_in_garbage_) is_in_array_ = false;
      return;
    default:
      is_foreign_ = !has_begun_;
      if (!is_in_garbage_) ++window_.counts.damaged;
      is_in_garbage_ = true;
  }
}

// Behind the object, or behind what is no JSON in it; null if it has no end yet.
const char* RequestTraceReader::ReadObject(const char* p, const char* end) {
  const auto size = static_cast<size_t>(end - p);
  if (size < retry_bytes_) return nullptr;
  const char* behind = p;
  const ParseEnd parsed = ReadTraceFragment(&behind, end, &names_, &fragment_);
  if (parsed == ParseEnd::kCut && size <= kLongestObject) {
    // Twice as much: a long one is read few times.
    retry_bytes_ = 2 * size;
    return nullptr;
  }
  retry_bytes_ = 0;
  has_begun_ = true;
  if (parsed == ParseEnd::kWhole && fragment_.TellsOfATrace()) {
    is_in_garbage_ = false;
    if (!fragment_.stamps.empty()) last_name_ = fragment_.stamps.back().name;
    window_.Add(fragment_, names_);
  } else {
    // What follows a damaged object may look like one, up to the next fragment.
    if (!is_in_garbage_) ++window_.counts.damaged;
    is_in_garbage_ |= parsed != ParseEnd::kWhole;
  }
  return behind;
}

}  // namespace opscope
