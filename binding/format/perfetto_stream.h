// A session -> a Perfetto trace, written while the session goes on: append only,
// so that whatever ends the process leaves a file that opens and loads.
#pragma once

#include <memory>
#include <string>

#include "../core/stream_sink.h"
#include "stream_file.h"

namespace opscope {

// The layout is told in perfetto_schema.h; perfetto_stream_rows.h is the way
// back. Memory: a batch, and a few words per live span and per thread.
class PerfettoStream final : public StreamSink {
 public:
  // Owns `fd`, a regular file. `meta_json` as in Recording.
  PerfettoStream(int fd, std::string meta_json);
  ~PerfettoStream() override;

  void Add(const StreamBatch& batch, const GpuRecords& gpu) override;
  Status Flush() override { return file_.Flush(); }
  uint64_t bytes() const noexcept override { return file_.bytes(); }
  int fd() const noexcept { return file_.fd(); }
  // What could not be flushed, as the continuation of the file.
  std::string_view pending() noexcept { return file_.pending().view(); }

 private:
  class Trace;

  StreamFile file_;
  const std::string meta_json_;
  std::unique_ptr<Trace> trace_;  // of the file as begun last
};

}  // namespace opscope
