// Text <-> small id, once per process.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "columns.h"
#include "record.h"

namespace opscope {

// Makes any bytes storable: invalid UTF-8 becomes U+FFFD, an empty text becomes
// "(unnamed)", what is longer than kMaxNameBytes is cut at a character and ends in "…".
std::string CleanText(std::string_view text, bool* was_changed);

// Thread-safe; ids stay valid for the life of the process.
class NameTable {
 public:
  static constexpr size_t kMaxNameBytes = 1024;
  // A million different names is a bug in the caller (an id in a name); beyond
  // it all new ones share one entry, so that memory stays bounded.
  static constexpr uint32_t kMaxNames = 1u << 20;

  NameTable();
  uint32_t Intern(std::string_view text, Category category, Role role, std::string_view instance);

  // Copies of the entries up to now, by index (id & kNameIndexMask).
  std::vector<NameEntry> Entries() const { return EntriesFrom(0); }
  // Those that came after the first `count`.
  std::vector<NameEntry> EntriesFrom(size_t count) const;
  // Names that had to be changed or did not fit, since process start.
  uint64_t changed_count() const;
  uint64_t overflow_count() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, uint32_t> ids_;
  std::vector<NameEntry> entries_;
  uint64_t changed_count_ = 0;
  uint64_t overflow_count_ = 0;
};

}  // namespace opscope
