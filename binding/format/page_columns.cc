#include "page_columns.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "json_text.h"
#include "wire.h"

namespace opscope {

namespace {

constexpr size_t kBatch = 4096;
static_assert((kBatch + 1) * wire::kMaxVarint <= ByteSink::kMaxRoom);

uint64_t Zigzag(int64_t value) noexcept {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}

// A time less than nothing would be read as one of ages.
uint64_t Length(int64_t start_ns, int64_t end_ns) noexcept {
  return static_cast<uint64_t>(std::max<int64_t>(end_ns - start_ns, 0));
}

// Not thread-safe.
class Packer {
 public:
  Packer(ByteSink* sink, std::vector<PackedColumn>* columns) : sink_(sink), columns_(columns) {}

  template <typename ValueOf>
  void Varint(const char* path, size_t count, ValueOf value_of) {
    Put(path, "varint", count, value_of);
  }
  template <typename ValueOf>
  void Delta(const char* path, size_t count, ValueOf value_of) {
    Put(path, "delta", count, [value_of, before = uint64_t{0}](size_t i) mutable {
      const auto value = static_cast<uint64_t>(static_cast<int64_t>(value_of(i)));
      const auto difference = static_cast<int64_t>(value - before);
      before = value;
      return Zigzag(difference);
    });
  }
  template <typename ValueOf>
  void Below(const char* path, size_t count, ValueOf value_of) {
    Put(path, "below", count, [value_of](size_t i) {
      const int64_t value = value_of(i);
      return value < 0 ? 0 : Zigzag(static_cast<int64_t>(i) - value);
    });
  }
  template <typename ValueOf>
  void Bytes(const char* path, size_t count, ValueOf value_of) {
    Fixed<1>(path, "bytes", count,
             [value_of](uint8_t* p, size_t i) { *p = static_cast<uint8_t>(value_of(i)); });
  }
  template <typename ValueOf>
  void Float64(const char* path, size_t count, ValueOf value_of) {
    Fixed<8>(path, "float64", count, [value_of](uint8_t* p, size_t i) {
      uint64_t bits;
      const double value = value_of(i);
      std::memcpy(&bits, &value, sizeof bits);
      for (int byte = 0; byte < 8; ++byte) p[byte] = static_cast<uint8_t>(bits >> (8 * byte));
    });
  }

 private:
  template <typename ValueOf>
  void Put(const char* path, const char* encoding, size_t count, ValueOf value_of) {
    const uint64_t before = sink_->bytes();
    for (size_t i = 0; i < count && !sink_->failed();) {
      uint8_t* p = sink_->Room((kBatch + 1) * wire::kMaxVarint);
      for (const size_t end = std::min(count, i + kBatch); i < end; ++i)
        p = wire::PutVarintFast(p, value_of(i));
      sink_->Advance(p);
    }
    columns_->push_back({path, encoding, count, sink_->bytes() - before});
  }
  template <size_t kSize, typename PutOne>
  void Fixed(const char* path, const char* encoding, size_t count, PutOne put_one) {
    for (size_t i = 0; i < count && !sink_->failed();) {
      uint8_t* p = sink_->Room(kBatch * kSize);
      for (const size_t end = std::min(count, i + kBatch); i < end; ++i, p += kSize) put_one(p, i);
      sink_->Advance(p);
    }
    columns_->push_back({path, encoding, count, count * kSize});
  }

  ByteSink* sink_;
  std::vector<PackedColumn>* columns_;
};

// The texts that the page shows, numbered in the order of their first use.
// Not thread-safe.
class Texts {
 public:
  Texts(const std::vector<std::string>& recorded, std::vector<std::string>* texts)
      : recorded_(recorded), texts_(texts), places_(recorded.size(), kAbsent) {}

  // A text of the recording, whatever it takes.
  uint32_t Name(uint32_t string) {
    if (places_[string] == kAbsent) places_[string] = Add(recorded_[string]);
    return places_[string];
  }
  // The same for an attribute, within the limit.
  bool Attribute(uint32_t string, uint32_t* place) {
    if (places_[string] == kAbsent && !Fits(recorded_[string])) return false;
    *place = Name(string);
    return true;
  }
  bool Number(const std::string& text, uint32_t* place) {
    const auto known = numbers_.find(text);
    if (known != numbers_.end()) {
      *place = known->second;
      return true;
    }
    if (!Fits(text)) return false;
    *place = numbers_[text] = Add(text);
    return true;
  }

 private:
  static constexpr uint32_t kAbsent = UINT32_MAX;

  bool Fits(std::string_view text) noexcept {
    if (text.size() > kMostPageTextBytes - attribute_bytes_) return false;
    attribute_bytes_ += text.size();
    return true;
  }
  uint32_t Add(const std::string& text) {
    texts_->push_back(text);
    return static_cast<uint32_t>(texts_->size() - 1);
  }

  const std::vector<std::string>& recorded_;
  std::vector<std::string>* texts_;
  std::vector<uint32_t> places_;
  std::unordered_map<std::string, uint32_t> numbers_;
  size_t attribute_bytes_ = 0;
};

// As JavaScript's String() has it.
std::string NumberText(const AttributeRow& attribute) {
  std::string text;
  if (attribute.type == AttributeType::kBool) return attribute.integer != 0 ? "true" : "false";
  if (attribute.type == AttributeType::kInt) {
    AppendInteger(attribute.integer, &text);
  } else if (std::isfinite(attribute.number)) {
    AppendScriptNumber(attribute.number, &text);
  } else {
    text = std::isnan(attribute.number) ? "NaN" : attribute.number < 0 ? "-Infinity" : "Infinity";
  }
  return text;
}

struct ShownAttribute {
  uint32_t row, key, value;
};
std::vector<ShownAttribute> ShownAttributes(const Recording& recording, Texts* texts) {
  std::vector<ShownAttribute> shown;
  for (const AttributeRow& attribute : recording.attributes) {
    if (shown.size() == kMostPageAttributes) break;
    ShownAttribute one = {attribute.row, 0, 0};
    if (!texts->Attribute(attribute.key, &one.key)) continue;
    const bool fits = attribute.type == AttributeType::kString
                          ? texts->Attribute(static_cast<uint32_t>(attribute.integer), &one.value)
                          : texts->Number(NumberText(attribute), &one.value);
    if (fits) shown.push_back(one);
  }
  return shown;
}

void PackSpans(const Recording& r, Packer* pack) {
  const SpanColumns& spans = r.spans;
  const size_t rows = spans.size();
  pack->Delta("spans.startNs", rows, [&](size_t i) { return spans.start_ns[i]; });
  pack->Varint("spans.durationNs", rows, [&](size_t i) { return Length(0, spans.duration_ns[i]); });
  pack->Varint("spans.name", rows, [&](size_t i) { return spans.name[i]; });
  pack->Below("spans.parent", rows, [&](size_t i) { return spans.parent[i]; });
  pack->Bytes("spans.flags", rows, [&](size_t i) { return spans.flags[i]; });
  pack->Delta("returns.row", r.asyncs.size(), [&](size_t i) { return r.asyncs[i].row; });
  pack->Delta("returns.atNs", r.asyncs.size(), [&](size_t i) { return r.asyncs[i].return_ns; });
}

void PackLaunches(const Recording& r, Texts* texts, Packer* pack) {
  const auto& rows = r.launches;
  const size_t count = rows.size();
  pack->Delta("launches.startNs", count, [&](size_t i) { return rows[i].start_ns; });
  pack->Varint("launches.durationNs", count,
               [&](size_t i) { return Length(rows[i].start_ns, rows[i].end_ns); });
  pack->Varint("launches.name", count, [&](size_t i) { return texts->Name(rows[i].name); });
  pack->Varint("launches.thread", count, [&](size_t i) { return rows[i].thread; });
  pack->Delta("launches.span", count, [&](size_t i) { return rows[i].span; });
}

void PackGpu(const Recording& r, Texts* texts, Packer* pack) {
  const auto& rows = r.gpu;
  const size_t count = rows.size();
  pack->Delta("gpu.startNs", count, [&](size_t i) { return rows[i].start_ns; });
  pack->Varint("gpu.durationNs", count, [&](size_t i) { return Length(rows[i].start_ns, rows[i].end_ns); });
  pack->Bytes("gpu.kind", count, [&](size_t i) { return rows[i].kind; });
  pack->Varint("gpu.name", count, [&](size_t i) { return texts->Name(rows[i].name); });
  pack->Varint("gpu.device", count, [&](size_t i) { return rows[i].device; });
  pack->Varint("gpu.context", count, [&](size_t i) { return rows[i].context; });
  pack->Varint("gpu.stream", count, [&](size_t i) { return rows[i].stream; });
  pack->Varint("gpu.bytes", count, [&](size_t i) { return rows[i].bytes; });
  pack->Bytes("gpu.from", count, [&](size_t i) { return rows[i].from; });
  pack->Bytes("gpu.to", count, [&](size_t i) { return rows[i].to; });
  pack->Delta("gpu.launch", count, [&](size_t i) { return rows[i].launch; });
  pack->Delta("gpu.span", count, [&](size_t i) { return rows[i].span; });
}

void PackCountersAndMarks(const Recording& r, Packer* pack) {
  const auto& counters = r.counters;
  pack->Varint("counters.thread", counters.size(), [&](size_t i) { return counters[i].thread; });
  pack->Varint("counters.name", counters.size(), [&](size_t i) { return counters[i].name; });
  pack->Delta("counters.atNs", counters.size(), [&](size_t i) { return counters[i].at_ns; });
  pack->Float64("counters.value", counters.size(), [&](size_t i) { return counters[i].value; });
  const auto& marks = r.marks;
  pack->Varint("marks.thread", marks.size(), [&](size_t i) { return marks[i].thread; });
  pack->Varint("marks.name", marks.size(), [&](size_t i) { return marks[i].name; });
  pack->Delta("marks.atNs", marks.size(), [&](size_t i) { return marks[i].at_ns; });
  pack->Delta("marks.span", marks.size(), [&](size_t i) { return marks[i].span; });
}

}  // namespace

Status WritePageColumns(const Recording& recording, ByteSink* sink, PageColumns* page) {
  Packer pack(sink, &page->columns);
  Texts texts(recording.strings, &page->strings);
  PackSpans(recording, &pack);
  PackLaunches(recording, &texts, &pack);
  PackGpu(recording, &texts, &pack);
  PackCountersAndMarks(recording, &pack);
  const std::vector<ShownAttribute> shown = ShownAttributes(recording, &texts);
  page->left_out_attributes = recording.attributes.size() - shown.size();
  pack.Delta("attributes.row", shown.size(), [&](size_t i) { return shown[i].row; });
  pack.Varint("attributes.key", shown.size(), [&](size_t i) { return shown[i].key; });
  pack.Varint("attributes.value", shown.size(), [&](size_t i) { return shown[i].value; });
  return sink->Finish();
}

}  // namespace opscope
