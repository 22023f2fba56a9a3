// What the events of a plane refer to by number: names of events and of stats, each told once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wire.h"
#include "xplane_schema.h"

namespace opscope::xplane {

// Ids count from 1 in the order of first use; 0 is none. Holds its bytes as the plane has them. Not
// thread-safe.
class StatTable {
 public:
  uint32_t IdOf(StatName name) {
    uint32_t& id = by_name_[static_cast<size_t>(name)];
    return id != 0 ? id : id = IdOf(kStatNames[static_cast<size_t>(name)]);
  }
  // Of a stat, or of a text that stats refer to: the two are one table.
  uint32_t IdOf(std::string_view text);

  void Clear();
  const wire::Writer& bytes() const noexcept { return bytes_; }

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };

  std::array<uint32_t, kStatNameCount> by_name_{};
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> by_text_;
  wire::Writer bytes_;
};

// One stat, as events, their metadata and planes hold it. A member of a oneof is written even where it is 0,
// since otherwise it counts as absent.
void PutUint(wire::Writer* out, uint32_t field, uint32_t stat, uint64_t value);
void PutInt(wire::Writer* out, uint32_t field, uint32_t stat, int64_t value);
void PutDouble(wire::Writer* out, uint32_t field, uint32_t stat, double value);
void PutString(wire::Writer* out, uint32_t field, uint32_t stat, std::string_view value);
void PutRef(wire::Writer* out, uint32_t field, uint32_t stat, uint32_t id);

// Likewise. What is the same event is the callers' to know.
class EventTable {
 public:
  // `stats`: field kStats of a metadata, for all events that refer to it.
  uint32_t Add(std::string_view name, std::string_view display_name, const wire::Writer* stats = nullptr);

  void Clear();
  const wire::Writer& bytes() const noexcept { return bytes_; }

 private:
  uint32_t count_ = 0;
  wire::Writer bytes_;
};

struct Tables {
  EventTable events;
  StatTable stats;
};

}  // namespace opscope::xplane
