// A JSON reader for tests: strict, small, and not the code under test.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace opscope::test {

struct Json {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  bool truth = false;
  double number = 0;
  std::string text;
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;

  const Json& operator[](std::string_view key) const {
    static const Json kAbsent;
    for (const auto& [name, value] : members) {
      if (name == key) return value;
    }
    return kAbsent;
  }
  bool Has(std::string_view key) const { return (*this)[key].kind != Kind::kNull; }
};

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : p_(text.data()), end_(text.data() + text.size()) {}

  // False on anything that RFC 8259 does not allow.
  bool Read(Json* out) {
    const bool is_good = Value(out, 0);
    Space();
    return is_good && p_ == end_;
  }

 private:
  void Space() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
  }
  bool Word(std::string_view word) {
    if (static_cast<size_t>(end_ - p_) < word.size()) return false;
    if (std::string_view(p_, word.size()) != word) return false;
    p_ += word.size();
    return true;
  }
  bool Value(Json* out, int depth) {
    Space();
    if (p_ == end_ || depth > 50) return false;
    switch (*p_) {
      case '{':
        return Object(out, depth);
      case '[':
        return Array(out, depth);
      case '"':
        out->kind = Json::Kind::kString;
        return String(&out->text);
      case 't':
      case 'f':
        out->kind = Json::Kind::kBool;
        out->truth = *p_ == 't';
        return Word(out->truth ? "true" : "false");
      case 'n':
        return Word("null");
      default:
        return Number(out);
    }
  }
  bool Number(Json* out) {
    const char* start = p_;
    const auto digits = [this] {
      const char* from = p_;
      while (p_ < end_ && *p_ >= '0' && *p_ <= '9') ++p_;
      return p_ > from;
    };
    if (p_ < end_ && *p_ == '-') ++p_;
    const char* first = p_;
    if (!digits() || (*first == '0' && p_ > first + 1)) return false;
    if (p_ < end_ && *p_ == '.') {
      ++p_;
      if (!digits()) return false;
    }
    if (p_ < end_ && (*p_ == 'e' || *p_ == 'E')) {
      ++p_;
      if (p_ < end_ && (*p_ == '+' || *p_ == '-')) ++p_;
      if (!digits()) return false;
    }
    out->kind = Json::Kind::kNumber;
    out->text.assign(start, p_);
    out->number = std::strtod(out->text.c_str(), nullptr);
    return true;
  }
  bool String(std::string* out) {
    ++p_;
    while (p_ < end_ && *p_ != '"') {
      const auto c = static_cast<unsigned char>(*p_++);
      if (c < 0x20) return false;
      if (c != '\\') {
        out->push_back(static_cast<char>(c));
        continue;
      }
      if (p_ == end_) return false;
      switch (*p_++) {
        case '"':
          out->push_back('"');
          break;
        case '\\':
          out->push_back('\\');
          break;
        case '/':
          out->push_back('/');
          break;
        case 'n':
          out->push_back('\n');
          break;
        case 'r':
          out->push_back('\r');
          break;
        case 't':
          out->push_back('\t');
          break;
        case 'u': {
          if (end_ - p_ < 4) return false;
          const std::string digits(p_, 4);
          p_ += 4;
          const long code = std::strtol(digits.c_str(), nullptr, 16);
          if (code > 0x7f) return false;  // our writer escapes ASCII only
          out->push_back(static_cast<char>(code));
          break;
        }
        default:
          return false;
      }
    }
    return p_ < end_ && *p_++ == '"';
  }
  bool Array(Json* out, int depth) {
    out->kind = Json::Kind::kArray;
    ++p_;
    Space();
    if (p_ < end_ && *p_ == ']') return ++p_, true;
    for (;;) {
      out->items.emplace_back();
      if (!Value(&out->items.back(), depth + 1)) return false;
      Space();
      if (p_ == end_ || (*p_ != ',' && *p_ != ']')) return false;
      if (*p_++ == ']') return true;
    }
  }
  bool Object(Json* out, int depth) {
    out->kind = Json::Kind::kObject;
    ++p_;
    Space();
    if (p_ < end_ && *p_ == '}') return ++p_, true;
    for (;;) {
      Space();
      if (p_ == end_ || *p_ != '"') return false;
      out->members.emplace_back();
      if (!String(&out->members.back().first)) return false;
      Space();
      if (p_ == end_ || *p_++ != ':') return false;
      if (!Value(&out->members.back().second, depth + 1)) return false;
      Space();
      if (p_ == end_ || (*p_ != ',' && *p_ != '}')) return false;
      if (*p_++ == '}') return true;
    }
  }

  const char* p_;
  const char* end_;
};

}  // namespace opscope::test
