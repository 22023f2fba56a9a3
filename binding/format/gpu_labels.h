// What people call the things of a GPU, the same in every format.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "../core/columns.h"

namespace opscope {

const char* GpuKindName(GpuKind kind) noexcept;
Category CategoryOf(GpuKind kind) noexcept;
const char* MemoryKindName(MemoryKind kind) noexcept;
// The other way; kUnknown for other texts.
MemoryKind MemoryKindOf(std::string_view name) noexcept;
// buffer flush
std::string OverheadLabel(uint32_t kind);
// Where the device of a merged recording is, host-b GPU 0; empty in a plain one.
std::string PlaceOfDevice(const Recording& recording, const GpuDevice& device);

// Not thread-safe; the recording must outlive it.
class GpuLabels {
 public:
  explicit GpuLabels(const Recording& recording);

  // GPU 0 · NVIDIA H100; of a merged recording GPU 2 · host-b GPU 0 · NVIDIA H100
  std::string OfDevice(uint32_t device) const;
  // stream 13 "decoder"
  std::string OfStream(uint32_t context, uint32_t stream) const;

 private:
  std::map<uint32_t, std::string> devices_;                            // what follows the number
  std::map<std::pair<uint32_t, uint32_t>, std::string_view> streams_;  // by context and stream
};

}  // namespace opscope
