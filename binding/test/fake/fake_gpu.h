// The fake machine that libcupti and libcuda show two sides of. One per
// process, never destroyed: threads of the client may outlive main.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "buffer_desk.h"
#include "error_plan.h"
#include "fake_clock.h"
#include "held_records.h"
#include "journal.h"
#include "personality.h"
#include "session.h"
#include "worker.h"
#include "world.h"

namespace fakegpu {

struct FakeGpu {
  static FakeGpu& Get();

  // Environment: FAKECUPTI_PERSONALITY and FAKECUPTI_STRIDES change which CUPTI
  // it is, FAKECUPTI_ERRORS and FAKECUDA_ERRORS what fails, FAKECUPTI_HOLDER who
  // is subscribed, FAKECUDA_DEVICES how many devices there are, FAKECUDA_DRIVER
  // the driver's version.

  // The fake libcupti calls this when it is loaded.
  void Load(const char* default_personality);
  void Reset();

  // The library's side of its calls.
  int Enable(uint32_t kind, bool dump);
  int Disable(uint32_t kind);
  int Unsubscribe(const void* handle);
  int FlushAll(bool forced);  // waits for a script from a file first, if forced
  void Flush(bool forced);
  int NextRecord(uint8_t* buffer, size_t valid, void** record) const;
  // Records for what exists: contexts that a late client has not seen made.
  void Dump(uint32_t kind);
  // The driver's side: the GPU has done all work of this context.
  void Synchronize(uint32_t context);

  // A CUPTI of a later major release than the driver's does not work at all.
  bool IsDriverTooOld() const;

  // Takes over a text for as long as the library would keep it.
  const char* Keep(const std::string& text) { return texts.Keep(text); }
  uint32_t NextCorrelation();
  // Next correlation ids will be 0xFFFFFFF0 and so on, past the wrap.
  void JumpBeforeWrap() { correlation_ = 0xFFFFFFF0u; }

  Journal journal;
  ErrorPlan errors;
  FakeClock clock;
  Worker worker{"fake-cupti"};
  BufferDesk desk{journal, worker};
  Session session{journal};
  World world;
  HeldRecords held;
  Texts texts, device_names;
  Personality personality;  // set at load and reset, between sessions
  int driver_version = 13000;
  // While a script asked for it, unforced flushes of the client find nothing; waits for one under way.
  void BeQuiet();
  void EndQuiet() { --quiet_scripts_; }

 private:
  FakeGpu();
  void ReadEnvironment();
  std::string default_personality_;
  std::atomic<uint32_t> correlation_{1};
  std::mutex unforced_flush_mutex_;  // over the whole flush
  std::atomic<uint32_t> quiet_scripts_{0};
};

}  // namespace fakegpu
