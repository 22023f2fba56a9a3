#include "perfetto_packet.h"

#include <algorithm>

#include "perfetto_schema.h"

namespace opscope {

bool EventView::Parse(std::string_view bytes) noexcept {
  using namespace perfetto;
  wire::Reader in(bytes);
  while (in.Next()) {
    switch (in.field()) {
      case event::kType:
        type = in.value();
        break;
      case event::kNameIid:
        name_iid = in.value();
        break;
      case event::kCategoryIids:
        // Not packed in proto2; the first of several is taken.
        if (category_iid == 0) category_iid = in.value();
        break;
      case event::kTrackUuid:
        track_uuid = in.value();
        has_track = true;
        break;
      case event::kAnnotations:
        has_annotations = true;
        break;
      case event::kName:
        name = in.bytes();
        break;
      case event::kCategories:
        if (category.empty()) category = in.bytes();
        break;
      case event::kCounterValue:
        counter = static_cast<double>(in.signed_value());
        break;
      case event::kDoubleCounterValue:
        counter = in.real();
        break;
      case event::kCorrelationId:
        correlation_id = in.value();
        break;
      default:
        break;
    }
  }
  return !in.damaged();
}

void AnnotationView::Parse(std::string_view bytes) noexcept {
  using namespace perfetto;
  wire::Reader in(bytes);
  while (in.Next()) {
    const auto set = [&](Kind k) {
      kind = k;
      value = in.value();
      text = in.bytes();
    };
    switch (in.field()) {
      case annotation::kNameIid:
        name_iid = in.value();
        break;
      case annotation::kName:
        name = in.bytes();
        break;
      case annotation::kBool:
        set(Kind::kBool);
        break;
      case annotation::kUint:
      case annotation::kPointer:
        set(Kind::kUint);
        break;
      case annotation::kInt:
        set(Kind::kInt);
        break;
      case annotation::kDouble:
        set(Kind::kDouble);
        break;
      case annotation::kString:
        set(Kind::kString);
        break;
      case annotation::kStringIid:
        set(Kind::kStringIid);
        break;
      default:
        break;
    }
  }
}

uint64_t AnnotationView::NumberOf(std::string_view event, std::string_view name) noexcept {
  wire::Reader in(event);
  while (in.Next()) {
    if (in.field() != perfetto::event::kAnnotations) continue;
    AnnotationView note;
    note.Parse(in.bytes());
    if (note.name == name) return note.value;
  }
  return 0;
}

double AnnotationView::real() const noexcept {
  double number;
  std::memcpy(&number, &value, sizeof number);
  return number;
}

uint32_t NumberTable::Find(uint64_t number) const noexcept {
  if (number < dense_.size()) return dense_[static_cast<size_t>(number)];
  return sparse_.empty() ? kAbsent : sparse_.front().Find(number);
}

void NumberTable::Set(uint64_t number, uint32_t index) {
  // Once a number went to the map the array grows no more, or Find would look
  // for it in the array.
  ++count_;
  if (number < dense_.size()) {
    dense_[static_cast<size_t>(number)] = index;
  } else if (sparse_.empty() && number <= 64 + 2 * count_) {
    dense_.resize(std::max(static_cast<size_t>(number) + 16, dense_.capacity()), kAbsent);
    dense_[static_cast<size_t>(number)] = index;
  } else {
    if (sparse_.empty()) sparse_.emplace_back();
    sparse_.front().FindOrInsert(number, index);
  }
}

void NumberTable::Clear() {
  dense_.clear();
  sparse_.clear();
  count_ = 0;
}

}  // namespace opscope
