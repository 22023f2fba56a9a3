// Brings request traces to their file, on a thread of its own.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "../core/writer_thread.h"
#include "request_trace_json.h"
#include "request_trace_target.h"

namespace opscope {

struct RequestTraceWriterOptions {
  RequestTraceForm form = RequestTraceForm::kFragments;
  uint64_t traces_per_file = 0;  // 0: any number
  uint64_t max_file_bytes = 0;   // a file is completed before it grows beyond; 0: never
  size_t max_pending_bytes = 64u << 20;
  std::chrono::milliseconds interval{250};  // until what could not be written is tried again
};

struct RequestTraceCounts {
  uint64_t written = 0;
  uint64_t dropped = 0;  // for want of room, or not written when the end came
  uint64_t write_errors = 0;
  uint64_t bytes = 0;
  uint64_t files = 0;
  std::string trouble;     // what the last error was
  std::string other_path;  // as RequestTraceTarget has it
};

// Thread-safe. A process that is killed loses what came since the last write, which follows each Add.
class RequestTraceWriter {
 public:
  RequestTraceWriter(std::unique_ptr<RequestTraceTarget> target, const RequestTraceWriterOptions& options);
  // As Close.
  ~RequestTraceWriter();
  RequestTraceWriter(const RequestTraceWriter&) = delete;
  RequestTraceWriter& operator=(const RequestTraceWriter&) = delete;

  // False: there is no room for it until the file takes some of what waits. Its traces are counted as
  // dropped, its names are not known: the next batch begins with its first name at 0. Throws std::bad_alloc.
  bool Add(RequestTraceBatch batch);
  // All that was added before the call is in the file afterwards, unless it fails.
  Status Flush();
  // The file is complete, as far as it could be written; nothing is written any more.
  void Close();
  RequestTraceCounts counts() const;

 private:
  // Each of these in its turn (WriterThread).
  Status Drain();
  Status DrainOrThrow();
  bool Fill();
  bool TakeBatch();
  Status Write();
  Status CompleteFile();
  void Finish();
  // What came of it, to the counts.
  void Note(const Status& status);

  const RequestTraceWriterOptions options_;
  const size_t write_bytes_;

  mutable std::mutex mutex_;  // of these
  std::deque<RequestTraceBatch> queue_;
  size_t queued_bytes_ = 0;
  bool is_closed_ = false;
  RequestTraceCounts counts_;

  // Of who drains.
  const std::unique_ptr<RequestTraceTarget> target_;
  RequestTraceJson json_;
  std::string text_;               // to be appended
  uint64_t text_traces_ = 0;       // that are in it
  uint64_t file_traces_ = 0;       // that are in the file that grows
  bool is_file_complete_ = false;  // and is to get its name
  bool is_finished_ = false;

  std::mutex close_mutex_;
  std::optional<WriterThread> thread_;  // from the first batch on; last: it uses all of the above
};

}  // namespace opscope
