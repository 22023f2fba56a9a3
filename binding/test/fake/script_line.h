// One line of a script: an op, words, and key=value pairs. Grammar: script.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fakegpu {

// What is wrong with a line, as a sentence.
struct ScriptError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Each Take removes what it returns, so that Finish finds what nobody knows.
class ScriptLine {
 public:
  explicit ScriptLine(std::string_view text);

  const std::string& op() const { return op_; }  // "" for a blank line or a comment

  bool HasWord() const { return !words_.empty(); }
  std::string TakeWord(const char* what);  // throws when there is none
  bool TakeFlag(std::string_view word);
  std::optional<std::string> TakeText(const std::string& key);
  std::optional<int64_t> TakeNumber(const std::string& key);
  int64_t TakeNumber(const std::string& key, int64_t otherwise) {
    return TakeNumber(key).value_or(otherwise);
  }
  uint32_t TakeSmall(const std::string& key, uint32_t otherwise);
  void TakeTriple(const std::string& key, uint32_t values[3]);  // "16,8,1", rest unchanged
  // Throws when something is left.
  void Finish() const;

 private:
  std::string op_;
  struct Word {
    std::string text;
    bool is_quoted;  // a text, and never a flag
  };
  std::vector<Word> words_;
  std::map<std::string, std::string> pairs_;
};

// 12, -3, 0x1F, 5us, 3ms, 2s (to ns), 4K, 2M (to bytes). Throws.
int64_t ParseAmount(std::string_view text);

}  // namespace fakegpu
