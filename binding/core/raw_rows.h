// Plain rows on their way to a recording: what importers, buildCapture and the
// Perfetto reader know before nesting. nest.cc turns them into a Recording.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "column.h"
#include "columns.h"
#include "status.h"

namespace opscope {

struct RawThread {
  std::string name;
  int64_t os_thread_id = 0;
  int32_t js_thread_id = -1;
  uint32_t process = 0;  // index into RawRows::processes
};

struct RawAttribute {
  AttributeRow value;  // value.row indexes RawRows spans as given
};

// All columns of one table have the same size, except that the id columns are
// empty when no span has an id. Times are ns since session start.
struct RawRows {
  std::vector<ProcessEntry> processes;  // of a merged recording
  std::vector<RawThread> threads;
  std::vector<NameEntry> names;
  std::vector<std::string> strings;

  Column<uint32_t> span_thread;
  Column<uint32_t> span_name;
  Column<int64_t> span_start_ns;
  Column<int64_t> span_end_ns;  // kOpenEnd: unfinished
  Column<uint8_t> span_flags;   // kAsync: not nested by time; kError
  Column<uint64_t> span_id, span_parent_id, span_trace_high, span_trace_low;  // 0: none
  // Optional, from capture files: the parent's row as given, or kNoParent. Then
  // everything is known: threads and spans keep their order and flags, nothing is
  // nested, span_parent_id is a parent outside and MarkRow::span is the row as given.
  Column<int32_t> span_parent;
  Column<AsyncRow>
      span_returns;  // row as given; optional, for kAsync spans that say when their body returned
  Column<AttributeRow> attributes;  // row indexes spans as given
  Column<LinkRow> links;            // likewise
  Column<MarkRow> marks;            // span is ignored, found again by time
  Column<CounterRow> counters;
  Column<LaunchRow> launches;  // span is ignored, found again
  Column<GpuRow> gpu;          // launch and span are ignored, found again
  Column<BracketRow> unseen_brackets;
  Column<ContextRow> contexts;  // span indexes spans as given; apart on each thread
  GpuDetails gpu_details;       // kernels index gpu as given; spans of memory rows are found again
  std::vector<PauseRow> pauses;
  std::vector<Warning> warnings;

  int64_t duration_ns = 0;  // 0: up to the last end
  int64_t origin_epoch_ns = 0, origin_clock_ns = 0, process_id = 0;
  uint64_t dropped = 0;
  std::string meta_json = "{}";
};
constexpr int64_t kOpenEnd = INT64_MIN;

// Nests, orders and attributes. On one thread: spans sort by start, longer
// first, then as given, and nest by containment; a span that overlaps its
// neighbour without being inside it becomes kAsync and is counted in a warning
// "overlapping-spans". A parent id that is found wins over time. Pure.
Status BuildRecording(RawRows&& rows, std::shared_ptr<const Recording>* out);

// Shared with the merge of thread logs (attribution.cc). Call once, on a
// recording whose spans are complete and whose launches and gpu rows have no
// span yet: gives each launch to the innermost span open on its thread at its
// start (an async one is open during its synchronous part), else to the
// span that its thread works for, else to the only bracket in flight, turns each copy launch into a row of
// Role::kCopy under it (the row indices of all tables move), joins GPU rows and allocations to launches by
// correlation id, and adds the time of rows to the span and all its ancestors.
void AttributeGpu(Recording* recording);

}  // namespace opscope
