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
                   kTrackDescriptor = 60, kFirstOnSequence = 87, kGpuInfo = 128, kZstdPackets = 133;
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
                   kSpecifications = 24, kStrings = 29, kKernels = 1000, kLaunchArgNames = 1001;
constexpr uint32_t kIid = 1, kText = 2;
constexpr uint32_t kContextPid = 2, kContextApi = 3, kSpecificationCategory = 4;
constexpr uint32_t kApiCuda = 4, kCategoryCompute = 2;
}  // namespace interned
namespace track {
constexpr uint32_t kUuid = 1, kName = 2, kProcess = 3, kThread = 4, kParent = 5, kCounter = 8;
constexpr uint32_t kPid = 1, kProcessName = 6, kTid = 2, kThreadName = 5;
constexpr uint32_t kCounterUnit = 3, kUnitBytes = 3;
}  // namespace track
namespace event {
constexpr uint32_t kCategoryIids = 3, kAnnotations = 4, kType = 9, kNameIid = 10, kTrackUuid = 11,
                   kCategories = 22, kName = 23, kCounterValue = 30, kDoubleCounterValue = 44, kFlowIds = 47,
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
constexpr uint32_t kGrid = 1, kWorkgroup = 2, kLaunchArgs = 3;
constexpr uint32_t kX = 1, kY = 2, kZ = 3;
constexpr uint32_t kArgNameIid = 1, kArgName = 2, kArgInt = 3, kArgUint = 4, kArgString = 6;
}  // namespace gpu
namespace gpu_info {
constexpr uint32_t kGpus = 1;
constexpr uint32_t kName = 1, kVendor = 2, kArchitecture = 4, kUuid = 5, kExtra = 6;
constexpr uint32_t kKey = 1, kValue = 2;
}  // namespace gpu_info

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
  kBracket,
  kLeft,       // of an END in a stream: the span goes on, its body's synchronous part is over
  kForTheEye,  // of an END in a stream: a record tells the same better
  kRoot,       // of a BEGIN in a stream: nothing is its parent
  kCount
};
}  // namespace note
constexpr std::array<const char*, note::kCount> kNoteNames = {
    "",          "span_id",    "parent_span_id", "trace_id",    "link",    "async", "error",       "timed",
    "return_ns", "parent_row", "sync_part",      "from_launch", "bracket", "left",  "for_the_eye", "root"};
// The same on the sequence of the GPU rows, whose other events these are.
namespace gpu_note {
enum GpuNote : uint32_t {
  kFirst = 16,
  kOverhead = kFirst,  // uint: CUPTI's kind; of a slice
  kBytes,              // uint: of an allocation or release, which a counter tells
  kAddress,
  kKind,  // string
  kRelease,
  kDevice,
  kContext,
  kStream,
  kCorrelation,
  kEnd
};
}  // namespace gpu_note
constexpr std::array<const char*, gpu_note::kEnd - gpu_note::kFirst> kGpuNoteNames = {
    "kind", "bytes", "address", "memory", "release", "device", "context", "stream", "correlation"};

// Annotation name of key string k: kFirstKey + k. Event name n: 1 + n for
// Recording::names, 1 + names + s for string s. String value s: 1 + s.
constexpr uint32_t kFirstKey = 32;
static_assert(uint32_t{note::kCount} <= gpu_note::kFirst && gpu_note::kEnd <= kFirstKey);

// Numbers of launch argument names. Perfetto's GPU panels know device, stream
// and launch__*; those of grid and block are told again there, as products.
namespace launch_arg {
enum LaunchArg : uint32_t {
  kUnknown = 0,
  kDevice,
  kStream,
  kBytes,
  kFrom,  // string; a number in files of format 1 that were written before
  kTo,
  kCorrelation,
  kGridSize,
  kBlockSize,
  kThreadCount,
  kRegisters,
  kStaticShared,
  kDynamicShared,
  kExecutedShared,
  kLocalPerThread,
  kGraph,
  kGraphNode,
  kQueuedNs,
  kSubmittedNs,
  kEnd
};
}  // namespace launch_arg
constexpr std::array<const char*, launch_arg::kEnd> kLaunchArgNames = {
    "",
    "device",
    "stream",
    "bytes",
    "from",
    "to",
    "correlation",
    "launch__grid_size",
    "launch__block_size",
    "launch__thread_count",
    "launch__registers_per_thread",
    "launch__shared_mem_per_block_static",
    "launch__shared_mem_per_block_dynamic",
    "launch__shared_mem_per_block_allocated",
    "local_bytes_per_thread",
    "graph",
    "graph_node",
    "queued_ns",
    "submitted_ns"};

// Instants of sequence 1 at the session's start, with inline names so that they
// read without any state. The head comes first; the tables may take several.
constexpr const char* kHeadEvent = "opscope capture";
constexpr const char* kNamesEvent = "opscope names";
constexpr const char* kProcessesEvent = "opscope processes";  // of a merged recording
constexpr const char* kThreadsEvent = "opscope threads";
constexpr const char* kWarningsEvent = "opscope warnings";
constexpr const char* kDevicesEvent = "opscope devices";
constexpr const char* kContextsEvent = "opscope contexts";
constexpr const char* kStreamsEvent = "opscope streams";
constexpr const char* kUnseenBracketsEvent = "opscope unseen brackets";
constexpr const char* kWorkEvent = "opscope work for spans";  // Recording::contexts
constexpr const char* kPausedEvent = "paused";
// Of what is told by process in a merged recording: a cell of a table, an annotation of a slice.
constexpr const char* kProcessCell = "process";
constexpr uint64_t kFormatVersion = 1;

// A stream: a file that was written while its session went on. Its head has the
// field "stream"; its thread sequences hold records (core/record.h) instead of
// rows, in the order in which the thread made them, and those of all threads
// alternate. Slices of a thread's own track and instants are records; what no
// viewer could show is a record in a field that other readers skip. Tables grow,
// and a row with an index that was told before replaces the older one. Numbers
// leave room for words and threads that come later.
constexpr uint32_t kStreamNames = 1u << 20, kStreamThreads = 1u << 20;
constexpr uint32_t kStreamGpuSequence = kFirstThreadSequence + kStreamThreads;
constexpr uint32_t kStreamRecord = 60'017;  // of a packet; no field of Perfetto's is near
namespace stream_record {
constexpr uint32_t kKind = 1, kAtNs = 2, kWords = 3;  // at: int, since session start; words: 8 bytes each
}  // namespace stream_record
constexpr const char* kPausesEvent = "opscope pauses";
constexpr const char* kCountsEvent = "opscope counts";
constexpr const char* kRangesEvent = "opscope ranges";  // NVTX, before they are nested
constexpr const char* kEndEvent = "opscope end";  // the session was stopped, or goes on in the next file

// Stages of GPU rows: kind + 1. Hardware queues are numbered from kFirstQueue.
constexpr uint32_t kFirstQueue = 16;
// A GPU context is its own iid, which may not be 0.
constexpr uint64_t kContextZero = uint64_t{1} << 32;
constexpr uint64_t ContextIid(uint32_t context) noexcept {
  return context == 0 ? kContextZero : context;
}  // namespace note

}  // namespace opscope::perfetto
