#include "flat_buffer.h"

#include <algorithm>
#include <bit>

namespace opscope {

static_assert(std::endian::native == std::endian::little,
              "FlatBuffers and Arrow are written as memory holds them");

uint8_t* FlatBuffer::Grow(size_t size) {
  if (size_ + size > bytes_.size()) {
    std::vector<uint8_t> grown(std::max(bytes_.size() * 2, size_ + size));
    std::copy(bytes_.end() - size_, bytes_.end(), grown.end() - size_);
    bytes_.swap(grown);
  }
  size_ += static_cast<uint32_t>(size);
  return bytes_.data() + bytes_.size() - size_;
}

void FlatBuffer::Align(size_t align, size_t size) {
  const size_t over = (size_ + size) % align;
  if (over != 0) std::memset(Grow(align - over), 0, align - over);
}

FlatBuffer::Ref FlatBuffer::String(std::string_view text) {
  Align(4, text.size() + 1 + 4);
  *Grow(1) = 0;
  if (!text.empty()) std::memcpy(Grow(text.size()), text.data(), text.size());
  Push(static_cast<uint32_t>(text.size()));
  return size_;
}

FlatBuffer::Ref FlatBuffer::Refs(const std::vector<Ref>& refs) {
  Align(4, refs.size() * 4 + 4);
  for (size_t i = refs.size(); i != 0; --i) PushRef(refs[i - 1]);
  Push(static_cast<uint32_t>(refs.size()));
  return size_;
}

FlatBuffer::Ref FlatBuffer::Structs(const void* structs, size_t count, size_t bytes_each, size_t align) {
  const size_t bytes = count * bytes_each;
  Align(std::max<size_t>(align, 4), bytes);
  if (bytes != 0) std::memcpy(Grow(bytes), structs, bytes);
  Push(static_cast<uint32_t>(count));
  return size_;
}

void FlatBuffer::StartTable() {
  fields_.clear();
  table_start_ = size_;
}

FlatBuffer::Ref FlatBuffer::EndTable() {
  Push(int32_t{0});  // becomes the way to the field positions
  const uint32_t table = size_;
  uint16_t count = 0;
  for (const auto& [field, at] : fields_) count = std::max<uint16_t>(count, static_cast<uint16_t>(field + 1));
  std::vector<uint16_t> positions(count);
  for (const auto& [field, at] : fields_) positions[field] = static_cast<uint16_t>(table - at);
  for (size_t i = positions.size(); i != 0; --i) Push(positions[i - 1]);
  Push(static_cast<uint16_t>(table - table_start_));
  Push(static_cast<uint16_t>((count + 2) * 2));
  const auto way = static_cast<int32_t>(size_ - table);
  std::memcpy(bytes_.data() + bytes_.size() - table, &way, sizeof way);
  return table;
}

std::string_view FlatBuffer::Finish(Ref root) {
  Align(8, 4);
  PushRef(root);
  return {reinterpret_cast<const char*>(bytes_.data()) + bytes_.size() - size_, size_};
}

}  // namespace opscope
