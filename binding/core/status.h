// Outcome of a core call that can fail: a code and a sentence.
#pragma once

#include <cstdint>
#include <new>
#include <string>
#include <utility>

namespace opscope {

enum class Code : uint8_t {
  kOk,
  kFileRead,     // cannot open or read
  kFileWrite,    // cannot open or write; detail has the errno text
  kFileFormat,   // not a file of this format
  kFileDamaged,  // of this format, but nothing in it can be read
  kBadRows,      // plain rows that contradict each other
  kNoSession,
  kOutOfMemory,
};

struct [[nodiscard]] Status {
  Code code = Code::kOk;
  std::string detail;

  bool ok() const noexcept { return code == Code::kOk; }
  static Status Ok() noexcept { return {}; }
  static Status Error(Code code, std::string detail) { return {code, std::move(detail)}; }
};

// The core throws nothing but bad_alloc; whoever must not throw calls it through this.
template <typename Work>
Status CatchOutOfMemory(const Work& work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return {Code::kOutOfMemory, "not enough memory for the recording"};
  }
}

}  // namespace opscope
