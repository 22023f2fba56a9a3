// FlatBuffers, as far as Arrow's metadata needs them: tables of scalars,
// references, strings and vectors (flatbuffers.dev/internals).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace opscope {

// Built from its end to its front, since a reference points forwards: inner parts
// first. Not thread-safe.
class FlatBuffer {
 public:
  // Where a finished part begins, counted from the end.
  using Ref = uint32_t;

  FlatBuffer() : bytes_(1024) {}
  // Ready for another whole.
  void Clear() noexcept { size_ = 0; }

  Ref String(std::string_view text);
  Ref Refs(const std::vector<Ref>& refs);
  // A vector of structs as they lie in memory, or of scalars; `align` at most 8.
  Ref Structs(const void* structs, size_t count, size_t bytes_each, size_t align);

  // A table: StartTable, any of the two with the number of the field in its schema, EndTable.
  void StartTable();
  template <typename T>
  void Scalar(uint16_t field, T value) {
    Push(value);
    fields_.emplace_back(field, size_);
  }
  void Child(uint16_t field, Ref ref) {
    PushRef(ref);
    fields_.emplace_back(field, size_);
  }
  Ref EndTable();

  // The whole, a multiple of 8 bytes; valid until Clear or any other call.
  std::string_view Finish(Ref root);

 private:
  // Room such that what follows the next `size` bytes is a multiple of `align` from the end.
  void Align(size_t align, size_t size);
  uint8_t* Grow(size_t size);
  template <typename T>
  void Push(T value) {
    Align(sizeof(T), sizeof(T));
    std::memcpy(Grow(sizeof(T)), &value, sizeof(T));
  }
  void PushRef(Ref ref) {
    Align(4, 4);
    Push(static_cast<uint32_t>(size_ + 4 - ref));
  }

  std::vector<uint8_t> bytes_;  // the last size_ of them are in use
  uint32_t size_ = 0;
  uint32_t table_start_ = 0;
  std::vector<std::pair<uint16_t, uint32_t>> fields_;
};

}  // namespace opscope
