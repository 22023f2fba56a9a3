#include "raw_client.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "fakes.h"

namespace fakegpu {
namespace {

constexpr size_t kBufferBytes = 64 << 10;

struct Completed {
  std::vector<uint8_t> bytes;
};
struct State {
  std::mutex mutex;
  std::vector<Completed> completed;
  std::vector<int64_t> request_threads, complete_threads;
  uint8_t* last = nullptr;
  std::vector<uint8_t*> memory;  // reachable: LeakSanitizer must not take it for lost
  std::function<void()> on_complete;
  std::string fault;
};
State& Shared() {
  static State& state = *new State;
  return state;
}

void Request(uint8_t** buffer, size_t* size, size_t* max_records) {
  State& state = Shared();
  const std::lock_guard lock(state.mutex);
  state.request_threads.push_back(gettid());
  *max_records = 0;
  *size = kBufferBytes;
  *buffer = nullptr;
  if (state.fault == "null") return;
  if (state.fault == "again" && state.last != nullptr) {
    *buffer = state.last;
    return;
  }
  // Never freed: the library may keep it. 8 bytes more, for the odd one.
  auto* memory = static_cast<uint8_t*>(std::aligned_alloc(64, kBufferBytes + 64));
  std::memset(memory, 0, kBufferBytes + 64);
  state.memory.push_back(memory);
  if (state.fault == "dirty") memory[kBufferBytes / 2] = 1;
  if (state.fault == "odd") memory += 4;
  *buffer = state.last = memory;
}

void Complete(void*, uint32_t, uint8_t* buffer, size_t, size_t valid) {
  State& state = Shared();
  if (state.on_complete) state.on_complete();
  const std::lock_guard lock(state.mutex);
  state.complete_threads.push_back(gettid());
  state.completed.push_back({{buffer, buffer + valid}});
}

void Ignore(void*, int, uint32_t, const void*) {}

}  // namespace

RawClient::RawClient(const std::string& name)
    : library_(dlopen(FakePath(name).c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (library_ != nullptr) return;
  std::fprintf(stderr, "%s\n", dlerror());
  std::abort();
}

void* RawClient::Symbol(const char* name) const { return dlsym(library_, name); }

void RawClient::Start(const std::vector<uint32_t>& kinds) {
  kinds_ = kinds;
  Call("cuptiSubscribe", &subscriber_, static_cast<ApiCallback>(Ignore), static_cast<void*>(nullptr));
  Call("cuptiSetThreadIdType", int{kThreadIdSystem});
  uint8_t yes = 1;
  size_t size = 1;
  Call("cuptiActivitySetAttribute", uint32_t{kZeroedBuffers}, &size, static_cast<void*>(&yes));
  Call("cuptiActivityRegisterCallbacks", static_cast<RequestCallback>(Request),
       static_cast<CompleteCallback>(Complete));
  for (const uint32_t kind : kinds) Call("cuptiActivityEnable", kind);
}

void RawClient::Stop() {
  for (const uint32_t kind : kinds_) Call("cuptiActivityDisable", kind);
  Call("cuptiActivityFlushAll", uint32_t{1});
  Call("cuptiUnsubscribe", static_cast<const void*>(subscriber_));
}

uint32_t RawClient::StrideOf(uint32_t kind) const {
  alignas(8) uint8_t buffer[2048] = {};
  for (size_t at = 0; at < sizeof buffer; at += 8) std::memcpy(buffer + at, &kind, sizeof kind);
  void* first = nullptr;
  if (Call("cuptiActivityGetNextRecord", &buffer[0], sizeof buffer, &first) != kSuccess) return 0;
  void* second = first;
  if (Call("cuptiActivityGetNextRecord", &buffer[0], sizeof buffer, &second) != kSuccess) return 0;
  return static_cast<uint32_t>(static_cast<uint8_t*>(second) - static_cast<uint8_t*>(first));
}

std::vector<RawClient::Seen> RawClient::Take() {
  std::vector<Completed> completed;
  {
    const std::lock_guard lock(Shared().mutex);
    completed.swap(Shared().completed);
  }
  std::vector<Seen> seen;
  for (Completed& buffer : completed) {
    void* record = nullptr;
    while (Call("cuptiActivityGetNextRecord", buffer.bytes.data(), buffer.bytes.size(), &record) ==
           kSuccess) {
      const auto* bytes = static_cast<const uint8_t*>(record);
      uint32_t kind;
      std::memcpy(&kind, bytes, sizeof kind);
      seen.push_back({kind, {bytes, bytes + StrideOf(kind)}});
    }
  }
  return seen;
}

std::vector<int64_t> RawClient::RequestThreads() {
  const std::lock_guard lock(Shared().mutex);
  return Shared().request_threads;
}
std::vector<int64_t> RawClient::CompleteThreads() {
  const std::lock_guard lock(Shared().mutex);
  return Shared().complete_threads;
}
std::function<void()>& RawClient::OnComplete() { return Shared().on_complete; }
std::string& RawClient::Fault() { return Shared().fault; }

}  // namespace fakegpu
