// Columns <-> typed arrays.
#pragma once

#include <napi.h>

#include <cstring>
#include <memory>

#include "core/column.h"

namespace opscope {

// A typed array over memory that `owner` keeps alive: no copy. It begins after
// `skip` elements, which its buffer has all the same. The empty one has memory
// of its own, as a null pointer cannot be shared.
template <typename Owner>
Napi::Value ShareColumn(Napi::Env env, const void* data, size_t count, size_t element_bytes,
                        napi_typedarray_type type, const std::shared_ptr<Owner>& owner, size_t skip = 0) {
  napi_value buffer;
  if (count == 0) {
    buffer = Napi::ArrayBuffer::New(env, 0);
  } else {
    auto* keep = new std::shared_ptr<Owner>(owner);
    buffer = Napi::ArrayBuffer::New(
        env, const_cast<void*>(data), count * element_bytes,
        [](Napi::Env, void*, std::shared_ptr<Owner>* held) { delete held; }, keep);
  }
  napi_value array;
  napi_create_typedarray(env, type, count - skip, buffer, skip * element_bytes, &array);
  return Napi::Value(env, array);
}

// A new typed array of `count` values made by `value_of(i)`.
template <typename Array, typename ValueOf>
Napi::Value MakeArray(Napi::Env env, size_t count, ValueOf value_of) {
  Array array = Array::New(env, count);
  for (size_t i = 0; i < count; ++i) array[i] = value_of(i);
  return array;
}

// The values of a typed array property; empty if it is absent or of another type.
template <typename T, typename From = T>
Column<T> ReadColumn(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (!value.IsTypedArray()) return {};
  const auto array = value.As<Napi::TypedArray>();
  if (array.ElementSize() != sizeof(From)) return {};
  const char* bytes = static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  Column<T> column(array.ElementLength());
  for (size_t i = 0; i < column.size(); ++i) {
    From from;
    std::memcpy(&from, bytes + i * sizeof(From), sizeof(From));
    column[i] = static_cast<T>(from);
  }
  return column;
}

}  // namespace opscope
