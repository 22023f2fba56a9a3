// A session: a window on the thread logs, applied when they are merged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"
#include "columns.h"

namespace opscope {

class GpuSource;     // gpu_source.h
struct StreamPlace;  // log_stream.h

struct SessionOptions {
  uint32_t category_mask = ~0u;
  bool is_paused = false;
  bool is_detailed = false;  // op instances are wanted (AllOpDetail)
  bool is_exact = false;     // JavaScript's async contexts are to be followed
  bool is_streamed = false;  // records are taken while the session goes on (log_stream.h)
  bool is_recycled = false;  // taken records may be given back: only where they went to has them then
  // Bytes of the pool in use from which on that is done; 0: half of it.
  size_t recycle_bytes = 0;
  // The window's beginning moves: what is older is forgotten, and when memory
  // runs low more than that.
  bool is_moving = false;
  uint64_t keep_ns = 0;              // of a moving window; 0: as much as memory holds
  GpuSource* gpu_to_trim = nullptr;  // of a moving window: forgets what is older
};

// Totals over all logs, living and gone.
struct RecorderCounts {
  uint64_t dropped_spans = 0, dropped_details = 0, unmatched_ends = 0, disordered_ends = 0, foreign_ends = 0;
  uint64_t unmatched_releases = 0;
  uint64_t names_changed = 0, names_overflowed = 0;

  RecorderCounts operator-(const RecorderCounts& other) const noexcept;
  bool operator==(const RecorderCounts&) const = default;
};

// A count as files name it, and the warning that tells of it.
struct RecorderCount {
  uint64_t RecorderCounts::*field;
  const char* name;
  const char* code;
  const char* detail;
};
constexpr RecorderCount kRecorderCounts[] = {
    {&RecorderCounts::dropped_spans, "dropped_spans", "dropped-spans",
     "spans found no room in the buffer; raise bufferMB or profile a shorter window"},
    {&RecorderCounts::dropped_details, "dropped_details", "dropped-details",
     "marks, counters, attributes or links found no room in the buffer"},
    {&RecorderCounts::unmatched_ends, "unmatched_ends", "unmatched-ends",
     "end() without a begin(): one too many, or begun before the session"},
    {&RecorderCounts::disordered_ends, "disordered_ends", "disordered-ends",
     "spans were ended while a span begun later was still open"},
    {&RecorderCounts::foreign_ends, "foreign_ends", "foreign-ends",
     "spans were ended on another thread than they were begun on, and stay unfinished"},
    {&RecorderCounts::unmatched_releases, "unmatched_releases", "unmatched-releases",
     "native code released what its thread had not adopted, or had released already"},
    {&RecorderCounts::names_changed, "names_changed", "changed-names",
     "names were empty, too long or not valid UTF-8, and were made storable"},
    {&RecorderCounts::names_overflowed, "names_overflowed", "too-many-names",
     "new names beyond a million share one row; keep ids out of names"},
};

// Plain data under the recorder's mutex.
struct Session {
  int id = 0;
  SessionOptions options;
  uint64_t start_ticks = 0;  // moved forward by a reset
  uint64_t stop_ticks = UINT64_MAX;
  int64_t start_epoch_ns = 0;
  std::vector<std::pair<uint64_t, uint64_t>> pauses;  // [from, to) in ticks; the last may be open
  std::vector<uint64_t> unseen_until;  // pauses that began while an unseen bracket was in flight
  RecorderCounts counts_at_start;
  bool is_paused = false;
  int reset_count = 0;
  std::shared_ptr<StreamPlace> stream;  // null: its records go nowhere before it stops
  // Records of the window were given back after they had gone to the stream:
  // the logs alone no longer hold the recording.
  bool is_partial = false;
  // Of a moving window: memory ran low, and what lies before was forgotten before its time.
  uint64_t forgotten_ticks = 0;
  bool is_released = false;         // gone once no snapshot needs it
  std::vector<uint64_t> snapshots;  // where the windows begin that are being merged while it goes on
};

// Records of one thread, in order: what a chunk of its log held, or what a file did.
struct LogPiece {
  const uint64_t* words;
  uint32_t count;
  uint32_t open_at_start;  // entries of the stack whose begins came before
  uint64_t first_ticks;    // no record here is older
};

// What a thread's log held when the session stopped. Whoever owns the words
// keeps them until the merge is over.
struct LogSnapshot {
  std::vector<LogPiece> pieces;
  int64_t os_thread_id = 0;
  int32_t js_thread_id = -1;
  std::string thread_name;
  uint32_t unseen_brackets = 0;  // in flight at the stop
};

// All that a merge needs; it touches nothing else.
struct MergeInput {
  Session session;
  std::vector<LogSnapshot> logs;
  std::vector<ClockPoint> clock_points;  // the first is the session's start or older
  std::vector<NameEntry> names;          // by index
  RecorderCounts counts;                 // since the session's start
  int64_t process_id = 0;
};

}  // namespace opscope
