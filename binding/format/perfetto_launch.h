// The launch of a GPU row, as both readers of Perfetto files take it apart.
#pragma once

#include <cstdint>
#include <string_view>

#include "../core/columns.h"
#include "perfetto_schema.h"
#include "wire.h"

namespace opscope {

struct LaunchView {
  KernelRow kernel{};
  uint64_t bytes = 0, correlation_id = 0;
  uint32_t device = 0, stream = 0;
  MemoryKind from = MemoryKind::kUnknown, to = MemoryKind::kUnknown;
  bool has_device = false, has_stream = false, has_correlation = false;
  bool has_kernel = false;  // a grid is told

  // `arg_of` turns an interned name into a launch_arg::LaunchArg.
  template <typename ArgOf>
  void Parse(std::string_view launch, ArgOf arg_of) {
    using namespace perfetto;
    wire::Reader in(launch);
    while (in.Next()) {
      switch (in.field()) {
        case gpu::kGrid:
          has_kernel = true;
          ReadSides(in.bytes(), &kernel.grid_x, &kernel.grid_y, &kernel.grid_z);
          break;
        case gpu::kWorkgroup:
          ReadSides(in.bytes(), &kernel.block_x, &kernel.block_y, &kernel.block_z);
          break;
        case gpu::kLaunchArgs: {
          uint32_t arg = launch_arg::kUnknown;
          uint64_t value = 0;
          std::string_view text;
          wire::Reader fields(in.bytes());
          while (fields.Next()) {
            if (fields.field() == gpu::kArgNameIid) arg = arg_of(fields.value());
            if (fields.field() == gpu::kArgName) arg = ArgNamed(fields.bytes());
            if (fields.field() == gpu::kArgUint || fields.field() == gpu::kArgInt) value = fields.value();
            if (fields.field() == gpu::kArgString) text = fields.bytes();
          }
          Set(arg, value, text);
          break;
        }
        default:
          break;
      }
    }
  }

  static uint32_t ArgNamed(std::string_view name) noexcept;

 private:
  static void ReadSides(std::string_view bytes, uint32_t* x, uint32_t* y, uint32_t* z) noexcept;
  void Set(uint32_t arg, uint64_t value, std::string_view text) noexcept;
};

}  // namespace opscope
