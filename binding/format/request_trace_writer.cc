#include "request_trace_writer.h"

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

namespace opscope {

namespace {

// What is written at once: some hundred traces. More would be torn by a kill more often, less adds system
// calls.
constexpr size_t kWriteBytes = 256u << 10;

}  // namespace

RequestTraceWriter::RequestTraceWriter(std::unique_ptr<RequestTraceTarget> target,
                                       const RequestTraceWriterOptions& options)
    : options_(options),
      // Half a file: what is written next to one that is nearly full begins another.
      write_bytes_(options.max_file_bytes == 0
                       ? kWriteBytes
                       : static_cast<size_t>(std::min<uint64_t>(kWriteBytes, options.max_file_bytes / 2))),
      target_(std::move(target)),
      json_(options.form) {}

RequestTraceWriter::~RequestTraceWriter() { Close(); }

bool RequestTraceWriter::Add(RequestTraceBatch batch) try {
  std::lock_guard lock(mutex_);
  const size_t bytes = batch.bytes();
  // What is larger than all the room there is gets it when nothing else waits.
  const bool has_room = queued_bytes_ == 0 || queued_bytes_ + bytes <= options_.max_pending_bytes;
  const size_t trace_count = batch.trace_count;
  counts_.dropped += trace_count;
  if (is_closed_ || !has_room) return false;
  if (!thread_) {
    const auto finish = [this] {
      Finish();
      return Status::Ok();
    };
    thread_.emplace(options_.interval, WriterWork{.flush = [this] { return Drain(); }, .at_exit = finish});
  }
  queue_.push_back(std::move(batch));
  queued_bytes_ += bytes;
  counts_.dropped -= trace_count;
  thread_->Wake();
  return true;
} catch (const std::system_error&) {  // no thread can be had
  return false;
}

Status RequestTraceWriter::Flush() {
  {
    std::lock_guard lock(mutex_);
    if (!thread_) return Status::Ok();
  }
  return thread_->Flush();
}

void RequestTraceWriter::Close() {
  std::lock_guard closing(close_mutex_);
  {
    std::lock_guard lock(mutex_);
    is_closed_ = true;
    if (!thread_) return;
  }
  thread_->Halt();
  static_cast<void>(thread_->Last([this] {
    Finish();
    return Status::Ok();
  }));
}

RequestTraceCounts RequestTraceWriter::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

Status RequestTraceWriter::Drain() {
  Status status = CatchOutOfMemory([this] { return DrainOrThrow(); });
  Note(status);
  return status;
}

void RequestTraceWriter::Note(const Status& status) {
  std::lock_guard lock(mutex_);
  if (!status.ok()) {
    ++counts_.write_errors;
    counts_.trouble = status.detail;
  }
  counts_.bytes = target_->bytes();
  counts_.files = target_->file_count();
  counts_.other_path = target_->other_path();
}

Status RequestTraceWriter::DrainOrThrow() {
  for (bool has_more = true; has_more;) {
    has_more = Fill();
    if (Status status = Write(); !status.ok()) return status;
  }
  return Status::Ok();
}

// Until there is enough for a write, or for the file; false when nothing is left.
bool RequestTraceWriter::Fill() {
  const uint64_t most = options_.traces_per_file;
  while (text_.size() < write_bytes_ && (most == 0 || file_traces_ + text_traces_ < most)) {
    if (json_.left() == 0 && !TakeBatch()) return false;
    const size_t before = text_.size();
    try {
      if (json_.Next(&text_)) ++text_traces_;
    } catch (const std::bad_alloc&) {
      text_.resize(before);
      std::lock_guard lock(mutex_);
      ++counts_.dropped;
      throw;
    }
  }
  return true;
}

bool RequestTraceWriter::TakeBatch() {
  RequestTraceBatch batch;
  {
    std::lock_guard lock(mutex_);
    if (queue_.empty()) return false;
    batch = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= batch.bytes();
  }
  json_.Take(std::move(batch));
  return true;
}

Status RequestTraceWriter::Write() {
  const uint64_t most = options_.max_file_bytes;
  if (most != 0 && target_->size() != 0 && target_->size() + text_.size() > most) is_file_complete_ = true;
  if (Status status = CompleteFile(); !status.ok()) return status;
  if (Status status = target_->Append(&text_); !status.ok()) return status;
  file_traces_ += text_traces_;
  {
    std::lock_guard lock(mutex_);
    counts_.written += std::exchange(text_traces_, 0);
  }
  is_file_complete_ = options_.traces_per_file != 0 && file_traces_ >= options_.traces_per_file;
  return CompleteFile();
}

Status RequestTraceWriter::CompleteFile() {
  if (!is_file_complete_) return Status::Ok();
  if (Status status = target_->Complete(); !status.ok()) return status;
  is_file_complete_ = false;
  file_traces_ = 0;
  return Status::Ok();
}

// What could not be written even now is lost.
void RequestTraceWriter::Finish() {
  if (std::exchange(is_finished_, true)) return;
  static_cast<void>(Drain());
  Note(target_->Finish());
  std::lock_guard lock(mutex_);
  is_closed_ = true;
  counts_.dropped += text_traces_ + json_.left();
  for (const RequestTraceBatch& batch : queue_) counts_.dropped += batch.trace_count;
  queue_.clear();
}

}  // namespace opscope
