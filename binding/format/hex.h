// Ids as lowercase hex, as W3C trace context writes them.
#pragma once

#include <cstdint>
#include <string_view>

namespace opscope {

// Sixteen digits, no end mark; returns what follows them.
inline char* PutHex(char* p, uint64_t value) noexcept {
  for (int shift = 60; shift >= 0; shift -= 4) *p++ = "0123456789abcdef"[value >> shift & 15];
  return p;
}

// False unless the text is sixteen hex digits.
inline bool GetHex(std::string_view text, uint64_t* value) noexcept {
  if (text.size() != 16) return false;
  uint64_t result = 0;
  for (const char c : text) {
    uint64_t digit;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint64_t>(c - 'a') + 10;
    } else {
      return false;
    }
    result = result << 4 | digit;
  }
  *value = result;
  return true;
}

}  // namespace opscope
