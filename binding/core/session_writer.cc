#include "session_writer.h"

#include <new>

#include "recorder.h"

namespace opscope {

namespace {

// A GPU session keeps some 200 bytes a row: from here on, 200 MB, what is in the file is forgotten.
constexpr size_t kKeptGpuRows = 1u << 20;

}  // namespace

SessionWriter::SessionWriter(int session, std::unique_ptr<StreamSink> sink,
                             const SessionWriterOptions& options)
    : session_(session),
      options_(options),
      sink_(std::move(sink)),
      thread_(options.interval, {.flush = [this] { return DoFlush(nullptr); },
                                 .at_exit = [this] { return DoFlush(nullptr); }}) {}

Status SessionWriter::Finish(const GpuRecords& gpu) {
  Halt();
  return thread_.Last([&] { return DoFlush(&gpu); });
}

Status SessionWriter::DoFlush(const GpuRecords* last) try {
  Recorder& recorder = Recorder::Get();
  StreamBatch batch;
  do {
    // What was not written is not given up, and not added to without end.
    if (last == nullptr && !status_.ok()) {
      status_ = sink_->Flush();
      if (!status_.ok()) return status_;
    }
    if (Status taken = recorder.TakeStream(session_, &batch); !taken.ok()) return taken;
    GpuRecords gpu;
    const bool is_final = last != nullptr && !batch.has_more;
    if (last == nullptr && options_.gpu != nullptr) {
      const bool may_forget = options_.may_forget && recorder.session_count() == 1;
      gpu = options_.gpu->TakeNew(&place_, may_forget ? kKeptGpuRows : SIZE_MAX);
      if (place_.has_forgotten) recorder.MarkPartial(session_);
    }
    sink_->Add(batch, is_final ? *last : gpu);
    recorder.ReleaseStream(session_, batch);
    status_ = sink_->Flush();
  } while (batch.has_more && (last != nullptr || status_.ok()));
  const bool is_full = last == nullptr && status_.ok() && options_.rotation != nullptr &&
                       options_.rotation->IsFull(sink_->bytes());
  return is_full ? Rotate() : status_;
} catch (const std::bad_alloc&) {
  status_ = Status::Error(Code::kOutOfMemory, "not enough memory to write the records");
  return status_;
}

// The session starts anew at a moment of its own choice, in the next file. Spans
// that are open then stay unfinished in the older one.
Status SessionWriter::Rotate() {
  std::unique_ptr<StreamSink> next = options_.rotation->Open();
  if (next == nullptr) return status_;
  StreamBatch batch;
  if (Status cut = Recorder::Get().CutStream(session_, &batch); !cut.ok()) return cut;
  GpuRecords gpu;
  if (options_.gpu != nullptr) gpu = options_.gpu->TakeNew(&place_, SIZE_MAX);
  sink_->Add(batch, gpu);
  Recorder::Get().ReleaseSnapshot(session_, batch.session.start_ticks);
  status_ = sink_->Flush();
  options_.rotation->Swap();
  sink_ = std::move(next);
  ++rotated_count_;
  return status_;
}

}  // namespace opscope
