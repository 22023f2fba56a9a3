// One activity record as bytes, at the size this release gives its kind.
//
// Only the fields of spec section 2.4 are written; every other byte is 0xA5,
// and fields of later releases fall away where the record ends. A reader that
// takes a byte it must not take gets nonsense, or a pointer that crashes.
#pragma once

#include <cstdint>
#include <cstring>

#include "abi.h"
#include "personality.h"

namespace fakegpu {

class Record {
 public:
  static constexpr uint8_t kPoison = 0xA5;

  Record(uint32_t kind, uint16_t stride) : size_(stride) {
    std::memset(bytes_, kPoison, size_);
    Put<uint32_t>(0, kind);
  }
  Record(uint32_t kind, const Personality& personality) : Record(kind, personality.strides[kind]) {}

  template <typename T>
  Record& Put(size_t offset, T value) {
    if (offset + sizeof(T) <= size_) std::memcpy(bytes_ + offset, &value, sizeof(T));
    return *this;
  }

  uint32_t kind() const {
    uint32_t kind;
    std::memcpy(&kind, bytes_, sizeof kind);
    return kind;
  }
  const uint8_t* bytes() const { return bytes_; }
  uint16_t size() const { return size_; }

 private:
  uint16_t size_;
  alignas(8) uint8_t bytes_[512];
};

struct Stamps {
  uint64_t start = 0, end = 0;
};
struct Place {
  uint32_t device = 0, context = 1, stream = 7;
};

struct KernelFields {
  Stamps time;
  Place place;
  uint32_t correlation = 0;
  const char* name = nullptr;
  uint32_t grid[3] = {1, 1, 1}, block[3] = {128, 1, 1}, cluster[3] = {0, 0, 0};
  uint32_t static_shared = 0, dynamic_shared = 0, executed_shared = 0, local_per_thread = 0;
  uint16_t registers = 32;
  uint64_t queued = 0, submitted = 0, graph_node = 0;
  uint32_t graph = 0;
};
struct CopyFields {
  Stamps time;
  Place place;
  uint32_t correlation = 0;
  uint8_t direction = 0, from = 0, to = 0;
  bool is_async = false;
  uint64_t bytes = 0, graph_node = 0, count = 1;
  uint32_t graph = 0;
  uint32_t peer_from_device = 0, peer_from_context = 0, peer_to_device = 0, peer_to_context = 0;
};
struct FillFields {
  Stamps time;
  Place place;
  uint32_t correlation = 0, value = 0;
  uint64_t bytes = 0, graph_node = 0;
  uint32_t graph = 0;
  uint16_t memory = 3;
  bool is_async = false;
};
struct ApiFields {
  bool is_driver = false;
  uint32_t callback_id = 0;
  Stamps time;
  uint32_t process = 0, thread = 0, correlation = 0, result = 0;
};
struct SyncFields {
  uint32_t type = 3;
  Stamps time;
  uint32_t correlation = 0, context = 1, stream = 7, event = 0xFFFFFFFFu;
};
struct MemoryFields {
  uint32_t operation = 1, memory = 3, correlation = 0;
  uint64_t address = 0, bytes = 0, time = 0;
  uint32_t process = 0;
  Place place;
  const char* name = nullptr;
  bool is_async = false;
};
struct GraphFields {
  Stamps time;
  Place place;
  uint32_t correlation = 0, graph = 0;
};
struct DeviceFields {
  uint32_t id = 0;
  const char* name = nullptr;
  uint8_t uuid[16] = {};
  uint64_t memory_bytes = 0, bandwidth_kb = 0;
  uint32_t multiprocessors = 132, major = 9, minor = 0, clock_khz = 1'980'000, copy_engines = 3;
  bool is_mig = false;
};

Record KernelRecord(const Personality&, uint32_t kind, const KernelFields&);
Record CopyRecord(const Personality&, const CopyFields&);
Record PeerCopyRecord(const Personality&, const CopyFields&);
Record FillRecord(const Personality&, const FillFields&);
Record ApiRecord(const Personality&, const ApiFields&);
Record SyncRecord(const Personality&, const SyncFields&);
Record MemoryRecord(const Personality&, const MemoryFields&);
Record GraphRecord(const Personality&, const GraphFields&);
Record DeviceRecord(const Personality&, const DeviceFields&);
Record ContextRecord(const Personality&, uint32_t id, uint32_t device, uint16_t null_stream);
Record StreamRecord(const Personality&, uint32_t context, uint32_t id, uint32_t flag);
// `ids` as CUPTI stores them: device, context, stream or process, thread.
Record NameRecord(const Personality&, uint32_t object, const uint32_t ids[3], const char* name);
Record MarkerRecord(const Personality&, uint32_t flags, uint64_t time, uint32_t id, uint32_t process,
                    uint32_t thread, const char* name, const char* domain);
Record OverheadRecord(const Personality&, uint32_t kind, Stamps, uint32_t process, uint32_t thread);
Record ExternalCorrelationRecord(const Personality&, uint32_t kind, uint64_t id, uint32_t correlation);

// Where a record of this kind keeps its end time.
size_t EndOffset(uint32_t kind);

}  // namespace fakegpu
