// Field numbers of the Perfetto trace protos that we write or read (google/perfetto
// v58, protos/perfetto/trace), and what a capture of ours adds to them.
#pragma once

#include <array>
#include <cstdint>

namespace opscope::perfetto {

namespace packet {
constexpr uint32_t kClockSnapshot = 6, kTimestamp = 8, kSequenceId = 10, kTrackEvent = 11, kInternedData = 12,
                   kSequenceFlags = 13, kProcessDescriptor = 43, kThreadDescriptor = 44,
                   kCompressedPackets = 50, kGpuEvent = 53, kTimestampClockId = 58, kDefaults = 59,
                   kTrackDescriptor = 60, kFirstOnSequence = 87, kZstdPackets = 133;
}  // namespace packet
enum SequenceFlag : uint32_t { kStateCleared = 1, kNeedsState = 2 };

namespace snapshot {
constexpr uint32_t kClocks = 1, kPrimaryClock = 2;
constexpr uint32_t kClockId = 1, kTimestamp = 2, kIsIncremental = 3, kUnitMultiplier = 4;
}  // namespace snapshot
namespace defaults {
constexpr uint32_t kTrackEvent = 11, kTimestampClockId = 58;
}  // namespace defaults
namespace interned {
constexpr uint32_t kCategories = 1, kEventNames = 2, kAnnotationNames = 3, kContexts = 23,
                   kSpecifications = 24, kStrings = 29, kKernels = 1000;
constexpr uint32_t kIid = 1, kText = 2;
constexpr uint32_t kContextPid = 2, kContextApi = 3, kSpecificationCategory = 4;
constexpr uint32_t kApiCuda = 4, kCategoryCompute = 2;
}  // namespace interned
namespace track {
constexpr uint32_t kUuid = 1, kName = 2, kProcess = 3, kThread = 4, kParent = 5, kCounter = 8;
constexpr uint32_t kPid = 1, kProcessName = 6, kTid = 2, kThreadName = 5;
}  // namespace track
namespace event {
constexpr uint32_t kCategoryIids = 3, kAnnotations = 4, kType = 9, kNameIid = 10, kTrackUuid = 11,
                   kCategories = 22, kName = 23, kCounterValue = 30, kDoubleCounterValue = 44,
                   kCorrelationId = 52, kGpuCorrelation = 3000, kGpuApi = 3001;
constexpr uint32_t kSubmissionEventIds = 1;
}  // namespace event
enum EventType : uint32_t { kBegin = 1, kEnd = 2, kInstant = 3, kCounterValueType = 4 };
namespace annotation {
constexpr uint32_t kNameIid = 1, kBool = 2, kUint = 3, kInt = 4, kDouble = 5, kString = 6, kPointer = 7,
                   kName = 10, kDict = 11, kArray = 12, kStringIid = 17;
}  // namespace annotation
namespace gpu {
constexpr uint32_t kEventId = 1, kDuration = 2, kHwQueueId = 3, kContext = 5, kExtraData = 6,
                   kSubmissionId = 10, kGpuId = 11, kHwQueueIid = 13, kStageIid = 14, kName = 17,
                   kKernelIid = 19, kNameIid = 20, kLaunch = 21;
constexpr uint32_t kLaunchArgs = 3;
constexpr uint32_t kArgName = 2, kArgInt = 3, kArgUint = 4;
}  // namespace gpu

constexpr uint32_t kRealtimeClock = 1, kMonotonicClock = 3, kBoottimeClock = 6;

// What a capture of ours adds.
//
// Sequence 1 holds the capture's own tables, then one sequence for each thread
// in the order of Recording::threads, then one for the GPU rows.
constexpr uint32_t kMetaSequence = 1, kFirstThreadSequence = 2;

// Sequence-scoped clocks, both 0 at session start. Slices of a thread come in
// time order on the incremental one (1 to 3 bytes a time instead of 5 to 8);
// whatever does not fit that order uses the plain one.
constexpr uint32_t kIncrementalClock = 64, kSessionClock = 65;

// Numbers of debug annotation names. Those below kFirstKey are ours and mean
// what they say only under these numbers: a user's key may have the same text.
namespace note {
enum Note : uint32_t {
  kSpanId = 1,
  kParentSpanId,  // of a parent outside the capture
  kTraceId,       // 32 hex digits
  kLink,          // "trace id-span id" in hex
  kAsync,
  kError,
  kTimed,
  kReturnNs,    // int: since session start
  kParentRow,   // uint: 1 + the parent's place among the span rows of the file, 0: a root;
                // absent: the row on top of the thread's open slices
  kSyncPart,    // a slice for the eye: the synchronous part of the async row before it
  kFromLaunch,  // a slice for the eye: the launch of a copy, told by its own event
  kCount
};
}  // namespace note
constexpr std::array<const char*, note::kCount> kNoteNames = {
    "",      "span_id", "parent_span_id", "trace_id",   "link",      "async",
    "error", "timed",   "return_ns",      "parent_row", "sync_part", "from_launch"};
// Annotation name of key string k: kFirstKey + k. Event name n: 1 + n for
// Recording::names, 1 + names + s for string s. String value s: 1 + s.
constexpr uint32_t kFirstKey = 32;

// Instants of sequence 1 at the session's start, with inline names so that they
// read without any state. The head comes first; the tables may take several.
constexpr const char* kHeadEvent = "opscope capture";
constexpr const char* kNamesEvent = "opscope names";
constexpr const char* kThreadsEvent = "opscope threads";
constexpr const char* kWarningsEvent = "opscope warnings";
constexpr const char* kPausedEvent = "paused";
constexpr uint64_t kFormatVersion = 1;

// Stages of GPU rows: kind + 1. Hardware queues are numbered from kFirstQueue.
constexpr uint32_t kFirstQueue = 16;
// A GPU context is its own iid, which may not be 0.
constexpr uint64_t kContextZero = uint64_t{1} << 32;
constexpr uint64_t ContextIid(uint32_t context) noexcept {
  return context == 0 ? kContextZero : context;
}  // namespace note

}  // namespace opscope::perfetto
