// A client of CUPTI that does no more than it must: for tests of the fake
// itself, through the real symbol names.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../abi.h"

namespace fakegpu {

struct RawClient {
  // Opens "cupti-13/libcupti.so.13" and the like.
  explicit RawClient(const std::string& name);

  template <typename... Arguments>
  int Call(const char* symbol, Arguments... arguments) const {
    return reinterpret_cast<int (*)(Arguments...)>(Symbol(symbol))(arguments...);
  }
  void* Symbol(const char* name) const;  // null when missing
  // Registers buffers, subscribes, system thread ids, enables.
  void Start(const std::vector<uint32_t>& kinds);
  // Disables, flushes with force, unsubscribes.
  void Stop();
  uint32_t StrideOf(uint32_t kind) const;

  // Completed so far, walked with the library's own walker.
  struct Seen {
    uint32_t kind;
    std::vector<uint8_t> bytes;
    template <typename T>
    T At(size_t offset) const {
      T value;
      std::memcpy(&value, bytes.data() + offset, sizeof(T));
      return value;
    }
  };
  std::vector<Seen> Take();
  // Threads on which buffers were asked for and completed.
  static std::vector<int64_t> RequestThreads();
  static std::vector<int64_t> CompleteThreads();
  // Called inside every complete callback of this process.
  static std::function<void()>& OnComplete();
  // Makes the next buffers bad: "null", "odd", "dirty", "again", "".
  static std::string& Fault();

 private:
  void* library_ = nullptr;
  void* subscriber_ = nullptr;
  std::vector<uint32_t> kinds_;
};

}  // namespace fakegpu
