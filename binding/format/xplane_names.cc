#include "xplane_names.h"

#include <algorithm>
#include <array>

#include "xplane_schema.h"

namespace opscope::xplane {
namespace {

// Instants of the memory profile, and a root of a step.
constexpr std::array<std::string_view, 3> kEventsWithMeaning = {"MemoryAllocation", "MemoryDeallocation",
                                                                "TraceContext"};
constexpr std::string_view kOtherColon = "\xEA\x9E\x89";

bool IsLower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) noexcept { return c >= '0' && c <= '9'; }
bool IsWord(char c) noexcept { return IsLower(c) || IsUpper(c) || IsDigit(c) || c == '_'; }

template <size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& texts) noexcept {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

}  // namespace

std::string OpType(std::string_view text) {
  std::string type;
  if (text.empty() || IsDigit(text[0])) type += '_';
  for (const char c : text) type += IsWord(c) ? c : '_';
  if (IsLower(type[0])) type[0] = static_cast<char>(type[0] - 'a' + 'A');
  return type;
}

void AppendOpSegment(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  // A name of an op begins with a letter, a digit or a point.
  const size_t begin = out->size();
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      const bool is_sign = !IsWord(c) && c != '.' && c != '>';
      const bool is_first = out->size() == begin && !IsLower(c) && !IsUpper(c) && !IsDigit(c);
      *out += is_first ? '.' : is_sign ? '_' : c;
    } else {
      *out += kHex[byte >> 4];
      *out += kHex[byte & 15];
    }
  }
}

std::string EventName(const NameEntry& name) {
  if (name.category != Category::kCpuOp || name.role != Role::kOp) return PlainName(DisplayName(name));
  std::string text;
  AppendOpSegment(name.text, &text);
  return text.append(":").append(OpType(name.text));
}

std::string PlainName(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    if (text[i] == ':' && (IsUpper(next) || next == '_' || next == ':')) {
      plain += kOtherColon;
    } else {
      plain += text[i];
    }
  }
  if (IsOneOf(plain, kEventsWithMeaning)) plain += '.';
  return plain;
}

std::string DisplayName(const NameEntry& name) {
  return name.instance.empty() ? name.text : name.text + " [" + name.instance + "]";
}

std::string AttributeStat(std::string_view key) {
  const bool is_ours = std::find(kStatNames.begin(), kStatNames.end(), key) != kStatNames.end();
  const bool is_taken = is_ours || IsOneOf(key, kReadersStats) || key.starts_with(kUserStat) || key.empty();
  return std::string(is_taken ? kUserStat : "").append(key);
}

}  // namespace opscope::xplane
