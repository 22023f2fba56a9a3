// One recording's dealings with CUPTI, in the order that it demands: subscribe,
// attributes, callbacks, kinds; flush and read; disable, flush, unsubscribe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "activity_buffers.h"
#include "activity_reader.h"
#include "api_names.h"
#include "core/gpu_source.h"
#include "cupti_library.h"
#include "driver_probe.h"
#include "gpu_clock.h"
#include "live_contexts.h"
#include "raw_capture.h"
#include "record_store.h"

namespace opscope::gpu {

// Control thread, but for Take. CUPTI's callbacks reach the buffer pool and the
// list of contexts only, so no lock of ours is ever wanted on a thread of the program. Lives for ever,
// as the library does; any number of recordings, one after the other.
class CuptiSession {
 public:
  // `wake_fd` is written when a buffer was completed.
  explicit CuptiSession(int wake_fd);

  // Turns recording on, or, when it is on, widens what is recorded. A failure
  // leaves everything as it was.
  GpuState Start(const GpuOptions& options);
  // Asks CUPTI for what is complete, reads the clocks, decodes.
  void Tick();
  // Decodes completed buffers; while off, it only makes them free again.
  void Drain();
  // Waits until the GPU has nothing to do.
  void Synchronize();
  // Everything recorded is in the store afterwards. Turned off when `is_last`;
  // else work that is running stays out, unless the GPU was waited for.
  void Stop(bool is_last, bool is_synchronized);
  bool is_on() const noexcept { return is_on_; }

  // Any thread. The rows of a window and what went wrong; spends the store when
  // `is_last`. Waits while a buffer is decoded, never for CUPTI.
  GpuRecords Take(int64_t window_start_ns, const GpuPlace& since, bool is_last);
  // What was decoded since; with more rows than these, the store is emptied. Any thread.
  GpuRecords TakeNew(GpuPlace* place, size_t kept_rows);
  // Any thread.
  void ForgetBefore(int64_t ns);

 private:
  GpuState Load();
  GpuState Attach();
  cupti::Result Subscribe();
  GpuState EnableKinds();
  cupti::Result Enable(cupti::Kind kind);
  void EnableIfPossible(cupti::Kind kind, const char* name);
  void EnableCalls();
  void EnableDriverLaunches();
  void DisableAll();
  void Detach();
  void Flush(uint32_t flag);
  void ForgetTrouble();
  // Counts a refusal that the recording can live with.
  void Check(const char* call, cupti::Result result);
  GpuState On() const;
  GpuState Refused(const char* step, cupti::Result result) const;

  void OpenRecording();
  void SampleClock();
  void Decode(ActivityBuffer* buffer);
  void CountDropped(cupti::Context context, uint32_t stream);
  void AddWarnings(bool is_last, bool is_whole, GpuRecords* records) const;

  ActivityBufferPool pool_;
  DriverProbe driver_;
  std::unique_ptr<const CuptiLibrary> library_;
  ApiNames names_;
  LiveContexts contexts_;
  cupti::Subscriber subscriber_ = nullptr;
  std::string holder_;  // who was subscribed when we were refused, where CUPTI told
  GpuOptions options_;
  std::vector<cupti::Kind> enabled_;  // in the order of enabling
  bool is_on_ = false;

  // Guards what follows: Take may come while a slow stop goes on.
  std::mutex store_mutex_;
  std::unique_ptr<RecordStore> store_;
  std::unique_ptr<GpuClock> clock_;
  std::unique_ptr<ActivityReader> reader_;  // null: nothing is kept
  std::unique_ptr<RawCapture> raw_;         // where OPSCOPE_CAPTURE_RAW asks for it
  std::vector<std::string> refused_kinds_;
  std::map<std::string, uint64_t> refused_calls_;  // how often, by call and result
  uint64_t recording_count_ = 0;
  uint64_t requests_before_ = 0, refusals_before_ = 0;  // of the pool, when the recording began
};

}  // namespace opscope::gpu
