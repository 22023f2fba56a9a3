// What a thread writes into its log: 8-byte words. The first word of a record
// holds the time and what follows it; the layout is the same in memory and in
// a crash dump, so append kinds, never change one.
#pragma once

#include <cstdint>

namespace opscope {

// 58 bits of ticks above 6 bits of kind: 3.6 years of uptime at 2.5 GHz.
constexpr int kKindBits = 6;
constexpr uint64_t kKindMask = (1u << kKindBits) - 1;

enum class Kind : uint8_t {
  kBegin = 1,       // name                                  pushes
  kEnd = 2,         //                                       pops
  kEndAt = 3,       // stack index                           removes from the middle
  kBeginChild = 4,  // name, parent span id                  pushes
  kBeginSpan = 5,   // name | bracket << 32 | root << 33, span id, parent span id or 0    pushes
  kOpenSpan = 6,    // name | bracket << 32 | root << 33, span id, parent span id or 0
  kLeave = 7,       // span id                               removes; the span stays open
  kEndSpan = 8,     // span id                               removes if still there
  kFailSpan = 9,    // span id; as kEndSpan, the body threw or rejected
  kTimed =
      10,  // name | async << 32 | bracket << 33, start ns, end ns (CLOCK_MONOTONIC), span id, parent id or 0
  kAttribute = 11,  // key | type << 32 | byte count << 40, span id or 0 (innermost), value words
  kLink = 12,       // span id, trace id high, low, linked span id
  kTraceId = 13,    // span id, trace id high, low, remote parent span id or 0
  kMark = 14,       // name
  kCounter = 15,    // name, value (double)
  kUnseenEnd = 16,  // a bracket ended whose begin was not recorded
  kEnter = 17,      // span id or 0: from here the thread works for it
  kExit = 18,       //                                       ends the last kEnter
  kSpanMark = 19,   // name, span id that it belongs to
  kTimedMark = 20,  // name, ns (CLOCK_MONOTONIC)
};

constexpr uint64_t MakeHead(uint64_t ticks, Kind kind) noexcept {
  return ticks << kKindBits | static_cast<uint64_t>(kind);
}
constexpr Kind KindOf(uint64_t head) noexcept { return static_cast<Kind>(head & kKindMask); }
constexpr uint64_t TicksOf(uint64_t head) noexcept { return head >> kKindBits; }

// Words of a record with its head; kAttribute adds its value words (RecordWords).
constexpr uint32_t WordsOf(Kind kind) noexcept {
  switch (kind) {
    case Kind::kEnd:
    case Kind::kUnseenEnd:
    case Kind::kExit:
      return 1;
    case Kind::kBegin:
    case Kind::kEndAt:
    case Kind::kLeave:
    case Kind::kEndSpan:
    case Kind::kFailSpan:
    case Kind::kMark:
    case Kind::kEnter:
      return 2;
    case Kind::kBeginChild:
    case Kind::kCounter:
    case Kind::kAttribute:
    case Kind::kSpanMark:
    case Kind::kTimedMark:
      return 3;
    case Kind::kBeginSpan:
    case Kind::kOpenSpan:
      return 4;
    case Kind::kLink:
    case Kind::kTraceId:
      return 5;
    case Kind::kTimed:
      return 6;
  }
  return 0;
}

inline uint32_t RecordWords(const uint64_t* record) noexcept {
  const Kind kind = KindOf(record[0]);
  if (kind != Kind::kAttribute) return WordsOf(kind);
  return WordsOf(kind) + (static_cast<uint32_t>(record[1] >> 40) + 7) / 8;
}

// Whether the word behind the head is the id of a name: of what a session keeps or leaves out.
constexpr bool HasName(Kind kind) noexcept {
  switch (kind) {
    case Kind::kBegin:
    case Kind::kBeginChild:
    case Kind::kBeginSpan:
    case Kind::kOpenSpan:
    case Kind::kTimed:
    case Kind::kMark:
    case Kind::kSpanMark:
    case Kind::kTimedMark:
    case Kind::kCounter:
      return true;
    default:
      return false;
  }
}

// A name id carries its category, so that the hot path tests the gate without
// looking the name up: bits 0-26 index, bits 27-30 category.
constexpr int kNameIndexBits = 27;
constexpr uint32_t kNameIndexMask = (1u << kNameIndexBits) - 1;
constexpr uint32_t NameIndexOf(uint64_t name_id) noexcept {
  return static_cast<uint32_t>(name_id) & kNameIndexMask;
}
constexpr uint32_t CategoryBit(uint32_t name_id) noexcept { return 1u << (name_id >> kNameIndexBits); }

// Text of an attribute beyond this is cut: it is stored in the thread's log.
constexpr uint32_t kMaxAttributeBytes = 4096;

}  // namespace opscope
