// How long each kind of record is in the library at hand, found by asking the
// library itself: its version number does not tell (18 is 11.8 as well as 12.0,
// whose kernel records differ).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "cupti_abi.h"

namespace opscope::gpu {

// Immutable once filled; any thread may read it.
class RecordLayout {
 public:
  using Strides = std::array<uint16_t, cupti::kKindLimit>;

  RecordLayout() = default;
  explicit RecordLayout(const Strides& strides) : strides_(strides) {}

  // 0: the library does not know the kind.
  uint16_t StrideOf(uint32_t kind) const noexcept {
    return kind < cupti::kKindLimit ? strides_[kind] : uint16_t{0};
  }
  uint16_t StrideOf(cupti::Kind kind) const noexcept { return StrideOf(static_cast<uint32_t>(kind)); }
  // The record is whole words and holds every field that our reader cannot do
  // without. A longer record than we know is fine: its prefix is what we know.
  bool IsReadable(cupti::Kind kind) const noexcept;
  // Why not, as what such records are: "of 217 bytes, which ..."; empty when readable.
  std::string TroubleOf(cupti::Kind kind) const;
  template <typename T>
  bool Has(cupti::Kind kind, cupti::Field<T> field) const noexcept {
    return field.end() <= StrideOf(kind);
  }
  const Strides& strides() const noexcept { return strides_; }

 private:
  Strides strides_{};
};

// Needs no driver. Some 60 kinds, two calls of 10 to 40 ns each.
RecordLayout ProbeLayout(cupti::GetNextRecord next_record) noexcept;

}  // namespace opscope::gpu
