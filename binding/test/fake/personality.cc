#include "personality.h"

#include <charconv>

namespace fakegpu {
namespace {

constexpr std::string_view kNames[] = {"11.2", "11.8", "12.0", "12.4", "12.9", "13.0"};
constexpr size_t kReleases = std::size(kNames);
constexpr uint32_t kVersions[kReleases] = {14, 18, 18, 22, 28, 130001};

struct Row {
  uint32_t kind;
  uint16_t strides[kReleases];
};
constexpr Row kRows[] = {
    {1, {80, 88, 88, 88, 96, 96}},
    {2, {80, 88, 88, 88, 88, 88}},
    {3, {168, 200, 208, 208, 208, 216}},
    {4, {40, 40, 40, 40, 40, 40}},
    {5, {40, 40, 40, 40, 40, 40}},
    {8, {144, 176, 176, 184, 184, 184}},
    {9, {16, 16, 16, 24, 32, 32}},
    {10, {168, 200, 208, 208, 208, 216}},
    {11, {32, 32, 32, 32, 32, 32}},
    {12, {56, 56, 56, 56, 56, 56}},
    {13, {32, 32, 32, 32, 32, 40}},
    {17, {40, 40, 40, 56, 56, 56}},
    {18, {144, 144, 144, 144, 144, 144}},
    {20, {40, 40, 40, 40, 40, 40}},
    {22, {88, 96, 96, 96, 96, 96}},
    {25, {64, 64, 64, 64, 104, 104}},
    {26, {32, 32, 32, 32, 32, 32}},
    {27, {24, 24, 24, 24, 24, 24}},
    {36, {24, 24, 24, 24, 56, 56}},
    {37, {24, 24, 24, 24, 24, 24}},
    {38, {40, 40, 40, 40, 56, 56}},
    {39, {24, 24, 24, 24, 24, 24}},
    {45, {80, 80, 80, 80, 80, 80}},
    {48, {40, 40, 40, 40, 40, 40}},
    {49, {112, 120, 120, 120, 128, 128}},
    {50, {64, 72, 72, 72, 72, 80}},
    {51, {0, 48, 48, 56, 56, 56}},
    {52, {0, 64, 64, 72, 72, 72}},
    {53, {0, 0, 0, 0, 56, 56}},
    {54, {0, 0, 0, 0, 64, 64}},
    {55, {0, 0, 0, 0, 0, 32}},
};

}  // namespace

bool FindPersonality(std::string_view name, Personality* personality) {
  for (size_t release = 0; release < kReleases; ++release) {
    if (kNames[release] != name) continue;
    Personality found;
    found.name = name;
    found.version = kVersions[release];
    for (const Row& row : kRows) found.strides[row.kind] = row.strides[release];
    found.has_per_thread_buffers = found.version >= 21;
    found.per_thread_by_default = found.IsVersion13();
    *personality = found;
    return true;
  }
  return false;
}

bool PatchStrides(std::string_view text, Personality* personality) {
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const size_t colon = part.find(':');
    if (colon == std::string_view::npos) return false;
    uint32_t kind = 0;
    uint16_t stride = 0;
    const char* end = part.data() + part.size();
    if (std::from_chars(part.data(), part.data() + colon, kind).ptr != part.data() + colon) return false;
    if (std::from_chars(part.data() + colon + 1, end, stride).ptr != end) return false;
    if (kind >= kKindLimit || stride > 512) return false;
    personality->strides[kind] = stride;
  }
  return true;
}

}  // namespace fakegpu
