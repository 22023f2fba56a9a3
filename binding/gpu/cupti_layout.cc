#include "cupti_layout.h"

#include <cstring>

namespace opscope::gpu {

namespace {

constexpr uint16_t kUnread = 0xFFFF;  // kinds that the reader steps over

uint16_t RequiredEnd(cupti::Kind kind) noexcept {
  using cupti::Kind;
  switch (kind) {
    case Kind::kKernel:
    case Kind::kConcurrentKernel:
      return cupti::kernel::kRequired;
    case Kind::kMemcpy:
      return cupti::copy::kRequired;
    case Kind::kMemcpyPeer:
      return cupti::peer_copy::kRequired;
    case Kind::kMemset:
      return cupti::fill::kRequired;
    case Kind::kDriver:
    case Kind::kRuntime:
      return cupti::api::kRequired;
    case Kind::kDevice:
      return cupti::device::kRequired;
    case Kind::kContext:
      return cupti::context::kRequired;
    case Kind::kName:
      return cupti::name::kRequired;
    case Kind::kMarker:
      return cupti::marker::kRequired;
    case Kind::kOverhead:
      return cupti::overhead::kRequired;
    case Kind::kSynchronization:
      return cupti::sync::kRequired;
    case Kind::kMemory2:
      return cupti::memory::kRequired;
    case Kind::kGraphTrace:
      return cupti::graph::kRequired;
    case Kind::kStream:
      return cupti::kKindField.end();
  }
  return kUnread;
}

}  // namespace

bool RecordLayout::IsReadable(cupti::Kind kind) const noexcept {
  const uint16_t stride = StrideOf(kind);
  return stride % 8 == 0 && stride >= RequiredEnd(kind);
}

namespace {

// What lies from one record of the kind to the next, if the next begins at
// `phase` bytes behind a whole word; 0: the library finds no record there.
uint16_t StrideAtPhase(cupti::GetNextRecord next_record, uint32_t kind, size_t phase) noexcept {
  // Room for two records of ten times today's longest.
  constexpr size_t kBytes = 4096;
  // Wherever the second record begins, it says that it is of the same kind.
  alignas(64) uint8_t buffer[kBytes + 8] = {};
  std::memcpy(buffer, &kind, sizeof(kind));
  for (size_t at = 8; at < kBytes; at += 8) std::memcpy(buffer + at + phase, &kind, sizeof(kind));
  uint8_t* first = nullptr;
  if (next_record(buffer, kBytes, &first) != cupti::kSuccess || first != buffer) return 0;
  uint8_t* second = first;
  if (next_record(buffer, kBytes, &second) != cupti::kSuccess || second <= first) return 0;
  return static_cast<uint16_t>(second - first);
}

}  // namespace

std::string RecordLayout::TroubleOf(cupti::Kind kind) const {
  const uint16_t stride = StrideOf(kind);
  if (IsReadable(kind)) return "";
  if (stride == 0) return "that it does not step over itself";
  const std::string length = "of " + std::to_string(stride) + " bytes, ";
  if (stride % 8 != 0) return length + "which are not whole words of 8";
  return length + "too short for the fields that opscope needs (" + std::to_string(RequiredEnd(kind)) + ")";
}

RecordLayout ProbeLayout(cupti::GetNextRecord next_record) noexcept {
  RecordLayout::Strides strides{};
  for (uint32_t kind = 1; kind < cupti::kKindLimit; ++kind) {
    // Every record we know is whole words; the other phases tell what is wrong with one that is not.
    for (size_t phase = 0; phase < 8 && strides[kind] == 0; ++phase)
      strides[kind] = StrideAtPhase(next_record, kind, phase);
  }
  return RecordLayout(strides);
}

}  // namespace opscope::gpu
