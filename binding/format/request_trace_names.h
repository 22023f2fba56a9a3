// Texts of request traces -> small numbers.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "request_trace.h"

namespace opscope {

// Texts numbered from 0 in the order they come. Bounded: a damaged file may
// have any number of them. Not thread-safe.
class BoundedNames {
 public:
  static constexpr uint32_t kMost = 4096;

  // The text's number; kMost where it is one too many.
  uint32_t Of(std::string_view text);
  const std::vector<std::string>& texts() const noexcept { return texts_; }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> numbers_;
  std::vector<std::string> texts_;
};

// Not thread-safe.
class StampNames {
 public:
  StampNames();

  // kFirstCustomName + BoundedNames::kMost where it is one too many.
  StampName Of(std::string_view text);
  // Reads a known name at p, up to 32 bytes, which must be there: behind its quote,
  // or null for another one. Servers write the stamps of every request in the same
  // order, so that the one that came after `last` the last time is the likely one.
  const char* Read(const char* p, StampName last, StampName* name) noexcept;

  // kTraceFromHttp and kTraceFromGrpc, of a name that tells of a front end.
  // Triton's trace_summary.py asks for a part of a name.
  uint32_t FrontEnd(StampName name) const noexcept;
  const std::vector<std::string>& custom() const noexcept { return custom_.texts(); }

 private:
  std::unordered_map<std::string_view, StampName> known_;
  BoundedNames custom_;
  std::vector<uint32_t> custom_front_ends_;
  std::array<StampName, kFirstCustomName> next_;  // by the one before
};

}  // namespace opscope
