// A reader on buffers built by gpu_record_builder.h, with what it needs around it.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "gpu/activity_reader.h"
#include "test/gpu_record_builder.h"

namespace opscope::gpu_test {

using namespace opscope::gpu;

constexpr uint64_t kEpoch = 1'760'000'000'000'000'000;  // CUPTI's clock where the host's is 0

// A reader on a layout, with the clocks kEpoch apart and a few API names.
struct Bench {
  explicit Bench(const RecordLayout& layout_of, cupti::GetNextRecord next_record = nullptr)
      : layout(layout_of) {
    names.Set(cupti::kRuntimeDomain, 211, "cudaLaunchKernel_v7000");
    names.Set(cupti::kRuntimeDomain, 41, "cudaMemcpyAsync_ptsz_v7000");
    names.Set(cupti::kRuntimeDomain, 10, "cudaGetLastError_v3020");
    names.Set(cupti::kDriverDomain, 307, "cuLaunchKernel");
    clock.Add({kEpoch, 0, 50});
    clock.Add({kEpoch + 1'000'000'000, 1'000'000'000, 50});
    reader = std::make_unique<ActivityReader>(ReaderSource{layout, &names, next_record, false, 555}, &clock,
                                              &store);
  }
  void Read(BufferBuilder& builder) { Read(builder.data(), builder.size()); }
  // From memory that ends with the valid bytes, so that reading on is seen by ASan.
  void Read(const uint8_t* bytes, size_t count) {
    auto* exact = static_cast<uint8_t*>(std::malloc(count));
    if (count != 0) std::memcpy(exact, bytes, count);
    reader->Read(exact, count);
    std::free(exact);
  }
  std::string Text(uint32_t id) { return store.texts.Resolve()[id]; }
  const GpuRow& Row(size_t i) const { return store.rows.column()[i]; }

  RecordLayout layout;
  ApiNames names;
  GpuClock clock;
  RecordStore store;
  std::unique_ptr<ActivityReader> reader;
};

}  // namespace opscope::gpu_test
