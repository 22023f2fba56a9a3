#include "names.h"

#include <algorithm>

namespace opscope {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none
// (The Unicode Standard 15, table 3-7).
size_t SequenceLength(std::string_view text, size_t at) noexcept {
  const auto byte = [&](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto follows = [&](size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(at + 1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return follows(at + 1, low, high) && follows(at + 2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return follows(at + 1, low, high) && follows(at + 2) && follows(at + 3) ? 4 : 0;
  }
  return 0;
}

std::string Key(std::string_view text, Category category, Role role, std::string_view instance) {
  std::string key;
  key.reserve(text.size() + instance.size() + 3);
  key += static_cast<char>(category);
  key += static_cast<char>(role);
  key += text;
  key += '\0';
  key += instance;
  return key;
}

}  // namespace

std::string CleanText(std::string_view text, bool* was_changed) {
  std::string clean;
  clean.reserve(text.size() < NameTable::kMaxNameBytes ? text.size() : NameTable::kMaxNameBytes);
  *was_changed = false;
  for (size_t i = 0; i < text.size();) {
    const size_t length = SequenceLength(text, i);
    const std::string_view piece = length == 0 ? kReplacement : text.substr(i, length);
    if (clean.size() + piece.size() > NameTable::kMaxNameBytes - kEllipsis.size()) {
      // It may still fit as a whole; only cut when it does not.
      if (text.size() > NameTable::kMaxNameBytes || *was_changed || length == 0) {
        *was_changed = true;
        return clean += kEllipsis;
      }
    }
    if (length == 0) *was_changed = true;
    clean += piece;
    i += length == 0 ? 1 : length;
  }
  if (clean.empty()) {
    *was_changed = true;
    clean = "(unnamed)";
  }
  return clean;
}

NameTable::NameTable() { entries_.push_back({"(too many names)", "", Category::kUser, Role::kOp}); }

uint32_t NameTable::Intern(std::string_view text, Category category, Role role, std::string_view instance) {
  bool text_changed = false, instance_changed = false;
  const std::string clean = CleanText(text, &text_changed);
  const std::string clean_instance =
      role == Role::kInstance ? CleanText(instance, &instance_changed) : std::string();
  const uint32_t category_bits = static_cast<uint32_t>(category) << kNameIndexBits;
  std::lock_guard lock(mutex_);
  const auto [found, is_new] = ids_.try_emplace(Key(clean, category, role, clean_instance), 0u);
  if (!is_new) return found->second;
  if (entries_.size() >= kMaxNames) {
    ids_.erase(found);
    ++overflow_count_;
    return category_bits;
  }
  if (text_changed || instance_changed) ++changed_count_;
  found->second = static_cast<uint32_t>(entries_.size()) | category_bits;
  entries_.push_back({clean, clean_instance, category, role});
  return found->second;
}

std::vector<NameEntry> NameTable::EntriesFrom(size_t count) const {
  std::lock_guard lock(mutex_);
  return {entries_.begin() + static_cast<std::ptrdiff_t>(std::min(count, entries_.size())), entries_.end()};
}

uint64_t NameTable::changed_count() const {
  std::lock_guard lock(mutex_);
  return changed_count_;
}

uint64_t NameTable::overflow_count() const {
  std::lock_guard lock(mutex_);
  return overflow_count_;
}

}  // namespace opscope
