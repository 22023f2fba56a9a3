// The merged recording as plain columns. Built once by merge.cc (from thread
// logs) or nest.cc (from plain rows and files), then never written again: any
// thread may read it. This file is the contract between the core, the format
// writers and JavaScript.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "column.h"

namespace opscope {

// What a span is to the op report. Values are stored in files: append only.
enum class Role : uint8_t {
  kOp = 0,        // an op, a stage, a user's section
  kPhase = 1,     // compute, infer_shape, prepare_data inside an op
  kInstance = 2,  // one instance of an op; NameEntry::instance tells which
  kSpecial = 3,   // outer scope shared by worker threads (ParallelExecutor::Run)
  kCopy = 4,      // a copy API call, named as the GpuMemcpy summary expects
  kSample = 5,    // a frame that a sampling profiler saw: no op, in no total
};

// "op", "phase", "instance", ...: the spelling of plain rows.
const char* RoleName(Role role) noexcept;

// Categories filter within a state. Values are bit numbers of the recording
// gate and are stored in files: append only, at most 16.
enum class Category : uint8_t {
  kUser = 0,
  kSection = 1,
  kInference = 2,
  kCpuOp = 3,
  kRuntimeApi = 4,
  kDevice = 5,
  kMemcpy = 6,
  kSync = 7,
  kOverhead = 8,
  kGc = 9,
  kEventLoop = 10,
  kRequest = 11,
};
constexpr uint32_t kCategoryCount = 12;
// "user", "section", "inference", "cpu_op", ...: the spelling of the option.
const char* CategoryName(Category category) noexcept;

struct NameEntry {
  std::string text;      // valid UTF-8, never empty
  std::string instance;  // only for Role::kInstance, else empty
  Category category = Category::kUser;
  Role role = Role::kOp;
  bool operator==(const NameEntry&) const = default;
};

struct ThreadEntry {
  std::string name;           // may be empty
  int64_t os_thread_id = 0;   // 0: unknown
  int32_t js_thread_id = -1;  // worker_threads.threadId; 0 main, -1 not a JS thread
  // Rows [first_row, first_row + row_count) of the span columns are this
  // thread's: begin order, so a parent on the same thread precedes its children.
  uint32_t first_row = 0;
  uint32_t row_count = 0;
  uint32_t process = 0;  // index into Recording::processes; 0 where there are none
};

// One process of a merged recording. Its threads, pauses and so on name it by its index.
struct ProcessEntry {
  std::string host;              // empty: unknown
  std::string name;              // what it ran; empty: unknown
  std::string meta_json = "{}";  // Recording::meta_json of its own recording
  int64_t id = 0;                // the system's; 0: unknown. Hosts may share numbers.
  int64_t start_ns = 0;          // of its session, since the merged recording's start
  int64_t duration_ns = 0;       // of its session
  int64_t origin_epoch_ns = 0;   // as its own clocks said
  int64_t origin_clock_ns = 0;
  uint64_t dropped = 0;
  // GPU contexts are numbered anew: those from here on are its, up to those of the next process.
  uint32_t first_context = 0;
  bool operator==(const ProcessEntry&) const = default;
};

enum SpanFlag : uint8_t {
  kAsync = 1,       // not LIFO on its thread: has an AsyncRow, drawn on a lane
  kUnfinished = 2,  // open at stop: duration_ns holds the time up to the stop
  kError = 4,       // the body threw or rejected
  kTimed = 8,       // given with both times (GC, imported node rows), not by begin and end
  kBracket = 16,    // around a native call that may launch GPU work from threads of its own
};

constexpr int32_t kNoParent = -1;

struct SpanColumns {
  Column<int64_t> start_ns;     // since session start
  Column<int64_t> duration_ns;  // >= 0
  Column<uint32_t> name;        // index into Recording::names
  Column<int32_t> parent;       // row, or kNoParent
  Column<uint8_t> flags;        // SpanFlag
  // Inclusive GPU time; empty when the recording holds no GPU rows.
  Column<int64_t> gpu_ns;
  size_t size() const noexcept { return start_ns.size(); }
};

// For rows with kAsync: when the synchronous part of the body returned.
struct AsyncRow {
  int64_t return_ns;  // since session start; == start_ns where nothing ran synchronously
  uint32_t row;
};

// Rows that carry ids (record, span; never op): ascending by row.
struct IdRow {
  uint64_t span_id;
  uint64_t remote_parent_id;  // parent outside this recording, 0: none
  uint64_t trace_id_high;     // 0/0: none
  uint64_t trace_id_low;
  uint32_t row;
};

// A bracket that has no row (its category was off, it began before the window,
// in a pause, or found no room), yet may have launched.
struct BracketRow {
  int64_t start_ns, end_ns;
  uint32_t process = 0;
};

// While the thread worked for the span: an addon's thread that adopted it, or
// JavaScript's while the span's async context ran. Of nested ones the innermost
// is told, so those of a thread are apart.
struct ContextRow {
  int64_t start_ns, end_ns;
  uint32_t thread;
  int32_t span;
};

enum class AttributeType : uint8_t { kString = 0, kDouble = 1, kInt = 2, kBool = 3 };
struct AttributeRow {
  union {
    double number;
    int64_t integer;  // also 0/1 for kBool, and for kString the index into Recording::strings
  };
  uint32_t row;
  uint32_t key;  // index into Recording::strings
  AttributeType type;
};
struct LinkRow {
  uint64_t trace_id_high, trace_id_low, span_id;
  uint32_t row;
};

struct MarkRow {
  int64_t at_ns;
  uint32_t name;    // index into names
  uint32_t thread;  // index into threads
  int32_t span;     // innermost span open there, or kNoParent
};
struct CounterRow {
  int64_t at_ns;
  double value;
  uint32_t name;
  uint32_t thread;
};

// How the span of a launch was found, where none was open on its thread.
enum LaunchFlag : uint8_t {
  kByExclusion = 1,  // it is the one bracket in flight across the whole call
  kByContext = 2,    // it is the one that the thread worked for
};

// CUPTI's clock is mapped to ours with an error of some 100 ns, more where the
// host is busy: by so much two times of the two clocks may seem swapped.
constexpr int64_t kGpuClockErrorNs = 1'000;

// A CUDA API call on a host thread.
struct LaunchRow {
  int64_t start_ns, end_ns;
  uint64_t correlation_id;
  uint32_t name;  // index into strings
  uint32_t thread;
  int32_t span;       // innermost span open at start_ns, or kNoParent; for a copy the copy's own row
  uint8_t flags = 0;  // LaunchFlag
};
static_assert(sizeof(LaunchRow) == 40);
enum class GpuKind : uint8_t { kKernel = 0, kCopy = 1, kFill = 2, kSync = 3 };
enum class MemoryKind : uint8_t {
  kUnknown = 0,
  kPageable = 1,
  kPinned = 2,
  kDevice = 3,
  kArray = 4,
  kManaged = 5,
  kPeer = 6,
};
// Memory of the host, as against that of a device or of nobody knows what.
constexpr bool IsHostMemory(MemoryKind kind) noexcept {
  return kind == MemoryKind::kPageable || kind == MemoryKind::kPinned;
}
struct GpuRow {
  int64_t start_ns, end_ns;
  uint64_t correlation_id;
  uint64_t bytes;
  uint32_t name;  // index into strings
  uint32_t device, context, stream;
  int32_t launch;  // index into launches, or -1
  int32_t span;    // the row that its time was given to, or kNoParent (an orphan)
  GpuKind kind;
  MemoryKind from, to;
};

// What a kernel row has beyond a GpuRow.
struct KernelRow {
  uint64_t graph_node_id;
  uint64_t queued_ns, submitted_ns;  // CUPTI's own clock, 0: not recorded
  uint32_t row;                      // index into the gpu rows
  uint32_t graph_id;
  uint32_t grid_x, grid_y, grid_z, block_x, block_y, block_z;
  uint32_t static_shared_bytes, dynamic_shared_bytes, executed_shared_bytes;
  uint32_t local_bytes_per_thread;
  uint16_t registers_per_thread;
};

struct GpuDevice {
  uint32_t id = 0;
  std::string name;
  std::string uuid;  // 32 hex digits, empty when unknown
  uint64_t memory_bytes = 0, memory_bandwidth_kb_per_s = 0;
  uint32_t compute_major = 0, compute_minor = 0, multiprocessors = 0, copy_engines = 0;
  uint32_t max_warps_per_sm = 0, max_blocks_per_sm = 0, max_shared_per_sm = 0, max_registers_per_sm = 0;
  uint32_t max_registers_per_block = 0, max_shared_per_block = 0, core_clock_khz = 0;
  bool is_mig = false;
  // Of a merged recording, where devices are numbered anew.
  uint32_t process = 0;  // the first that used it: its host has the device
  uint32_t ordinal = 0;  // what that process calls it
};
struct GpuContext {
  uint32_t id = 0, device = 0, null_stream = 0;
};
struct GpuStreamName {
  uint32_t context = 0, stream = 0;
  std::string name;
};

// Time that the tool itself cost on the GPU side, as CUPTI tells it.
struct GpuOverheadRow {
  int64_t start_ns, end_ns;
  uint32_t kind;  // CUPTI's overhead kind
  uint32_t process = 0;
};

// An allocation or release, where memory records were asked for.
struct GpuMemoryRow {
  int64_t at_ns;
  uint64_t address, bytes, correlation_id;
  uint32_t device, context, stream;
  int32_t span;  // innermost span open at the call, or kNoParent
  MemoryKind kind;
  bool is_release;
};

// What a GPU back end tells beside the rows of activity.
struct GpuDetails {
  Column<KernelRow> kernels;         // ascending by row; not every kernel has one
  Column<GpuOverheadRow> overheads;  // by start
  Column<GpuMemoryRow> memory;       // by time
  std::vector<GpuDevice> devices;
  std::vector<GpuContext> contexts;
  std::vector<GpuStreamName> stream_names;
};

struct PauseRow {
  int64_t start_ns, end_ns;
  uint32_t process = 0;
};
struct Warning {
  std::string code;  // "dropped-spans", "unmatched-ends", ...
  std::string detail;
  uint64_t count = 0;
};

struct Recording {
  std::vector<NameEntry> names;
  // None: a recording of one process. Else it is merged (merge_recordings.h), and these are by start.
  std::vector<ProcessEntry> processes;
  std::vector<ThreadEntry> threads;  // by process, then first event
  SpanColumns spans;
  Column<AsyncRow> asyncs;          // ascending by row
  Column<IdRow> ids;                // ascending by row
  Column<AttributeRow> attributes;  // ascending by row, in the order they were set
  Column<LinkRow> links;            // ascending by row
  Column<MarkRow> marks;            // by thread, then time
  Column<CounterRow> counters;      // by thread, then time
  Column<LaunchRow> launches;       // by thread, then start
  Column<GpuRow> gpu;               // by start
  GpuDetails gpu_details;
  Column<BracketRow> unseen_brackets;
  Column<ContextRow> contexts;   // by thread, then start
  std::vector<PauseRow> pauses;  // by process, then start
  std::vector<std::string> strings;
  std::vector<Warning> warnings;

  int64_t duration_ns = 0;      // of the session
  int64_t origin_epoch_ns = 0;  // wall clock at session start, Unix epoch
  int64_t origin_clock_ns = 0;  // CLOCK_MONOTONIC at session start
  int64_t process_id = 0;       // of a merged recording the first one's
  uint64_t dropped = 0;         // spans that found no room
  uint64_t unfinished = 0;      // rows with kUnfinished
  // What only TypeScript knows (options, versions, GPU reason, attributes of
  // the session), as JSON text; carried through files unread.
  std::string meta_json = "{}";
};

}  // namespace opscope
