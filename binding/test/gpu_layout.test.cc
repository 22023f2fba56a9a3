#include "doctest.h"
#include "gpu/cupti_layout.h"
#include "test/gpu_record_builder.h"

using namespace opscope;
using gpu::RecordLayout;
using gpu_test::LayoutOf;
using gpu_test::StrideRow;

namespace {

// A library's walker, with the record sizes of a release.
RecordLayout g_layout;
cupti::Result NextRecord(uint8_t* buffer, size_t valid_bytes, uint8_t** record) {
  if (buffer == nullptr) return cupti::kInvalidParameter;
  size_t at = 0;
  if (*record != nullptr)
    at = static_cast<size_t>(*record - buffer) + g_layout.StrideOf(cupti::Load(*record, cupti::kKindField));
  if (valid_bytes - at < 8) return cupti::kMaxLimitReached;
  const size_t stride = g_layout.StrideOf(cupti::Load(buffer + at, cupti::kKindField));
  if (stride == 0) return cupti::kInvalidKind;
  if (stride > valid_bytes - at) return cupti::kMaxLimitReached;
  *record = buffer + at;
  return cupti::kSuccess;
}

}  // namespace

TEST_CASE("the probe finds the record sizes of every release") {
  for (const auto release :
       {&StrideRow::cuda_11_2, &StrideRow::cuda_11_8, &StrideRow::cuda_12_4, &StrideRow::cuda_13_0}) {
    g_layout = LayoutOf(release);
    CHECK(gpu::ProbeLayout(&NextRecord).strides() == g_layout.strides());
  }
}

TEST_CASE("fields exist when they end inside the stride") {
  const RecordLayout old = LayoutOf(&StrideRow::cuda_11_2), now = LayoutOf(&StrideRow::cuda_13_0);
  CHECK(old.Has(cupti::Kind::kConcurrentKernel, cupti::kernel::kGraph));
  CHECK_FALSE(old.Has(cupti::Kind::kDevice, cupti::device::kIsMig));
  CHECK(now.Has(cupti::Kind::kDevice, cupti::device::kIsMig));
  CHECK_FALSE(old.Has(cupti::Kind::kOverhead, cupti::overhead::kExtra));
  CHECK(now.Has(cupti::Kind::kOverhead, cupti::overhead::kExtra));
}

TEST_CASE(
    "every kind that is read is readable in 11.8, 12.4 and 13.0, and only graph launches are missing in "
    "11.2") {
  using cupti::Kind;
  for (const Kind kind :
       {Kind::kMemcpy, Kind::kMemset, Kind::kKernel, Kind::kDriver, Kind::kRuntime, Kind::kDevice,
        Kind::kContext, Kind::kConcurrentKernel, Kind::kName, Kind::kMarker, Kind::kOverhead,
        Kind::kMemcpyPeer, Kind::kSynchronization, Kind::kMemory2, Kind::kGraphTrace}) {
    CAPTURE(static_cast<uint32_t>(kind));
    CHECK(LayoutOf(&StrideRow::cuda_11_8).IsReadable(kind));
    CHECK(LayoutOf(&StrideRow::cuda_12_4).IsReadable(kind));
    CHECK(LayoutOf(&StrideRow::cuda_13_0).IsReadable(kind));
    CHECK(LayoutOf(&StrideRow::cuda_11_2).IsReadable(kind) == (kind != Kind::kGraphTrace));
  }
}

TEST_CASE("a kind whose record ends before its last mandatory field is refused, as is one of odd length") {
  RecordLayout::Strides strides{};
  const auto set = [&strides](cupti::Kind kind, uint16_t stride) {
    strides[static_cast<uint32_t>(kind)] = stride;
  };
  set(cupti::Kind::kConcurrentKernel, 104);  // the name would lie behind it
  set(cupti::Kind::kMemcpy, 44);
  set(cupti::Kind::kRuntime, 37);
  set(cupti::Kind::kMemset, 4096);  // of a release to come
  const RecordLayout layout(strides);
  CHECK_FALSE(layout.IsReadable(cupti::Kind::kConcurrentKernel));
  CHECK_FALSE(layout.IsReadable(cupti::Kind::kMemcpy));
  CHECK_FALSE(layout.IsReadable(cupti::Kind::kRuntime));
  CHECK_FALSE(layout.IsReadable(cupti::Kind::kStream));  // unknown to this library
  CHECK(layout.IsReadable(cupti::Kind::kMemset));
  CHECK_FALSE(layout.IsReadable(static_cast<cupti::Kind>(63)));
  CHECK_FALSE(layout.IsReadable(static_cast<cupti::Kind>(1000)));
}
