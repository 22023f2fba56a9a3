#include "xplane_lines.h"

namespace opscope::xplane {

void Ages::Reset(int64_t first_ns, int64_t last_ns) {
  bytes_.fill(0);
  before_ = after_ = 0;
  first_ns_ = first_ns;
  const auto length = static_cast<uint64_t>(std::max(last_ns, first_ns) - first_ns);
  for (shift_ = 0; length >> shift_ >= kSlots;) ++shift_;
}

bool Ages::FindLimit(uint64_t room, int64_t* first_ns, int64_t* last_ns, uint64_t* taken) const noexcept {
  *taken = after_;
  for (size_t slot = kSlots; slot-- > 0;) {
    if (*taken + bytes_[slot] > room) {
      *first_ns = first_ns_ + static_cast<int64_t>(slot << shift_);
      *last_ns = first_ns_ + static_cast<int64_t>((slot + 1) << shift_) - 1;
      return true;
    }
    *taken += bytes_[slot];
  }
  if (*taken + before_ <= room) return false;
  *first_ns = *last_ns = first_ns_ - 1;
  return true;
}

void EventWriter::Finish() {
  const size_t head_bytes = 1 + wire::VarintSize(event_.size());
  Count(head_bytes + event_.size());
  if (sink_ == nullptr) return;
  uint8_t* p = sink_->Room(1 + wire::kMaxVarint);
  *p++ = wire::Tag(line::kEvents, wire::Type::kBytes);
  sink_->Advance(wire::PutVarint(p, event_.size()));
  sink_->Append(event_.data(), event_.size());
}

}  // namespace opscope::xplane
