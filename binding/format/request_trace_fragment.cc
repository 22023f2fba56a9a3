#include "request_trace_fragment.h"

#include <charconv>
#include <cstring>

#include "json_scanner.h"
#include "json_text.h"

namespace opscope {
namespace {

bool IsSpace(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// A JSON string as it stands in the file, without its quotes.
struct RawString {
  std::string_view text;
  bool has_escapes = false;

  bool Is(std::string_view key) const noexcept { return text == key; }
  // As valid UTF-8.
  std::string Decoded() const {
    std::string unescaped, valid;
    if (has_escapes) {
      // The quotes are there: the text is a part of the file's.
      JsonScanner({text.data() - 1, text.size() + 2}).ReadString(&unescaped);
    }
    AppendValidUtf8(has_escapes ? std::string_view(unescaped) : text, &valid);
    return valid;
  }
};

// Unlike JsonScanner, it tells a text that ends too early from one that is no
// JSON. A call that returns false has set why; none is to follow it.
class Cursor {
 public:
  Cursor(const char* p, const char* end) : p_(p), end_(end) {}

  const char* at() const noexcept { return p_; }
  ParseEnd why() const noexcept { return why_; }

  // The next byte that is no white space, not taken.
  bool Peek(char* c) noexcept {
    while (p_ < end_ && IsSpace(*p_)) ++p_;
    if (p_ == end_) return Stop(ParseEnd::kCut);
    *c = *p_;
    return true;
  }
  bool Take(char wanted) noexcept {
    char c;
    if (!Peek(&c)) return false;
    if (c != wanted) return Stop(ParseEnd::kBad);
    ++p_;
    return true;
  }

  bool ReadString(RawString* raw) noexcept {
    if (!Take('"')) return false;
    const char* const first = p_;
    raw->has_escapes = false;
    while (p_ < end_ && *p_ != '"') {
      if (*p_ == '\\') {
        raw->has_escapes = true;
        if (++p_ == end_) break;
      }
      ++p_;
    }
    if (p_ == end_) return Stop(ParseEnd::kCut);
    raw->text = {first, static_cast<size_t>(p_ - first)};
    ++p_;
    return true;
  }
  // A number, true, false or null, as written.
  bool ReadWord(std::string_view* word) noexcept {
    const char* const first = p_;
    while (p_ < end_ && ((*p_ >= '0' && *p_ <= '9') || (*p_ >= 'a' && *p_ <= 'z') || *p_ == '-' ||
                         *p_ == '+' || *p_ == '.' || *p_ == 'E'))
      ++p_;
    if (p_ == end_) return Stop(ParseEnd::kCut);  // it may go on
    if (p_ == first) return Stop(ParseEnd::kBad);
    *word = {first, static_cast<size_t>(p_ - first)};
    return true;
  }

  // Goes through an object or array: calls `each`, which reads a member or an
  // element whole, for every one of them.
  template <typename Each>
  bool Members(char open, char close, const Each& each) {
    if (!Take(open)) return false;
    char c;
    if (!Peek(&c)) return false;
    if (c == close) return ++p_, true;
    for (;;) {
      if (!each()) return false;
      if (!Peek(&c)) return false;
      ++p_;
      if (c == close) return true;
      if (c != ',') return --p_, Stop(ParseEnd::kBad);
    }
  }
  template <typename EachKey>
  bool Object(const EachKey& each_key) {
    return Members('{', '}', [&] {
      RawString key;
      return ReadString(&key) && Take(':') && each_key(key);
    });
  }

  // A value of any kind, without recursion.
  bool Skip() noexcept {
    RawString raw;
    std::string_view word;
    size_t depth = 0;
    do {
      char c;
      if (!Peek(&c)) return false;
      switch (c) {
        case '"':
          if (!ReadString(&raw)) return false;
          break;
        case '{':
        case '[':
          ++depth, ++p_;
          break;
        case '}':
        case ']':
          if (depth == 0) return Stop(ParseEnd::kBad);
          --depth, ++p_;
          break;
        case ',':
        case ':':
          if (depth == 0) return Stop(ParseEnd::kBad);
          ++p_;  // what is between values is not looked at
          break;
        default:
          if (!ReadWord(&word)) return false;
      }
    } while (depth > 0);
    return true;
  }

  // Into *is_whole, whether the value was a whole number that an int64 holds.
  bool ReadInteger(int64_t* value, bool* is_whole) noexcept {
    char c;
    if (!Peek(&c)) return false;
    *is_whole = false;
    if (c != '-' && (c < '0' || c > '9')) return Skip();
    std::string_view word;
    if (!ReadWord(&word)) return false;
    int64_t number;
    const auto [behind, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    *is_whole = error == std::errc() && behind == word.data() + word.size();
    if (*is_whole) *value = number;
    return true;
  }
  // A string decoded, another scalar as written; what is neither leaves false in *is_text.
  bool ReadText(std::string* text, bool* is_text) {
    char c;
    if (!Peek(&c)) return false;
    *is_text = c != '{' && c != '[';
    if (!*is_text) return Skip();
    if (c == '"') {
      RawString raw;
      if (!ReadString(&raw)) return false;
      *text = raw.Decoded();
      return true;
    }
    std::string_view word;
    if (!ReadWord(&word)) return false;
    text->assign(word);
    return true;
  }

 private:
  bool Stop(ParseEnd why) noexcept {
    why_ = why;
    return false;
  }

  const char* p_;
  const char* const end_;
  ParseEnd why_ = ParseEnd::kWhole;
};

bool ReadStamp(Cursor* cursor, StampNames* names, TraceFragment* fragment) {
  char c;
  if (!cursor->Peek(&c)) return false;
  if (c != '{') {
    ++fragment->damaged_stamps;
    return cursor->Skip();
  }
  TraceStamp stamp{};
  bool has_name = false, has_ns = false;
  const bool is_read = cursor->Object([&](const RawString& key) {
    if (key.Is("ns")) return cursor->ReadInteger(&stamp.ns, &has_ns);
    char first;
    if (!cursor->Peek(&first)) return false;
    if (!key.Is("name") || first != '"') return cursor->Skip();
    RawString name;
    if (!cursor->ReadString(&name)) return false;
    stamp.name = names->Of(name.Decoded());
    return has_name = true;
  });
  if (!is_read) return false;
  if (has_name && has_ns) {
    fragment->stamps.push_back(stamp);
  } else {
    ++fragment->damaged_stamps;
  }
  return true;
}

bool ReadStamps(Cursor* cursor, StampNames* names, TraceFragment* fragment) {
  char c;
  if (!cursor->Peek(&c)) return false;
  if (c != '[') return cursor->Skip();
  fragment->has_timestamps = true;
  return cursor->Members('[', ']', [&] { return ReadStamp(cursor, names, fragment); });
}

bool ReadTensor(Cursor* cursor, TraceTensor* tensor) {
  char c;
  if (!cursor->Peek(&c)) return false;
  if (c != '{') return cursor->Skip();
  return cursor->Object([&](const RawString& key) {
    bool is_text;
    if (key.Is("name")) return cursor->ReadText(&tensor->name, &is_text);
    if (key.Is("data")) return cursor->ReadText(&tensor->data, &is_text);
    if (key.Is("shape")) return cursor->ReadText(&tensor->shape, &is_text);
    if (key.Is("dtype")) return cursor->ReadText(&tensor->dtype, &is_text);
    return cursor->Skip();
  });
}

// 1 to 18 digits, which an int64 holds, without a leading zero. Null for all else.
const char* ReadDigits(const char* p, int64_t* value) noexcept {
  uint64_t number = static_cast<unsigned char>(*p) - unsigned{'0'};
  if (number > 9 || (number == 0 && p[1] >= '0' && p[1] <= '9')) return nullptr;
  const char* const longest = p + 18;
  for (++p; *p >= '0' && *p <= '9'; ++p) {
    if (p == longest) return nullptr;
    number = number * 10 + static_cast<uint64_t>(*p - '0');
  }
  *value = static_cast<int64_t>(number);
  return p;
}

// The length is a constant where this is called, so that it is one or two comparisons of words.
template <size_t kSize>
bool Takes(const char*& p, const char (&text)[kSize]) noexcept {
  if (std::memcmp(p, text, kSize - 1) != 0) return false;
  p += kSize - 1;
  return true;
}

}  // namespace

void TraceFragment::Clear() {
  has_id = has_parent = has_model = has_version = has_timestamps = has_tensor = false;
  request_id.clear();
  stamps.clear();
  tensor = {};
  damaged_stamps = 0;
}

ParseEnd ReadTraceFragment(const char** p, const char* end, StampNames* names, TraceFragment* fragment) {
  fragment->Clear();
  Cursor cursor(*p, end);
  bool is_text;
  const bool is_read = cursor.Object([&](const RawString& key) {
    if (key.Is("id")) return cursor.ReadInteger(&fragment->id, &fragment->has_id);
    if (key.Is("parent_id")) return cursor.ReadInteger(&fragment->parent_id, &fragment->has_parent);
    if (key.Is("timestamps")) return ReadStamps(&cursor, names, fragment);
    if (key.Is("model_name")) return cursor.ReadText(&fragment->model, &fragment->has_model);
    if (key.Is("model_version")) return cursor.ReadText(&fragment->version, &fragment->has_version);
    if (key.Is("request_id")) return cursor.ReadText(&fragment->request_id, &is_text);
    if (key.Is("activity")) return cursor.ReadText(&fragment->tensor.activity, &fragment->has_tensor);
    if (key.Is("tensor")) return ReadTensor(&cursor, &fragment->tensor);
    return cursor.Skip();
  });
  *p = cursor.at();
  return is_read ? ParseEnd::kWhole : cursor.why();
}

const char* ReadPlainStamps(const char* p, const char* end, StampName last, StampNames* names, int64_t* id,
                            std::vector<TraceStamp>* stamps) {
  // What one round reads at most: the longest beginning, name and number are shorter together.
  constexpr std::ptrdiff_t kReach = 160;
  stamps->clear();
  if (end - p < kReach || !Takes(p, "{\"id\":")) return nullptr;
  if ((p = ReadDigits(p, id)) == nullptr) return nullptr;
  if (!Takes(p, ",\"timestamps\":[")) return nullptr;
  TraceStamp stamp{last, 0};
  for (;;) {
    if (!Takes(p, "{\"name\":\"")) return nullptr;
    if ((p = names->Read(p, stamp.name, &stamp.name)) == nullptr) return nullptr;
    if (!Takes(p, ",\"ns\":")) return nullptr;
    if ((p = ReadDigits(p, &stamp.ns)) == nullptr) return nullptr;
    stamps->push_back(stamp);
    if (Takes(p, "}]}")) return p;
    if (!Takes(p, "},") || end - p < kReach) return nullptr;
  }
}

}  // namespace opscope
