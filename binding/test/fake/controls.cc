#include <cstring>
#include <string>

#include "fake_gpu.h"
#include "fakecupti.h"
#include "script.h"

using fakegpu::FakeGpu;

namespace {

// Texts handed out stay valid until the next call on this thread.
const char* HandOut(std::string text) {
  thread_local std::string kept;
  kept = std::move(text);
  return kept.c_str();
}
std::string& LastError() {
  thread_local std::string error;
  return error;
}

}  // namespace

extern "C" {

int fakecupti_run_text(const char* text) {
  LastError().clear();
  return fakegpu::RunScript(text, &LastError());
}
const char* fakecupti_error(void) { return LastError().c_str(); }
const char* fakecupti_violations(void) { return HandOut(FakeGpu::Get().journal.Violations()); }
const char* fakecupti_calls(void) { return HandOut(FakeGpu::Get().journal.Calls()); }

uint64_t fakecupti_count(const char* what) {
  FakeGpu& gpu = FakeGpu::Get();
  const std::string_view word = what;
  if (word == "requests") return gpu.journal.requests;
  if (word == "completions") return gpu.journal.completions;
  if (word == "records") return gpu.journal.records;
  if (word == "violations") return gpu.journal.ViolationCount();
  if (word == "call-threads") return gpu.journal.CallThreadCount();
  if (word == "live-buffers") return gpu.desk.LiveBufferCount();
  if (word == "unread-drops") return gpu.desk.UnreadDrops();
  if (word == "held-records") return gpu.held.Count();
  if (word == "contexts") return gpu.world.ContextCount();
  return UINT64_MAX;
}

uint64_t fakecupti_host_ns(void) { return static_cast<uint64_t>(FakeGpu::Get().clock.HostNs()); }
uint64_t fakecupti_device_ns(void) { return static_cast<uint64_t>(FakeGpu::Get().clock.DeviceNs()); }
void fakecupti_reset(void) { FakeGpu::Get().Reset(); }
void fakecupti_free_texts(void) { FakeGpu::Get().texts.Free(); }

}  // extern "C"
