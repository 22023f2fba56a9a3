// JSON pieces: strings that any parser takes, and numbers without float rounding.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace opscope {

// Appends the text with invalid bytes as U+FFFD.
void AppendValidUtf8(std::string_view text, std::string* out);

// Appends the text with quotes around it, as JSON.stringify does. Control
// characters are escaped (one raw one makes a whole trace unreadable), invalid
// UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string* out);

// The longest prefix of at most `bytes` bytes that does not split a character.
std::string_view CutUtf8(std::string_view text, size_t bytes) noexcept;

void AppendInteger(int64_t value, std::string* out);
void AppendUnsigned(uint64_t value, std::string* out);
// As a number up to 2^53, beyond it as a string: parsers read doubles.
void AppendSafeInteger(int64_t value, std::string* out);
void AppendSafeUnsigned(uint64_t value, std::string* out);
// The shortest text that reads back as the same double; with a point or an
// exponent, so that it does not look like an integer. Not finite: a string.
void AppendDouble(double value, std::string* out);
// As JSON.stringify writes a number: the shortest digits, null if not finite.
void AppendScriptNumber(double value, std::string* out);

// Integer ns as µs with up to three decimals.
class Micros {
 public:
  static constexpr size_t kMaxBytes = 24;  // what Put may touch

  Micros() noexcept;

  char* Put(char* p, int64_t ns) const noexcept {
    if (static_cast<uint64_t>(ns) >= kTableRange * kTableRange * 1000) return PutLong(p, ns);
    const auto us = static_cast<uint64_t>(ns) / 1000;
    const auto rest = static_cast<uint32_t>(static_cast<uint64_t>(ns) - us * 1000);
    if (us < kTableRange) {
      p = PutShort(p, static_cast<uint32_t>(us));
    } else {
      const auto high = static_cast<uint32_t>(us / kTableRange);
      const auto low = static_cast<uint32_t>(us) - high * kTableRange;
      p = PutShort(p, high);
      std::memcpy(p, padded_[low].data(), 4);
      p += 4;
    }
    return PutFraction(p, rest);
  }

 private:
  static constexpr uint32_t kTableRange = 10000;
  using Four = std::array<char, 4>;

  char* PutShort(char* p, uint32_t value) const noexcept {
    std::memcpy(p, left_[value].data(), 4);
    return p + 1 + (value >= 10) + (value >= 100) + (value >= 1000);
  }
  char* PutFraction(char* p, uint32_t thousandths) const noexcept {
    std::memcpy(p, fraction_[thousandths].data(), 4);
    return p + fraction_size_[thousandths];
  }
  char* PutLong(char* p, int64_t ns) const noexcept;

  // 4 KiB to 40 KiB tables: a division by ten for each digit makes the writer
  // half as fast (bench/format_bench.cc).
  std::array<Four, kTableRange> padded_;  // 0007
  std::array<Four, kTableRange> left_;    // 7
  std::array<Four, 1000> fraction_;       // .5, .25, .125
  std::array<uint8_t, 1000> fraction_size_;
};

}  // namespace opscope
