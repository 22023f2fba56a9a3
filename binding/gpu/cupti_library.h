// The user's libcupti, opened at first need: nothing of it is linked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cupti_abi.h"
#include "cupti_layout.h"
#include "cupti_search.h"

namespace opscope::gpu {

// Entry points. Those below the line may be null: older libraries lack them.
struct CuptiApi {
  cupti::GetVersion get_version;
  cupti::GetResultString get_result_string;
  cupti::GetTimestamp get_timestamp;
  cupti::RegisterCallbacks register_callbacks;
  cupti::OfKind enable;
  cupti::OfKind disable;
  cupti::FlushAll flush_all;
  cupti::GetNextRecord get_next_record;
  cupti::GetNumDroppedRecords get_num_dropped_records;
  cupti::SetAttribute set_attribute;
  cupti::Subscribe subscribe;
  cupti::Unsubscribe unsubscribe;
  cupti::GetCallbackName get_callback_name;
  // optional
  cupti::OfKind enable_and_dump;              // 11.7
  cupti::SetThreadIdType set_thread_id_type;  // 11.2
  cupti::EnableCallback enable_callback;      // 11.2
  cupti::EnableApi enable_runtime_api;        // 12.5
  cupti::EnableApi enable_driver_api;         // 12.5
  cupti::SubscribeV2 subscribe_v2;            // 13.0

  // "CUPTI_ERROR_NOT_INITIALIZED (15)"
  std::string ResultText(cupti::Result result) const;
};

// Faults of releases that change what a capture can be trusted with.
struct CuptiDefects {
  bool disabling_kernels_can_hang = false;
  bool null_buffer_crashes = false;
  std::string always;             // a sentence for every capture; empty: none
  std::string when_no_kernels;    // likewise, where launches but no kernels came
  std::string in_later_sessions;  // likewise, from the second session on, where a graph's kernels show it
};
CuptiDefects DefectsOf(uint32_t version);

// Immutable after loading. Never closed: CUPTI keeps threads and callbacks.
struct CuptiLibrary {
  CuptiApi api{};
  std::string path;
  uint32_t version = 0;
  int major = 0;  // of the CUDA release
  // The second form of Subscribe may be asked who holds CUPTI. From 13.2 on it
  // belongs to another interface, which does not mix with the one we use.
  bool tells_holder = false;
  RecordLayout layout;
  CuptiDefects defects;
};

struct CuptiOutcome {
  std::unique_ptr<const CuptiLibrary> library;
  std::string reason;  // "cupti-missing", "cupti-unusable", or empty
  std::string detail;  // what was tried and why it would not do
};
// Takes the first candidate that opens, has every mandatory symbol, tells its
// version and knows kernel records that we can read. Control thread.
CuptiOutcome LoadCupti(const CuptiSearch& search);
// The process's environment and mapped libraries.
CuptiSearch SearchOfProcess(int driver_version);

}  // namespace opscope::gpu
