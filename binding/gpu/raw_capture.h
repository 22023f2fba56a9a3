// Activity buffers on disk as CUPTI wrote them, and back: what a GPU did once
// can be decoded again on a machine without one.
//
// The file: "OPSCRAW1", then sections of a 4-letter tag, a u32 of zero, a u64
// length and that many bytes, all little-endian. HEAD: u32 CUPTI version, i32
// driver version. STRD: a u16 stride for each of 64 kinds. CALL: u32 domain,
// u32 id, name. TICK: u64 CUPTI ns, i64 host ns, u32 error, u32 zero. TEXT: a
// string; the first is number 1. BUFF: the valid bytes of a buffer, in which
// each pointer to a string is that string's number, and process ids are zero.
// What a section names (strides, calls, texts, ticks) comes before the buffer.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api_names.h"
#include "core/gpu_source.h"
#include "core/status.h"
#include "cupti_layout.h"
#include "gpu_clock.h"

namespace opscope::gpu {

// Control thread. A write that fails ends the file, not the recording.
class RawCapture {
 public:
  RawCapture(const std::string& path, const RecordLayout& layout, const ApiNames& names,
             uint32_t cupti_version, int driver_version);
  ~RawCapture();
  RawCapture(const RawCapture&) = delete;
  RawCapture& operator=(const RawCapture&) = delete;

  void AddTick(const ClockTuple& tuple);
  // Before the buffer is recycled, and before names in it can go away.
  void AddBuffer(const uint8_t* buffer, size_t valid_bytes);
  bool has_failed() const noexcept { return has_failed_; }

 private:
  void Write(const char* tag, const void* bytes, size_t count);
  uint64_t NumberOf(const char* text);
  void AddCall(const uint8_t* record, uint32_t domain);

  const RecordLayout layout_;
  const ApiNames& names_;
  std::FILE* file_ = nullptr;
  bool has_failed_ = false;
  std::unordered_map<std::string, uint64_t> numbers_;
  std::unordered_set<uint64_t> calls_;
  std::vector<uint8_t> copy_;
};

// Decodes such a file; times are the host's of then. A file that was cut is
// read as far as it goes, with a warning "gpu-capture-cut".
Status DecodeRawCapture(const std::string& path, GpuRecords* out);

}  // namespace opscope::gpu
