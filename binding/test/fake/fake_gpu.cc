#include "fake_gpu.h"

#include <cstdlib>

#include "script_file.h"

namespace fakegpu {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

FakeGpu& FakeGpu::Get() {
  static FakeGpu& gpu = *new FakeGpu;
  return gpu;
}

FakeGpu::FakeGpu() {
  Load("13.0");
  ReadEnvironment();
}

void FakeGpu::Load(const char* default_personality) {
  default_personality_ = default_personality;
  const std::string name = Environment("FAKECUPTI_PERSONALITY");
  if (!FindPersonality(name.empty() ? default_personality_ : name, &personality)) {
    journal.Violation("FAKECUPTI_PERSONALITY names no release: " + name);
  }
  if (!PatchStrides(Environment("FAKECUPTI_STRIDES"), &personality))
    journal.Violation("bad FAKECUPTI_STRIDES");
  session.SetPersonality(personality);
}

void FakeGpu::ReadEnvironment() {
  session.SetHolder(Environment("FAKECUPTI_HOLDER"));
  errors.Clear();
  std::string bad;
  for (const char* variable : {"FAKECUPTI_ERRORS", "FAKECUDA_ERRORS"}) {
    if (!errors.Add(Environment(variable), &bad))
      journal.Violation(std::string("bad ") + variable + ": " + bad);
  }
  const std::string devices = Environment("FAKECUDA_DEVICES");
  world.Reset(devices.empty() ? 1 : static_cast<uint32_t>(std::strtoul(devices.c_str(), nullptr, 10)));
  const std::string driver = Environment("FAKECUDA_DRIVER");
  driver_version = driver.empty() ? 13000 : std::atoi(driver.c_str());
}

void FakeGpu::Reset() {
  worker.Drain();
  journal.Clear();
  clock.Reset();
  desk.Reset();
  held.Clear();
  correlation_ = 1;
  ReadEnvironment();
}

bool FakeGpu::IsDriverTooOld() const { return driver_version / 1000 < std::atoi(personality.name.c_str()); }

uint32_t FakeGpu::NextCorrelation() {
  uint32_t next = correlation_.fetch_add(1);
  while (next == 0) next = correlation_.fetch_add(1);  // 0 means none
  return next;
}

int FakeGpu::Enable(uint32_t kind, bool dump) {
  const bool is_first = !session.IsAnyEnabled();
  const int result = session.Enable(kind, desk.HasCallbacks());
  if (result != kSuccess) return result;
  if (is_first) {
    desk.Configure(personality, session.UsesPerThreadBuffers(), session.ClientZeroesBuffers());
  }
  if (dump) Dump(kind);
  if (kind == kConcurrentKernel || kind == kKernel) StartScriptFile();
  return kSuccess;
}

int FakeGpu::Disable(uint32_t kind) {
  AwaitScriptFile();
  const int result = session.Disable(kind);
  desk.ReleaseHeld(false);
  return result;
}

int FakeGpu::Unsubscribe(const void* handle) {
  desk.ReleaseHeld(true);  // the worker completes them while this call goes on
  const int result = session.Unsubscribe(handle);
  if (result == kSuccess && session.IsAnyEnabled()) journal.Violation("unsubscribed while kinds are enabled");
  return result;
}

int FakeGpu::FlushAll(bool forced) {
  if (!desk.HasCallbacks()) return kInvalidOperation;
  if (forced) {
    AwaitScriptFile();
    Flush(true);
  } else if (const std::lock_guard lock(unforced_flush_mutex_); quiet_scripts_ == 0) {
    Flush(false);
  }
  return kSuccess;
}

void FakeGpu::BeQuiet() {
  const std::lock_guard lock(unforced_flush_mutex_);
  ++quiet_scripts_;
}

void FakeGpu::Flush(bool forced) {
  for (const Record& record : held.Take(forced)) desk.Write(BufferDesk::Lane::kWorker, record);
  desk.Flush(forced);
}

int FakeGpu::NextRecord(uint8_t* buffer, size_t valid, void** record) const {
  if (buffer == nullptr || record == nullptr) return kInvalidParameter;
  const auto stride_at = [&](size_t offset) -> size_t {
    uint32_t kind;
    std::memcpy(&kind, buffer + offset, sizeof kind);
    return kind < kKindLimit ? personality.strides[kind] : 0;
  };
  size_t offset = 0;
  if (*record != nullptr) {
    const auto* previous = static_cast<const uint8_t*>(*record);
    if (previous < buffer || previous >= buffer + valid) return kInvalidParameter;
    offset = static_cast<size_t>(previous - buffer);
    offset += stride_at(offset);
  }
  if (offset + sizeof(uint32_t) > valid) return kMaxLimitReached;
  const size_t stride = stride_at(offset);
  if (stride == 0) return personality.UnknownKindResult();
  if (offset + stride > valid) return kMaxLimitReached;
  *record = buffer + offset;
  return kSuccess;
}

void FakeGpu::Dump(uint32_t kind) {
  using Lane = BufferDesk::Lane;
  if (kind == kDevice) {
    for (uint32_t id = 0; id < world.DeviceCount(); ++id) {
      DeviceFields fields = world.Device(id);
      if (fields.name == nullptr) fields.name = device_names.Keep("Fake H200");
      desk.Write(Lane::kCaller, DeviceRecord(personality, fields));
    }
  } else if (kind == kContext) {
    for (const FakeContext& context : world.LiveContexts()) {
      desk.Write(Lane::kCaller, ContextRecord(personality, context.id, context.device, context.null_stream));
    }
  } else if (kind == kStream) {
    for (const FakeStream& stream : world.Streams()) {
      desk.Write(Lane::kCaller, StreamRecord(personality, stream.context, stream.id, stream.flag));
    }
  }
}

void FakeGpu::Synchronize(uint32_t context) { held.Finish(context); }

}  // namespace fakegpu
