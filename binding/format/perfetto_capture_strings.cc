#include "perfetto_capture_strings.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "perfetto_schema.h"

namespace opscope {

using namespace perfetto;

void CapturedStrings::Add(std::string_view interned) {
  wire::Reader in(interned);
  while (in.Next()) {
    const uint32_t table = in.field();
    if (table != interned::kEventNames && table != interned::kAnnotationNames &&
        table != interned::kStrings) {
      continue;
    }
    const uint64_t first = table == interned::kEventNames        ? name_count_ + 1
                           : table == interned::kAnnotationNames ? kFirstKey
                                                                 : 1;
    uint64_t iid = 0;
    std::string_view text;
    wire::Reader entry(in.bytes());
    while (entry.Next()) {
      if (entry.field() == interned::kIid) iid = entry.value();
      if (entry.field() == interned::kText) text = entry.bytes();
    }
    if (iid >= first) AddString(iid - first, text);
  }
}

void CapturedStrings::AddString(uint64_t place, std::string_view text) {
  if (strings_.Find(place) != NumberTable::kAbsent) return;
  strings_.Set(place, static_cast<uint32_t>(rows_.strings.size()));
  rows_.strings.emplace_back(text);
  places_.push_back(place);
}

void CapturedStrings::PutInOrder() {
  if (std::is_sorted(places_.begin(), places_.end())) return;
  std::vector<uint32_t> order(places_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) { return places_[a] < places_[b]; });
  std::vector<std::string> strings(order.size());
  std::vector<uint32_t> moved(order.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    strings[i] = std::move(rows_.strings[order[i]]);
    moved[order[i]] = i;
  }
  rows_.strings = std::move(strings);
  for (AttributeRow& attribute : rows_.attributes) {
    attribute.key = moved[attribute.key];
    if (attribute.type == AttributeType::kString) {
      attribute.integer = moved[static_cast<size_t>(attribute.integer)];
    }
  }
  for (LaunchRow& launch : rows_.launches) launch.name = moved[launch.name];
  for (GpuRow& row : rows_.gpu) row.name = moved[row.name];
}

}  // namespace opscope
