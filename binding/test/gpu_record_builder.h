// Activity buffers as a given release of CUPTI would write them, for tests and
// benchmarks. Every byte that is not a field set here is poison, so that a
// reader that looks beyond a release's struct reads nonsense.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "gpu/cupti_abi.h"
#include "gpu/cupti_layout.h"

namespace opscope::gpu_test {

using gpu::RecordLayout;

// spec/cupti.md 2.2, measured with the real libraries.
struct StrideRow {
  uint32_t kind;
  uint16_t cuda_11_2, cuda_11_8, cuda_12_4, cuda_13_0;
};
constexpr StrideRow kStrides[] = {
    {1, 80, 88, 88, 96},      {2, 80, 88, 88, 88},     {3, 168, 200, 208, 216}, {4, 40, 40, 40, 40},
    {5, 40, 40, 40, 40},      {8, 144, 176, 184, 184}, {9, 16, 16, 24, 32},     {10, 168, 200, 208, 216},
    {11, 32, 32, 32, 32},     {12, 56, 56, 56, 56},    {13, 32, 32, 32, 40},    {17, 40, 40, 56, 56},
    {18, 144, 144, 144, 144}, {20, 40, 40, 40, 40},    {22, 88, 96, 96, 96},    {25, 64, 64, 64, 104},
    {26, 32, 32, 32, 32},     {27, 24, 24, 24, 24},    {36, 24, 24, 24, 56},    {37, 24, 24, 24, 24},
    {38, 40, 40, 40, 56},     {39, 24, 24, 24, 24},    {45, 80, 80, 80, 80},    {48, 40, 40, 40, 40},
    {49, 112, 120, 120, 128}, {50, 64, 72, 72, 80},    {51, 0, 48, 56, 56},     {52, 0, 64, 72, 72},
    {53, 0, 0, 0, 56},        {54, 0, 0, 0, 64},       {55, 0, 0, 0, 32},
};
inline RecordLayout LayoutOf(uint16_t StrideRow::*release) {
  RecordLayout::Strides strides{};
  for (const StrideRow& row : kStrides) strides[row.kind] = row.*release;
  return RecordLayout(strides);
}

struct Times {
  uint64_t start, end;
};

// Not thread-safe.
class BufferBuilder {
 public:
  explicit BufferBuilder(const RecordLayout& layout) : layout_(layout) {}

  // A record of poison but for its kind; Set fills it.
  BufferBuilder& Add(cupti::Kind kind) { return AddRaw(static_cast<uint32_t>(kind), layout_.StrideOf(kind)); }
  BufferBuilder& AddRaw(uint32_t kind, size_t bytes) {
    record_ = bytes_.size();
    bytes_.resize(bytes_.size() + bytes, 0xA5);
    return Set(cupti::kKindField, kind);
  }
  template <typename T>
  BufferBuilder& Set(cupti::Field<T> field, T value) {
    if (record_ + field.end() <= bytes_.size())
      std::memcpy(bytes_.data() + record_ + field.offset, &value, sizeof(T));
    return *this;
  }

  BufferBuilder& Kernel(const char* name, uint32_t correlation, Times times, uint32_t stream = 7) {
    namespace at = cupti::kernel;
    Add(cupti::Kind::kConcurrentKernel).Set(at::kName, name).Set(at::kCorrelation, correlation);
    Set(at::kStart, times.start)
        .Set(at::kEnd, times.end)
        .Set(at::kDevice, 0u)
        .Set(at::kContext, 1u)
        .Set(at::kStream, stream);
    Set(at::kGridX, 64u)
        .Set(at::kGridY, 2u)
        .Set(at::kGridZ, 1u)
        .Set(at::kBlockX, 256u)
        .Set(at::kBlockY, 1u)
        .Set(at::kBlockZ, 1u);
    Set(at::kStaticShared, 1024u)
        .Set(at::kDynamicShared, 2048u)
        .Set(at::kExecutedShared, 65536u)
        .Set(at::kLocalPerThread, 16u);
    Set(at::kRegisters, uint16_t{40}).Set(at::kQueued, uint64_t{0}).Set(at::kSubmitted, uint64_t{0});
    return Set(at::kGraphNode, uint64_t{0}).Set(at::kGraph, 0u);
  }
  BufferBuilder& Call(cupti::Kind domain, uint32_t id, uint32_t correlation, Times times,
                      uint32_t thread = 100) {
    namespace at = cupti::api;
    Add(domain)
        .Set(at::kId, id)
        .Set(at::kCorrelation, correlation)
        .Set(at::kStart, times.start)
        .Set(at::kEnd, times.end);
    return Set(at::kProcess, 1u).Set(at::kThread, thread).Set(at::kReturnValue, 0u);
  }
  BufferBuilder& Copy(uint8_t direction, uint8_t from, uint8_t to, uint64_t bytes, uint32_t correlation,
                      Times times) {
    namespace at = cupti::copy;
    Add(cupti::Kind::kMemcpy)
        .Set(at::kDirection, direction)
        .Set(at::kFrom, from)
        .Set(at::kTo, to)
        .Set(at::kBytes, bytes);
    Set(at::kStart, times.start).Set(at::kEnd, times.end).Set(at::kCorrelation, correlation);
    return Set(at::kDevice, 0u).Set(at::kContext, 1u).Set(at::kStream, 7u);
  }

  uint8_t* data() { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  RecordLayout layout_;
  std::vector<uint8_t> bytes_;  // malloc'd, so 16-aligned and with ASan's guard right behind
  size_t record_ = 0;
};

}  // namespace opscope::gpu_test
