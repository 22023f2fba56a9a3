#include "json_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace opscope {
namespace {

// Bytes of the UTF-8 character at `p`, 0 where there is no valid one (Unicode
// 15, table 3-7: no overlong forms, no surrogates, nothing beyond U+10FFFF).
size_t CharacterSize(const unsigned char* p, size_t left) noexcept {
  const auto is_next = [p, left](size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < left && p[i] >= low && p[i] <= high;
  };
  const unsigned first = p[0];
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return is_next(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80, high = first == 0xED ? 0x9F : 0xBF;
    return is_next(1, low, high) && is_next(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80, high = first == 0xF4 ? 0x8F : 0xBF;
    return is_next(1, low, high) && is_next(2) && is_next(3) ? 4 : 0;
  }
  return 0;
}

constexpr int64_t kMaxSafe = int64_t{1} << 53;

}  // namespace

void AppendValidUtf8(std::string_view text, std::string* out) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (size_t i = 0; i < text.size();) {
    const size_t size = CharacterSize(p + i, text.size() - i);
    out->append(size == 0 ? "\xEF\xBF\xBD" : text.substr(i, size));
    i += size == 0 ? 1 : size;
  }
}

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (size_t i = 0; i < text.size();) {
    const unsigned char c = p[i];
    if (c >= 0x80) {
      const size_t size = CharacterSize(p + i, text.size() - i);
      out->append(size == 0 ? "\xEF\xBF\xBD" : text.substr(i, size));
      i += size == 0 ? 1 : size;
      continue;
    }
    ++i;
    switch (c) {
      case '"':
        out->append("\\\"");
        break;
      case '\\':
        out->append("\\\\");
        break;
      case '\n':
        out->append("\\n");
        break;
      case '\r':
        out->append("\\r");
        break;
      case '\t':
        out->append("\\t");
        break;
      case '\b':
        out->append("\\b");
        break;
      case '\f':
        out->append("\\f");
        break;
      default:
        if (c >= 0x20) {
          out->push_back(static_cast<char>(c));
        } else {
          out->append("\\u00");
          out->push_back("0123456789abcdef"[c >> 4]);
          out->push_back("0123456789abcdef"[c & 15]);
        }
    }
  }
  out->push_back('"');
}

std::string_view CutUtf8(std::string_view text, size_t bytes) noexcept {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

void AppendUnsigned(uint64_t value, std::string* out) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  out->append(digits + at, sizeof digits - at);
}

void AppendInteger(int64_t value, std::string* out) {
  if (value < 0) {
    out->push_back('-');
    AppendUnsigned(0 - static_cast<uint64_t>(value), out);
  } else {
    AppendUnsigned(static_cast<uint64_t>(value), out);
  }
}

void AppendSafeInteger(int64_t value, std::string* out) {
  const bool is_safe = value >= -kMaxSafe && value <= kMaxSafe;
  if (!is_safe) out->push_back('"');
  AppendInteger(value, out);
  if (!is_safe) out->push_back('"');
}

void AppendSafeUnsigned(uint64_t value, std::string* out) {
  if (value <= static_cast<uint64_t>(kMaxSafe)) return AppendUnsigned(value, out);
  out->push_back('"');
  AppendUnsigned(value, out);
  out->push_back('"');
}

void AppendDouble(double value, std::string* out) {
  if (!std::isfinite(value)) {
    out->append(std::isnan(value) ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    return;
  }
  char text[40];
  for (int digits = 15; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  bool is_integer = true;
  for (char* p = text; *p != '\0'; ++p) {
    // The decimal sign of the C locale of whoever embeds us.
    if (*p == ',') *p = '.';
    if (*p == '.' || *p == 'e') is_integer = false;
  }
  out->append(text);
  if (is_integer) out->append(".0");
}

void AppendScriptNumber(double value, std::string* out) {
  if (!std::isfinite(value)) {
    out->append("null");
    return;
  }
  if (value == 0) {
    out->push_back('0');
    return;
  }
  if (value < 0) out->push_back('-');
  // d.ddde±xx, the shortest that reads back; then placed as Number::toString of ECMAScript does.
  char text[32];
  const auto written =
      std::to_chars(text, text + sizeof text, std::abs(value), std::chars_format::scientific);
  const std::string_view shortest(text, static_cast<size_t>(written.ptr - text));
  const size_t e = shortest.find('e');
  std::string digits(1, shortest[0]);
  if (e > 2) digits += shortest.substr(2, e - 2);
  const int exponent = std::atoi(std::string(shortest.substr(e + 1)).c_str());
  const auto count = static_cast<int>(digits.size());
  const int point = exponent + 1;
  if (point > 21 || point < -5) {
    out->append(digits, 0, 1);
    if (count > 1) out->append(1, '.').append(digits, 1);
    out->append(exponent < 0 ? "e-" : "e+");
    AppendInteger(std::abs(exponent), out);
  } else if (point <= 0) {
    out->append("0.").append(static_cast<size_t>(-point), '0').append(digits);
  } else if (point >= count) {
    out->append(digits).append(static_cast<size_t>(point - count), '0');
  } else {
    out->append(digits, 0, static_cast<size_t>(point))
        .append(1, '.')
        .append(digits, static_cast<size_t>(point));
  }
}

Micros::Micros() noexcept {
  for (uint32_t i = 0; i < kTableRange; ++i) {
    const auto digit = [i](uint32_t divisor) { return static_cast<char>('0' + i / divisor % 10); };
    padded_[i] = {digit(1000), digit(100), digit(10), digit(1)};
    const size_t zeros = i >= 1000 ? 0u : i >= 100 ? 1u : i >= 10 ? 2u : 3u;
    left_[i] = {};
    std::memcpy(left_[i].data(), padded_[i].data() + zeros, 4 - zeros);
  }
  for (uint32_t i = 0; i < 1000; ++i) {
    fraction_[i] = {'.', static_cast<char>('0' + i / 100), static_cast<char>('0' + i / 10 % 10),
                    static_cast<char>('0' + i % 10)};
    fraction_size_[i] = i == 0 ? 0 : i % 100 == 0 ? 2 : i % 10 == 0 ? 3 : 4;
  }
}

char* Micros::PutLong(char* p, int64_t ns) const noexcept {
  auto value = static_cast<uint64_t>(ns);
  if (ns < 0) {
    *p++ = '-';
    value = 0 - value;
  }
  const uint64_t us = value / 1000;
  const auto rest = static_cast<uint32_t>(value % 1000);
  if (us < uint64_t{kTableRange} * kTableRange) {
    if (us >= kTableRange) {
      p = PutShort(p, static_cast<uint32_t>(us / kTableRange));
      std::memcpy(p, padded_[us % kTableRange].data(), 4);
      p += 4;
    } else {
      p = PutShort(p, static_cast<uint32_t>(us));
    }
    return PutFraction(p, rest);
  }
  // At most 1.9e16 µs: 17 digits, in groups of four.
  uint64_t high = us / (uint64_t{kTableRange} * kTableRange);
  char groups[12];
  size_t count = 0;
  for (; high >= kTableRange; high /= kTableRange) {
    std::memcpy(groups + count, padded_[high % kTableRange].data(), 4);
    count += 4;
  }
  p = PutShort(p, static_cast<uint32_t>(high));
  for (; count != 0; p += 4) {
    count -= 4;
    std::memcpy(p, groups + count, 4);
  }
  const uint64_t low = us % (uint64_t{kTableRange} * kTableRange);
  std::memcpy(p, padded_[low / kTableRange].data(), 4);
  std::memcpy(p + 4, padded_[low % kTableRange].data(), 4);
  return PutFraction(p + 8, rest);
}

}  // namespace opscope
