// A session: a window on the thread logs, applied when they are merged.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "clock.h"
#include "columns.h"

namespace opscope {

struct Chunk;

struct SessionOptions {
  uint32_t category_mask = ~0u;
  bool is_paused = false;
  bool is_detailed = false;  // op instances are wanted (AllOpDetail)
  bool is_exact = false;     // JavaScript's async contexts are to be followed
};

// Totals over all logs, living and gone.
struct RecorderCounts {
  uint64_t dropped_spans = 0, dropped_details = 0, unmatched_ends = 0, disordered_ends = 0, foreign_ends = 0;
  uint64_t unmatched_releases = 0;
  uint64_t names_changed = 0, names_overflowed = 0;

  RecorderCounts operator-(const RecorderCounts& other) const noexcept;
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
};

// What a thread's log held when the session stopped. The chunks stay as they
// are until the recorder is told that the merge is over.
struct LogSnapshot {
  struct Piece {
    const Chunk* chunk;
    uint32_t words;
  };
  std::vector<Piece> pieces;
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
