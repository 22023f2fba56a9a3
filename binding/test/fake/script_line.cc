#include "script_line.h"

#include <algorithm>
#include <charconv>

namespace fakegpu {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool IsKeyStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Reads up to the closing quote, which `at` then is past.
std::string ReadQuoted(std::string_view text, size_t& at) {
  std::string value;
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] != '\\') {
      value += text[at];
    } else if (++at < text.size()) {
      value += text[at] == 'n' ? '\n' : text[at];
    }
  }
  if (at >= text.size()) throw ScriptError("text without a closing quote");
  ++at;
  return value;
}

std::string ReadBare(std::string_view text, size_t& at, bool stops_at_equals) {
  const size_t start = at;
  while (at < text.size() && !IsBlank(text[at]) && !(stops_at_equals && text[at] == '=')) ++at;
  return std::string(text.substr(start, at - start));
}

std::string ReadValue(std::string_view text, size_t& at) {
  if (at < text.size() && text[at] == '"') return ReadQuoted(text, at);
  return ReadBare(text, at, false);
}

struct Unit {
  std::string_view name;
  int64_t factor;
};
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"K", int64_t{1} << 10},
                           {"M", int64_t{1} << 20},
                           {"G", int64_t{1} << 30}};

}  // namespace

int64_t ParseAmount(std::string_view text) {
  const std::string whole(text);
  const bool is_negative = text.substr(0, 1) == "-";
  if (is_negative || text.substr(0, 1) == "+") text.remove_prefix(1);
  const bool is_hex = text.substr(0, 2) == "0x";
  if (is_hex) text.remove_prefix(2);
  uint64_t magnitude = 0;
  const auto [stop, error] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, is_hex ? 16 : 10);
  if (error != std::errc()) throw ScriptError("not a number: " + whole);
  int64_t value = static_cast<int64_t>(magnitude);
  const std::string_view unit = text.substr(static_cast<size_t>(stop - text.data()));
  if (!unit.empty()) {
    const auto found =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& u) { return u.name == unit; });
    if (found == std::end(kUnits)) throw ScriptError("not a number: " + whole);
    value *= found->factor;
  }
  return is_negative ? -value : value;
}

ScriptLine::ScriptLine(std::string_view text) {
  size_t at = 0;
  while (true) {
    while (at < text.size() && IsBlank(text[at])) ++at;
    if (at >= text.size() || text[at] == '#') return;
    if (text[at] == '"') {
      words_.push_back({ReadQuoted(text, at), true});
      continue;
    }
    const bool may_be_key = IsKeyStart(text[at]) && !op_.empty();
    std::string word = ReadBare(text, at, may_be_key);
    if (may_be_key && at < text.size() && text[at] == '=') {
      ++at;
      if (pairs_.count(word) != 0) throw ScriptError(word + " is given twice");
      pairs_[word] = ReadValue(text, at);
    } else if (op_.empty()) {
      op_ = std::move(word);
    } else {
      words_.push_back({std::move(word), false});
    }
  }
}

std::string ScriptLine::TakeWord(const char* what) {
  if (words_.empty()) throw ScriptError(op_ + " needs " + what);
  std::string word = std::move(words_.front().text);
  words_.erase(words_.begin());
  return word;
}

bool ScriptLine::TakeFlag(std::string_view word) {
  const auto found = std::find_if(words_.begin(), words_.end(),
                                  [&](const Word& w) { return !w.is_quoted && w.text == word; });
  if (found == words_.end()) return false;
  words_.erase(found);
  return true;
}

std::optional<std::string> ScriptLine::TakeText(const std::string& key) {
  const auto found = pairs_.find(key);
  if (found == pairs_.end()) return std::nullopt;
  std::string value = std::move(found->second);
  pairs_.erase(found);
  return value;
}

std::optional<int64_t> ScriptLine::TakeNumber(const std::string& key) {
  const std::optional<std::string> text = TakeText(key);
  if (!text) return std::nullopt;
  return ParseAmount(*text);
}

uint32_t ScriptLine::TakeSmall(const std::string& key, uint32_t otherwise) {
  const std::optional<int64_t> number = TakeNumber(key);
  if (!number) return otherwise;
  if (*number < 0 || *number > int64_t{UINT32_MAX}) throw ScriptError(key + " does not fit 32 bits");
  return static_cast<uint32_t>(*number);
}

void ScriptLine::TakeTriple(const std::string& key, uint32_t values[3]) {
  const std::optional<std::string> text = TakeText(key);
  if (!text) return;
  std::string_view rest = *text;
  for (size_t i = 0; i < 3 && !rest.empty(); ++i) {
    const size_t comma = std::min(rest.find(','), rest.size());
    values[i] = static_cast<uint32_t>(ParseAmount(rest.substr(0, comma)));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
}

void ScriptLine::Finish() const {
  if (!pairs_.empty()) throw ScriptError(op_ + " knows no " + pairs_.begin()->first + "=");
  if (!words_.empty()) throw ScriptError(op_ + " does not understand \"" + words_.front().text + "\"");
}

}  // namespace fakegpu
