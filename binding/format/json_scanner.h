// Reads small JSON texts that anyone may have written, value by value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace opscope {

// No recursion, no tree. After damage there are no more keys and values. One
// thread at a time; the text must outlive it.
class JsonScanner {
 public:
  enum class Kind : uint8_t { kNone, kString, kNumber, kTrue, kFalse, kNull, kObject, kArray };

  explicit JsonScanner(std::string_view text) : p_(text.data()), end_(text.data() + text.size()) {}

  // What the next value is; kNone at the end and on damage.
  Kind Peek();
  // Of an object: goes in.
  bool Enter();
  // The next key of the object that was entered, its value is then next. False
  // behind the last one, which leaves the object.
  bool NextKey(std::string* key);
  // Of a string: its text as UTF-8. A lone surrogate becomes U+FFFD.
  bool ReadString(std::string* text);
  // Of a number, true, false and null: as written.
  std::string_view ReadWord();
  // Any value, whole.
  bool Skip();

 private:
  void Space();
  bool Fail() noexcept;
  bool ReadHex(uint32_t* unit);
  bool ReadEscape(std::string* text);

  const char* p_;
  const char* end_;
};

}  // namespace opscope
