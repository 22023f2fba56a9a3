#include "xplane_tables.h"

namespace opscope::xplane {

uint32_t StatTable::IdOf(std::string_view text) {
  const auto known = by_text_.find(text);
  if (known != by_text_.end()) return known->second;
  const auto id = static_cast<uint32_t>(by_text_.size() + 1);
  by_text_.emplace(text, id);
  const size_t entry = bytes_.Open(plane::kStatMetadata);
  bytes_.Varint(map_entry::kKey, id);
  const size_t value = bytes_.Open(map_entry::kValue);
  bytes_.Varint(metadata::kId, id);
  bytes_.String(metadata::kName, text);
  bytes_.Close(value);
  bytes_.Close(entry);
  return id;
}

void StatTable::Clear() {
  by_name_.fill(0);
  by_text_.clear();
  bytes_.Clear();
}

uint32_t EventTable::Add(std::string_view name, std::string_view display_name, const wire::Writer* stats) {
  const uint32_t id = ++count_;
  const size_t entry = bytes_.Open(plane::kEventMetadata);
  bytes_.Varint(map_entry::kKey, id);
  const size_t value = bytes_.Open(map_entry::kValue);
  bytes_.Varint(metadata::kId, id);
  bytes_.String(metadata::kName, name);
  if (!display_name.empty() && display_name != name) bytes_.String(metadata::kDisplayName, display_name);
  if (stats != nullptr) bytes_.Raw(stats->data(), stats->size());
  bytes_.Close(value);
  bytes_.Close(entry);
  return id;
}

void EventTable::Clear() {
  count_ = 0;
  bytes_.Clear();
}

namespace {

// An XStat, whose one value `put` writes into it.
template <typename Put>
void PutStat(wire::Writer* out, uint32_t field, uint32_t stat, Put put) {
  const size_t opened = out->Open(field);
  out->Varint(stat::kMetadataId, stat);
  put();
  out->Close(opened);
}

}  // namespace

void PutUint(wire::Writer* out, uint32_t field, uint32_t stat, uint64_t value) {
  PutStat(out, field, stat, [&] { out->Varint(stat::kUint64, value); });
}
void PutInt(wire::Writer* out, uint32_t field, uint32_t stat, int64_t value) {
  PutStat(out, field, stat, [&] { out->Int(stat::kInt64, value); });
}
void PutDouble(wire::Writer* out, uint32_t field, uint32_t stat, double value) {
  PutStat(out, field, stat, [&] { out->Double(stat::kDouble, value); });
}
void PutString(wire::Writer* out, uint32_t field, uint32_t stat, std::string_view value) {
  PutStat(out, field, stat, [&] { out->String(stat::kString, value); });
}
void PutRef(wire::Writer* out, uint32_t field, uint32_t stat, uint32_t id) {
  PutStat(out, field, stat, [&] { out->Varint(stat::kRef, id); });
}

}  // namespace opscope::xplane
