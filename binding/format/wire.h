// The protobuf wire format, both ways: shared by every protobuf file we write
// or read. No descriptors, no reflection: callers name field numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace opscope::wire {

enum class Type : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr size_t kMaxVarint = 10;

constexpr uint32_t Tag(uint32_t field, Type type) noexcept {
  return field << 3 | static_cast<uint32_t>(type);
}

constexpr size_t VarintSize(uint64_t value) noexcept {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

inline uint8_t* PutVarint(uint8_t* p, uint64_t value) noexcept {
  while (value >= 0x80) {
    *p++ = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  *p++ = static_cast<uint8_t>(value);
  return p;
}

// As PutVarint, without a branch on the length while the value fits in 28 bits:
// the length of a time difference changes from event to event, and a wrong
// guess costs more than the arithmetic. Writes up to 4 bytes past the result.
inline uint8_t* PutVarintFast(uint8_t* p, uint64_t value) noexcept {
  if (value >= (1u << 28)) return PutVarint(p, value);
  const auto v = static_cast<uint32_t>(value);
  const uint32_t extra = (v >= (1u << 7)) + (v >= (1u << 14)) + (v >= (1u << 21));
  uint32_t bytes = (v & 0x7f) | (v << 1 & 0x7f00) | (v << 2 & 0x7f0000) | (v << 3 & 0x7f000000);
  bytes |= 0x80808080u & ((1u << (extra * 8)) - 1);
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) bytes = __builtin_bswap32(bytes);
  std::memcpy(p, &bytes, sizeof bytes);
  return p + extra + 1;
}

// Builds one message in a buffer that is used again after Clear.
// Not thread-safe; movable nowhere, copyable nowhere.
class Writer {
 public:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { std::free(data_); }

  void Clear() noexcept { size_ = 0; }
  const uint8_t* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  void Varint(uint32_t field, uint64_t value) {
    uint8_t* p = PutVarint(Room(2 * kMaxVarint), Tag(field, Type::kVarint));
    SetEnd(PutVarint(p, value));
  }
  // int32, int64, enum and bool: negative values take ten bytes.
  void Int(uint32_t field, int64_t value) { Varint(field, static_cast<uint64_t>(value)); }
  void Fixed64(uint32_t field, uint64_t value) {
    uint8_t* p = PutVarint(Room(kMaxVarint + 8), Tag(field, Type::kFixed64));
    for (int i = 0; i < 8; ++i) *p++ = static_cast<uint8_t>(value >> (8 * i));
    SetEnd(p);
  }
  void Double(uint32_t field, double value) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    Fixed64(field, bits);
  }
  void Bytes(uint32_t field, const void* bytes, size_t size) {
    uint8_t* p = PutVarint(Room(2 * kMaxVarint + size), Tag(field, Type::kBytes));
    p = PutVarint(p, size);
    if (size != 0) std::memcpy(p, bytes, size);
    SetEnd(p + size);
  }
  void String(uint32_t field, std::string_view text) { Bytes(field, text.data(), text.size()); }
  // A value of a packed field, between Open and Close.
  void Packed(uint64_t value) { SetEnd(PutVarint(Room(kMaxVarint), value)); }
  // Fields that another writer made.
  void Raw(const void* bytes, size_t size) {
    uint8_t* p = Room(size);
    if (size != 0) std::memcpy(p, bytes, size);
    SetEnd(p + size);
  }
  void Message(uint32_t field, const Writer& message) { Bytes(field, message.data(), message.size()); }

  // A nested message written in place; Close takes what Open returned.
  size_t Open(uint32_t field) {
    uint8_t* p = PutVarint(Room(kMaxVarint + 1), Tag(field, Type::kBytes));
    *p++ = 0;
    SetEnd(p);
    return size_;
  }
  void Close(size_t opened) {
    const size_t length = size_ - opened;
    if (length < 0x80) {
      data_[opened - 1] = static_cast<uint8_t>(length);
      return;
    }
    const size_t more = VarintSize(length) - 1;
    Room(more);
    std::memmove(data_ + opened + more, data_ + opened, length);
    PutVarint(data_ + opened - 1, length);
    size_ += more;
  }

 private:
  uint8_t* Room(size_t size) {
    if (capacity_ - size_ < size) {
      size_t capacity = capacity_ < 256 ? 512 : capacity_ * 2;
      if (capacity < size_ + size) capacity = size_ + size;
      void* grown = std::realloc(data_, capacity);
      if (grown == nullptr) throw std::bad_alloc();
      data_ = static_cast<uint8_t*>(grown);
      capacity_ = capacity;
    }
    return data_ + size_;
  }
  void SetEnd(const uint8_t* end) noexcept { size_ = static_cast<size_t>(end - data_); }

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Returns null where the varint is cut or longer than ten bytes.
inline const uint8_t* GetVarint(const uint8_t* p, const uint8_t* end, uint64_t* value) noexcept {
  if (p < end && *p < 0x80) {
    *value = *p;
    return p + 1;
  }
  uint64_t result = 0;
  for (unsigned shift = 0; shift < 70 && p < end; shift += 7) {
    const uint8_t byte = *p++;
    result |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) {
      *value = result;
      return p;
    }
  }
  return nullptr;
}

// Walks the fields of one message. Trusts nothing: a length beyond the end, an
// unknown wire type or field number 0 ends the walk as damaged.
class Reader {
 public:
  Reader(const uint8_t* data, size_t size) noexcept : p_(data), end_(data + size) {}
  explicit Reader(std::string_view bytes) noexcept
      : Reader(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) {}

  // False at the end of the message and on damage.
  bool Next() noexcept {
    if (p_ == end_) return false;
    uint64_t tag;
    const uint8_t* p = GetVarint(p_, end_, &tag);
    if (p == nullptr || tag >> 3 == 0 || tag >> 32 != 0) return Fail();
    field_ = static_cast<uint32_t>(tag >> 3);
    type_ = static_cast<Type>(tag & 7);
    switch (type_) {
      case Type::kVarint:
        p = GetVarint(p, end_, &value_);
        if (p == nullptr) return Fail();
        break;
      case Type::kFixed64:
        if (end_ - p < 8) return Fail();
        value_ = Little(p, 8);
        p += 8;
        break;
      case Type::kFixed32:
        if (end_ - p < 4) return Fail();
        value_ = Little(p, 4);
        p += 4;
        break;
      case Type::kBytes: {
        uint64_t size;
        p = GetVarint(p, end_, &size);
        if (p == nullptr || size > static_cast<uint64_t>(end_ - p)) return Fail();
        bytes_ = {reinterpret_cast<const char*>(p), static_cast<size_t>(size)};
        value_ = 0;
        p += size;
        break;
      }
      default:
        return Fail();
    }
    p_ = p;
    return true;
  }

  uint32_t field() const noexcept { return field_; }
  Type type() const noexcept { return type_; }
  // Of varint and fixed fields; 0 for bytes.
  uint64_t value() const noexcept { return value_; }
  int64_t signed_value() const noexcept { return static_cast<int64_t>(value_); }
  double real() const noexcept {
    double number;
    std::memcpy(&number, &value_, sizeof number);
    return number;
  }
  // Of bytes fields; empty for the others.
  std::string_view bytes() const noexcept { return type_ == Type::kBytes ? bytes_ : std::string_view(); }
  bool damaged() const noexcept { return damaged_; }

 private:
  bool Fail() noexcept {
    damaged_ = true;
    p_ = end_;
    return false;
  }
  static uint64_t Little(const uint8_t* p, int size) noexcept {
    uint64_t value = 0;
    for (int i = 0; i < size; ++i) value |= static_cast<uint64_t>(p[i]) << (8 * i);
    return value;
  }

  const uint8_t* p_;
  const uint8_t* end_;
  std::string_view bytes_;
  uint64_t value_ = 0;
  uint32_t field_ = 0;
  Type type_ = Type::kVarint;
  bool damaged_ = false;
};

}  // namespace opscope::wire
