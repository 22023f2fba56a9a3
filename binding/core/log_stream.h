// A session's records on their way to a file while it goes on recording.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "chunk_pool.h"
#include "columns.h"
#include "session.h"

namespace opscope {

// What its thread has published of a chunk, from word `at` on.
inline LogPiece PieceOf(const Chunk& chunk, uint32_t at) noexcept {
  const uint32_t used = chunk.used.load(std::memory_order_acquire);
  return {chunk.words + at, used - at, chunk.open_at_start, chunk.first_ticks};
}

// How far each log was taken. Under the recorder's mutex.
struct StreamPlace {
  struct Cursor {
    const Chunk* chunk = nullptr;
    uint32_t at = 0;     // words taken of it
    uint32_t index = 0;  // of the log in this stream, by first appearance
  };
  std::unordered_map<uint32_t, Cursor> logs;  // by ThreadLog::id
  uint32_t next_index = 0;
  size_t name_count = 0;
  int reset_count = -1;  // of the session when it was last taken
};

// What came since the last batch. The pieces lie in chunks that stay as they are
// until the batch is released.
struct StreamBatch {
  struct Log {
    uint32_t id = 0;     // ThreadLog::id
    uint32_t index = 0;  // in order of appearance, from 0
    int64_t os_thread_id = 0;
    int32_t js_thread_id = -1;
    std::string thread_name;
    uint32_t unseen_brackets = 0;
    std::vector<LogPiece> pieces;  // none: nothing new
    StreamPlace::Cursor next;
  };
  std::vector<Log> logs;  // of living threads, and of ended ones that have records left
  Session session;
  std::vector<ClockPoint> clock_points;
  std::vector<NameEntry> names;  // new ones, from first_name on
  size_t first_name = 0;
  RecorderCounts counts;  // since the session's start
  int64_t process_id = 0;
  bool is_first = false;  // of its stream: at the start, and after a reset
  bool has_more = false;  // a batch is bounded: take the next one at once
};

}  // namespace opscope
