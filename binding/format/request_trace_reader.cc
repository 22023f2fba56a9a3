#include "request_trace_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace opscope {

namespace {

// 1 MiB took the same time: 0.9 s of CPU for 1e6 traces of 1 KB.
constexpr size_t kReadBytes = 256u << 10;
// Of one call of FeedFrom(): a batch is worth its way to JavaScript.
constexpr size_t kFeedBytes = 2u << 20;

}  // namespace

// Makes room for so many bytes behind what is left, at the returned place.
char* RequestTraceReader::Room(size_t bytes) {
  const size_t left = filled_ - used_;
  if (left + bytes > capacity_) {
    const size_t capacity = std::max(2 * capacity_, left + bytes);
    std::unique_ptr<char[]> larger(new char[capacity]);
    if (left > 0) std::memcpy(larger.get(), buffer_.get() + used_, left);
    buffer_ = std::move(larger);
    capacity_ = capacity;
  } else {
    std::memmove(buffer_.get(), buffer_.get() + used_, left);
  }
  used_ = 0;
  filled_ = left;
  return buffer_.get() + left;
}

void RequestTraceReader::Feed(std::string_view bytes) {
  if (is_foreign_ || bytes.empty()) return;
  std::memcpy(Room(bytes.size()), bytes.data(), bytes.size());
  filled_ += bytes.size();
  Scan();
}

Status RequestTraceReader::FeedFrom(int fd, bool* is_at_end) {
  *is_at_end = false;
  for (size_t total = 0; total < kFeedBytes && !is_foreign_;) {
    const ssize_t got = ::read(fd, Room(kReadBytes), kReadBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::Error(Code::kFileRead, std::strerror(errno));
    *is_at_end = got == 0;
    if (*is_at_end) break;
    filled_ += static_cast<size_t>(got);
    total += static_cast<size_t>(got);
    Scan();
  }
  return Status::Ok();
}

void RequestTraceReader::Finish() {
  if (is_foreign_) return;
  retry_bytes_ = 0;
  Feed("\n");  // ends a number that stands last
  is_cut_ = used_ < filled_ || is_in_array_;
  window_.CloseAll();
  buffer_.reset();
  capacity_ = filled_ = used_ = 0;
}

// Reads all that is whole.
void RequestTraceReader::Scan() {
  const char* p = buffer_.get() + used_;
  const char* const end = buffer_.get() + filled_;
  if (!has_begun_ && p < end && *p == '\xEF') {
    if (end - p < 3) return;
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
  used_ = static_cast<size_t>(p - buffer_.get());
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
