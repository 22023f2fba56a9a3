// The plane of a GPU: a line for each stream, kernels with how they were launched and the op that they worked
// for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "../core/columns.h"
#include "../core/id_map.h"
#include "lanes.h"
#include "op_paths.h"
#include "xplane_devices.h"
#include "xplane_plane.h"

namespace opscope::xplane {

// Paths of ops as stats have them, "predict/matmul:Matmul". Shared by the planes of a recording.
class OpOfKernels {
 public:
  explicit OpOfKernels(const Recording& recording) : recording_(recording), paths_(recording) {}

  // A number for the path of the op that the row belongs to, itself where it is no part of one.
  uint32_t PathOf(int32_t row);
  // Good until the next call.
  const std::string& TextOf(uint32_t path);

 private:
  bool IsPart(int32_t row) const noexcept;

  const Recording& recording_;
  OpPaths paths_;
  std::unordered_map<uint32_t, int32_t> rows_;  // by path: one of its rows
  int32_t last_row_ = kNoParent;
  uint32_t last_path_ = OpPaths::kRoot;
  std::string text_;
};

class DevicePlane : public Plane {
 public:
  // Of devices.id(index).
  DevicePlane(const Recording& recording, const Devices& devices, size_t index, OpOfKernels* ops);

  // Rows of the device; in order. Then Lay().
  void AddRow(uint32_t row);
  void Lay();

  void WriteEvents(size_t line, EventWriter* out) override;
  void WriteStats(wire::Writer* out) override;
  void Clear() override;

 private:
  struct Stream {
    Lanes lanes;
    std::vector<std::vector<uint32_t>> rows;  // by lane
    uint32_t number = 0;
    bool is_sync = false;
  };
  // Context, stream and whether it is the line of its waits.
  using StreamKey = std::tuple<uint32_t, uint32_t, bool>;

  std::string LineName(const Stream& stream, const std::vector<uint32_t>& rows) const;
  void WriteRow(uint32_t index, EventWriter* out);
  void AddKernel(uint32_t index, EventWriter* out);
  void AddOp(int32_t span, EventWriter* out);
  const KernelRow* KernelOf(uint32_t index) const noexcept;
  uint32_t EventOf(const GpuRow& row);
  uint32_t Stat(StatName name) { return tables.stats.IdOf(name); }
  uint32_t Ref(std::string_view text) { return tables.stats.IdOf(text); }

  const Recording& recording_;
  const GpuDevice* device_;
  const uint32_t device_id_;
  OpOfKernels& ops_;
  std::map<StreamKey, Stream> streams_;
  std::vector<const std::vector<uint32_t>*> rows_;  // by line
  IdMap events_;                                    // by name and kind of copy
  std::unordered_map<uint32_t, uint32_t> op_refs_;  // by path
};

}  // namespace opscope::xplane
