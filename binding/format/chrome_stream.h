// A session -> a Chrome trace that grows while the session goes on, and is valid
// JSON after every flush: the end of the file is written over by the next one.
//
// It reads as an opscope capture, cut or not: roles, ids, attributes, launches
// and GPU rows are told as the canonical file tells them (chrome_writer.h), and
// that is more than a Chrome trace of any other program can hold. What differs:
// - metadata.opscope_stream stands in place of opscope_format. Threads, pauses and
//   names come as events of their own; a track of API calls names its thread in
//   args.of_thread. A name that was cut is whole in args.long_name of its first event.
// - A line comes when its span ends, so children come before their parents. A
//   row's parent is the row of args.parent_span_id where that is in the file, else of
//   args.within_span_id, or the row whose args.row is args.parent_row (-1: none), else - of an X that has
//   neither - the next X of its tid in the file that begins no later; of two that begin at one moment, one
//   without length is not in the other.
// - b and e are spans that were left or opened, that were given with both times,
//   or that ended out of order.
// - A mark belongs to the span of args.span_id, else to the one around it.
// - args.remote_parent_span_id is the parent in another process.
// - Before the end stand the spans that are open, as unfinished ones up to the
//   flush: of each thread the innermost 64, then the oldest others, 1000 in all.
// - "opscope" behind the events: whether the session was stopped, its length,
//   counts, warnings, GPU devices.
// Not in it, and in the canonical file that replaces it at the stop: attributes
// and links of spans that have ended; the parent of a span whose parent ended out of
// order after it; arrows to GPU rows that come before their API call.
#pragma once

#include <memory>
#include <string>

#include "../core/stream_sink.h"
#include "stream_file.h"

namespace opscope {

// Memory: a batch, a line's worth per live span, and the last 65536 launches.
class ChromeStream final : public StreamSink {
 public:
  // Owns `fd`, a regular file. `meta_json` as in Recording.
  ChromeStream(int fd, std::string meta_json);
  ~ChromeStream() override;

  void Add(const StreamBatch& batch, const GpuRecords& gpu) override;
  Status Flush() override;
  uint64_t bytes() const noexcept override { return file_.bytes() + file_.footer_bytes(); }

 private:
  class Trace;

  StreamFile file_;
  const std::string meta_json_;
  std::unique_ptr<Trace> trace_;  // of the file as begun last
};

}  // namespace opscope
