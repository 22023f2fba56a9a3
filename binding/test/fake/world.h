// Devices, contexts and texts: what exists on the fake machine. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "record.h"

namespace fakegpu {

// Its address is the CUcontext.
struct FakeContext {
  uint32_t id = 0, device = 0;
  uint16_t null_stream = 7;
  bool is_destroyed = false;
};
struct FakeStream {
  uint32_t context = 0, id = 0, flag = 1;
};

class World {
 public:
  // `devices` of them, and, as for a client that attaches late, context 1 on the first.
  void Reset(uint32_t devices);
  void Clear();  // no context yet: CUDA is not initialised

  uint32_t DeviceCount() const;
  DeviceFields Device(uint32_t id) const;
  void SetDevice(const DeviceFields& fields);

  void AddContext(uint32_t id, uint32_t device, uint16_t null_stream);
  void DestroyContext(uint32_t id);
  // Destroys the contexts of the device and tells their ids.
  std::set<uint32_t> ResetDevice(uint32_t device);
  void AddStream(const FakeStream& stream);

  std::vector<FakeContext> LiveContexts() const;
  std::vector<FakeStream> Streams() const;
  FakeContext* PrimaryContext(uint32_t device);            // null: not active
  const FakeContext* ContextOf(const void* handle) const;  // null: no such, or destroyed
  const void* HandleOf(uint32_t id) const;
  uint64_t ContextCount() const { return LiveContexts().size(); }

 private:
  mutable std::mutex mutex_;
  std::map<uint32_t, DeviceFields> devices_;
  std::deque<FakeContext> contexts_;  // never shrinks within a run: handles stay distinct
  std::vector<FakeStream> streams_;
};

// Texts that records point to. Each is one heap block, so that ASan sees a
// reader that comes back after Free.
class Texts {
 public:
  const char* Keep(const std::string& text);
  void Free();

 private:
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<char[]>> texts_;
};

}  // namespace fakegpu
