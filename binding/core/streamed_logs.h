// The records of a session as its file gives them back (log_stream.h is the way there).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "columns.h"
#include "gpu_source.h"
#include "raw_rows.h"
#include "session.h"

namespace opscope {

struct StreamedThread {
  std::string name;
  int64_t os_thread_id = 0;
  int32_t js_thread_id = -1;
  uint32_t unseen_brackets = 0;
  std::vector<uint64_t> words;  // records; their ticks are ns of CLOCK_MONOTONIC
};

struct StreamedPause {
  int64_t start_ns = 0, end_ns = -1;  // since session start; -1: was open
  bool is_unseen = false;             // began while an unseen bracket was in flight
};

struct StreamedLogs {
  std::vector<StreamedThread> threads;
  std::vector<NameEntry> names;  // by index of the records' name ids
  std::vector<StreamedPause> pauses;
  std::vector<GpuRangeRow> ranges;  // text: index into range_texts
  std::vector<std::string> range_texts;
  RecorderCounts counts;
  uint32_t category_mask = ~0u;
};

// As the session itself would have been merged: MergeLogs, then AttachGpu. Of
// `rows` the launches, GPU rows, warnings and facts of the session are used.
std::shared_ptr<Recording> MergeStreamed(StreamedLogs&& logs, RawRows&& rows);

}  // namespace opscope
