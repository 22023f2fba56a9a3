// What differs from one CUPTI release to the next.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "abi.h"

namespace fakegpu {

// Record sizes: spec section 2.2 (measured on 11.2, 11.8, 12.4, 13.0); those of
// 12.0 and 12.9 follow from the release history of the structs.
struct Personality {
  std::string name;  // "11.8"
  uint32_t version = 0;
  std::array<uint16_t, kKindLimit> strides{};  // 0: the library does not know the kind
  bool has_per_thread_buffers = false;
  bool per_thread_by_default = false;

  bool IsVersion13() const { return version >= 130000; }
  // The code for a kind that the record walker cannot step over.
  int UnknownKindResult() const { return version < 20 ? kUnknown : kInvalidKind; }
  // Older ones crash when the client gives no buffer.
  bool DropsOnNullBuffer() const { return version >= 27; }
};

// 11.2, 11.8, 12.0, 12.4, 12.9, 13.0. False when the name is none of them.
bool FindPersonality(std::string_view name, Personality* personality);
// "10:224,60:64": sizes of a release to come, or of a broken one.
bool PatchStrides(std::string_view text, Personality* personality);

}  // namespace fakegpu
