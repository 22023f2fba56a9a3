// The thread that brings a session's records to its file while it goes on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "gpu_source.h"
#include "status.h"
#include "stream_sink.h"
#include "writer_thread.h"

namespace opscope {

// A file that has become too large, and the next one.
class Rotation {
 public:
  virtual ~Rotation() = default;
  // Whether a file of this size is full.
  virtual bool IsFull(uint64_t bytes) const noexcept = 0;
  // Opens the next file, not yet under its name. Null: not now.
  virtual std::unique_ptr<StreamSink> Open() = 0;
  // The older file is complete: both get their names.
  virtual void Swap() = 0;
};

struct SessionWriterOptions {
  std::chrono::milliseconds interval{250};
  std::shared_ptr<Rotation> rotation;  // null: one file, whatever its size
  GpuSource* gpu = nullptr;            // null: the session has no share of it
  // Records and GPU rows that are in the file may be given back when memory runs
  // low: the file can be read again.
  bool may_forget = false;
};

// Thread-safe. A process that ends in any way loses what came since the last
// flush: an interval, and what exit() and Flush bring. Errors do not end it: what
// could not be written is tried again, and nothing more is taken until it was.
class SessionWriter {
 public:
  // Of a session that is_streamed; before another thread knows of it.
  SessionWriter(int session, std::unique_ptr<StreamSink> sink, const SessionWriterOptions& options);
  SessionWriter(const SessionWriter&) = delete;
  SessionWriter& operator=(const SessionWriter&) = delete;

  // All that was recorded before the call is in the file afterwards, unless it fails.
  Status Flush() { return thread_.Flush(); }
  // After Recorder::StopSession: the rest, with the GPU rows that came since
  // place(). Nothing is written any more.
  Status Finish(const GpuRecords& gpu);
  // Ends the thread, so that place() and the file stay as they are.
  void Halt() { thread_.Halt(); }

  // Which GPU rows were taken; only after Halt.
  const GpuPlace& place() const noexcept { return place_; }
  // Files that were completed before the session was.
  uint64_t rotated_count() const noexcept { return rotated_count_; }
  StreamSink& sink() noexcept { return *sink_; }

 private:
  Status DoFlush(const GpuRecords* last);
  Status Rotate();

  const int session_;
  const SessionWriterOptions options_;
  std::unique_ptr<StreamSink> sink_;
  GpuPlace place_;
  Status status_;  // of the last flush
  uint64_t rotated_count_ = 0;
  WriterThread thread_;  // last: it uses all of the above
};

}  // namespace opscope
