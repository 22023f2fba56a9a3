#include "activity_texts.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/names.h"

namespace opscope::gpu {

namespace {

constexpr std::string_view kUnnamed = "(unnamed)";

bool IsAscii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) - 1u < 127u; });
}

std::string Cut(std::string_view text) {
  if (!IsAscii(text)) {
    bool was_changed = false;
    return CleanText(text, &was_changed);
  }
  if (text.size() <= ActivityTexts::kMaxBytes) return std::string(text);
  return std::string(text.substr(0, ActivityTexts::kMaxBytes - 3)) + "...";
}

}  // namespace

std::string ReadableName(std::string_view text) {
  // A symbol that was cut has lost its end and would not parse.
  if (text.substr(0, 2) == "_Z" && text.size() < ActivityTexts::kMaxBytes) {
    int status = 0;
    char* demangled = abi::__cxa_demangle(std::string(text).c_str(), nullptr, nullptr, &status);
    if (demangled != nullptr) {
      std::string readable = Cut(demangled);
      std::free(demangled);
      return readable;
    }
  }
  return Cut(text);
}

uint32_t ActivityTexts::Intern(std::string_view text) {
  if (text.empty()) text = kUnnamed;
  text = text.substr(0, kMaxBytes);
  if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  if (texts_.size() >= kMaxTexts) return 0;
  texts_.emplace_back(text);
  const auto id = static_cast<uint32_t>(texts_.size() - 1);
  ids_.emplace(texts_.back(), id);
  return id;
}

uint32_t ActivityTexts::InternUnknown(const char* text) {
  const uint32_t id = Intern(text == nullptr ? kUnnamed : std::string_view(text, strnlen(text, kMaxBytes)));
  const size_t slot = SlotOf(text);
  cache_[slot + 1] = cache_[slot];
  cache_[slot] = {text, generation_, id};
  return id;
}

std::vector<std::string> ActivityTexts::Resolve() {
  while (resolved_.size() < texts_.size()) resolved_.push_back(ReadableName(texts_[resolved_.size()]));
  return resolved_;
}

void ActivityTexts::Clear() {
  ids_.clear();
  texts_.clear();
  resolved_.clear();
  ++generation_;
  texts_.emplace_back("(too many names)");
}

}  // namespace opscope::gpu
