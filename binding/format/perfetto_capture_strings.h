// The strings of a capture file: told where they are first used, and put back
// into the order that they had.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../core/raw_rows.h"
#include "perfetto_packet.h"

namespace opscope {

// One thread at a time.
class CapturedStrings {
 public:
  explicit CapturedStrings(RawRows* rows) : rows_(*rows) {}

  // How many names come before the strings in the numbers of events.
  void set_name_count(uint64_t count) noexcept { name_count_ = count; }
  uint64_t name_count() const noexcept { return name_count_; }

  void Add(std::string_view interned);
  // Index into the rows' strings, or NumberTable::kAbsent.
  uint32_t At(uint64_t place) const noexcept { return strings_.Find(place); }
  // Of an event's name beyond those of spans; kAbsent also where it is one of those.
  uint32_t OfName(uint64_t name_iid) const noexcept {
    return name_iid <= name_count_ ? NumberTable::kAbsent : At(name_iid - 1 - name_count_);
  }
  // After the last packet: all tables of the rows follow.
  void PutInOrder();

 private:
  void AddString(uint64_t place, std::string_view text);

  RawRows& rows_;
  uint64_t name_count_ = 0;       // as the head has it
  NumberTable strings_;           // place in Recording::strings -> in rows_.strings
  std::vector<uint64_t> places_;  // the other way
};

}  // namespace opscope
