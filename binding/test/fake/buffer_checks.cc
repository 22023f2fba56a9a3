// The two places where the desk calls the client, and what it checks there.
#include <cstdio>
#include <string>

#include "buffer_desk.h"

namespace fakegpu {
namespace {

// Runs a callback of the client; nothing may be thrown through a C interface.
template <typename Callback>
void Guarded(Journal& journal, const char* which, Callback callback) {
  const bool was_inside = InBufferCallback();
  InBufferCallback() = true;
  try {
    callback();
  } catch (...) {
    journal.Violation(std::string("the ") + which + " callback threw");
  }
  InBufferCallback() = was_inside;
}

constexpr size_t kSmallest = 1024;

}  // namespace

bool BufferDesk::Request(Buffer& buffer) {
  RequestCallback request;
  {
    const std::lock_guard lock(mutex_);
    request = request_;
  }
  Buffer fresh;
  Guarded(journal_, "request", [&] { request(&fresh.bytes, &fresh.size, &fresh.max_records); });
  ++journal_.requests;
  if (fresh.bytes == nullptr) {
    const std::lock_guard lock(mutex_);
    if (!personality_.DropsOnNullBuffer()) {
      journal_.Violation("no buffer given to CUPTI " + std::to_string(personality_.version) +
                         ", which crashes there (before version 27)");
    }
    return false;
  }
  Check(fresh);
  buffer = fresh;
  return true;
}

void BufferDesk::Check(const Buffer& buffer) {
  const auto address = reinterpret_cast<uintptr_t>(buffer.bytes);
  if (address % 8 != 0) journal_.Violation("buffer not aligned to 8 bytes");
  if (buffer.size < kSmallest) journal_.Violation("buffer of " + std::to_string(buffer.size) + " bytes");
  bool client_zeroes;
  {
    const std::lock_guard lock(mutex_);
    client_zeroes = client_zeroes_;
    const auto next = live_.lower_bound(buffer.bytes);
    const bool hits_next = next != live_.end() && next->first < buffer.bytes + buffer.size;
    const bool hits_previous = next != live_.begin() && [&] {
      const auto previous = std::prev(next);
      return previous->first + previous->second > buffer.bytes;
    }();
    if (hits_next || hits_previous) journal_.Violation("buffer given while it is still in use");
    live_[buffer.bytes] = buffer.size;
  }
  if (!client_zeroes) {
    std::memset(buffer.bytes, 0, buffer.size);
    return;
  }
  // Zero everywhere: the first byte is, and each equals the one after it.
  if (buffer.bytes[0] != 0 || std::memcmp(buffer.bytes, buffer.bytes + 1, buffer.size - 1) != 0) {
    journal_.Violation("buffer not zeroed, although the client promised to");
  }
}

void BufferDesk::CallComplete(const Buffer& buffer, size_t valid) {
  CompleteCallback complete;
  {
    const std::lock_guard lock(mutex_);
    complete = complete_;
  }
  Guarded(journal_, "complete", [&] { complete(nullptr, 0, buffer.bytes, buffer.size, valid); });
  ++journal_.completions;
}

}  // namespace fakegpu
