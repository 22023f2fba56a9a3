#include "json_scanner.h"

#include <cstddef>

namespace opscope {
namespace {

bool IsSpace(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool EndsWord(char c) noexcept { return IsSpace(c) || c == ',' || c == '}' || c == ']' || c == ':'; }

void AppendUtf8(uint32_t point, std::string* text) {
  const auto add = [text](uint32_t byte) { text->push_back(static_cast<char>(byte)); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    add(0xE0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3F));
  } else {
    add(0xF0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3F));
    add(0x80 | (point >> 6 & 0x3F));
  }
  add(0x80 | (point & 0x3F));
}

}  // namespace

void JsonScanner::Space() {
  while (p_ < end_ && IsSpace(*p_)) ++p_;
}
bool JsonScanner::Fail() noexcept {
  p_ = end_;
  return false;
}

JsonScanner::Kind JsonScanner::Peek() {
  Space();
  if (p_ == end_) return Kind::kNone;
  switch (*p_) {
    case '"':
      return Kind::kString;
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kArray;
    case 't':
      return Kind::kTrue;
    case 'f':
      return Kind::kFalse;
    case 'n':
      return Kind::kNull;
    default:
      return *p_ == '-' || (*p_ >= '0' && *p_ <= '9') ? Kind::kNumber : Kind::kNone;
  }
}

bool JsonScanner::Enter() {
  if (Peek() != Kind::kObject) return Fail();
  ++p_;
  return true;
}

bool JsonScanner::NextKey(std::string* key) {
  Space();
  if (p_ < end_ && *p_ == ',') ++p_;
  Space();
  if (p_ < end_ && *p_ == '}') {
    ++p_;
    return false;
  }
  if (!ReadString(key)) return false;
  Space();
  if (p_ == end_ || *p_ != ':') return Fail();
  ++p_;
  return true;
}

bool JsonScanner::ReadString(std::string* text) {
  text->clear();
  if (Peek() != Kind::kString) return Fail();
  for (++p_; p_ < end_;) {
    const char c = *p_++;
    if (c == '"') return true;
    if (c != '\\') {
      text->push_back(c);
    } else if (!ReadEscape(text)) {
      return false;
    }
  }
  return Fail();
}

bool JsonScanner::ReadHex(uint32_t* unit) {
  if (end_ - p_ < 4) return Fail();
  *unit = 0;
  for (int i = 0; i < 4; ++i, ++p_) {
    const char lower = static_cast<char>(*p_ | 0x20);
    if (*p_ >= '0' && *p_ <= '9') {
      *unit = *unit << 4 | static_cast<uint32_t>(*p_ - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      *unit = *unit << 4 | static_cast<uint32_t>(lower - 'a' + 10);
    } else {
      return Fail();
    }
  }
  return true;
}

// Behind the backslash.
bool JsonScanner::ReadEscape(std::string* text) {
  if (p_ == end_) return Fail();
  const char c = *p_++;
  static constexpr std::string_view kLetters = "bfnrt", kMeant = "\b\f\n\r\t";
  if (const size_t at = kLetters.find(c); at != std::string_view::npos) {
    text->push_back(kMeant[at]);
    return true;
  }
  if (c != 'u') {
    text->push_back(c);
    return true;
  }
  uint32_t point;
  if (!ReadHex(&point)) return false;
  if (point >= 0xD800 && point < 0xDC00 && end_ - p_ >= 6 && p_[0] == '\\' && p_[1] == 'u') {
    const char* const behind = p_;
    p_ += 2;
    uint32_t low;
    if (!ReadHex(&low)) return false;
    if (low >= 0xDC00 && low < 0xE000) {
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    } else {
      p_ = behind;
    }
  }
  AppendUtf8(point >= 0xD800 && point < 0xE000 ? 0xFFFD : point, text);
  return true;
}

std::string_view JsonScanner::ReadWord() {
  Space();
  const char* const first = p_;
  while (p_ < end_ && !EndsWord(*p_)) ++p_;
  return {first, static_cast<size_t>(p_ - first)};
}

bool JsonScanner::Skip() {
  std::string text;
  for (size_t depth = 0;;) {
    switch (Peek()) {
      case Kind::kNone:
        if (p_ == end_) return false;
        depth -= *p_ == '}' || *p_ == ']';
        if (depth == SIZE_MAX) return Fail();
        ++p_;  // a bracket, a comma or a colon: what is between values is not looked at
        break;
      case Kind::kString:
        if (!ReadString(&text)) return false;
        break;
      case Kind::kObject:
      case Kind::kArray:
        ++depth;
        ++p_;
        break;
      default:
        if (ReadWord().empty()) return Fail();
    }
    if (depth == 0) return true;
  }
}

}  // namespace opscope
