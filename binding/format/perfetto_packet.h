// One trace packet, taken apart as far as every reader needs it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "../core/id_map.h"
#include "wire.h"

namespace opscope {

// Views into the packet's bytes; absent parts are empty.
struct PacketView {
  uint32_t sequence = 0;        // trusted_packet_sequence_id
  uint32_t sequence_index = 0;  // dense, in order of appearance
  uint32_t flags = 0;
  int64_t at_ns = 0;  // on the trace clock
  uint64_t default_track = 0;
  bool has_event = false, has_gpu = false, has_track = false;
  std::string_view interned, event, gpu, track, thread, process, clock_snapshot, defaults, record;
};

// The scalar fields of a track event; annotations are walked where needed.
struct EventView {
  uint64_t type = 0, name_iid = 0, category_iid = 0, track_uuid = 0, correlation_id = 0;
  std::string_view name, category;
  double counter = 0;
  bool has_track = false, has_annotations = false;

  // False when the event is damaged.
  bool Parse(std::string_view bytes) noexcept;
};

// A debug annotation with one plain value.
struct AnnotationView {
  enum class Kind : uint8_t { kNone, kBool, kUint, kInt, kDouble, kString, kStringIid };
  uint64_t name_iid = 0, value = 0;
  std::string_view name, text;
  Kind kind = Kind::kNone;

  void Parse(std::string_view bytes) noexcept;
  double real() const noexcept;
  // The number under this name among the annotations of an event, 0 where there is none.
  static uint64_t NumberOf(std::string_view event, std::string_view name) noexcept;
};

// Interned numbers -> indices. Numbers come from the file: small ones lie in an
// array, an array is never larger than what was stored calls for.
class NumberTable {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;

  uint32_t Find(uint64_t number) const noexcept;
  void Set(uint64_t number, uint32_t index);
  void Clear();

 private:
  std::vector<uint32_t> dense_;
  std::vector<IdMap> sparse_;  // none or one: most sequences never need it
  size_t count_ = 0;
};

}  // namespace opscope
