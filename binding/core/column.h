// One column of a recording: a fixed-size block of plain values.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace opscope {

// Large columns lie on huge pages where the system has them: filling 1e7 rows
// otherwise spends half its time in page faults. Null when memory is out.
inline void* AllocateColumn(size_t bytes) noexcept {
  constexpr size_t kHugePage = 2u << 20;
  if (bytes < 2 * kHugePage) return std::malloc(bytes == 0 ? 1 : bytes);
  const size_t rounded = (bytes + kHugePage - 1) & ~(kHugePage - 1);
  void* memory = std::aligned_alloc(kHugePage, rounded);
#ifdef MADV_HUGEPAGE
  if (memory != nullptr) madvise(memory, rounded, MADV_HUGEPAGE);
#endif
  return memory;
}

// Unlike std::vector, growing the size does not zero the memory: a merge fills
// every value itself, and zeroing 1e7 rows first costs a quarter of the merge.
// Not thread-safe; movable, not copyable.
template <typename T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Column() noexcept = default;
  explicit Column(size_t size) { Reset(size); }
  Column(Column&& other) noexcept { swap(other); }
  Column& operator=(Column&& other) noexcept {
    swap(other);
    return *this;
  }
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;
  ~Column() { std::free(data_); }

  // Drops the content; the new values are not initialised.
  void Reset(size_t size) {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
    Grow(size);
    size_ = size;
  }
  void Fill(T value) {
    for (size_t i = 0; i < size_; ++i) data_[i] = value;
  }
  void Append(T value) {
    if (size_ == capacity_) Grow(capacity_ < 64 ? 64 : capacity_ * 2);
    data_[size_++] = value;
  }
  // Shrinks (or, within the capacity, grows) the visible size.
  void Truncate(size_t size) noexcept { size_ = size; }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](size_t i) noexcept { return data_[i]; }
  const T& operator[](size_t i) const noexcept { return data_[i]; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size_; }

 private:
  void Grow(size_t capacity) {
    if (capacity <= capacity_) return;
    void* grown = AllocateColumn(capacity * sizeof(T));
    if (grown == nullptr) throw std::bad_alloc();
    if (size_ != 0) std::memcpy(grown, static_cast<const void*>(data_), size_ * sizeof(T));
    std::free(data_);
    data_ = static_cast<T*>(grown);
    capacity_ = capacity;
  }
  void swap(Column& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace opscope
