// The half of CuptiSession that keeps what was recorded.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

#include "call_ids.h"
#include "cupti_session.h"

namespace opscope::gpu {

namespace {

std::vector<bool> NamesOf(ApiClass api_class, const GpuRecords& records) {
  std::vector<bool> is_of_class;
  for (const std::string& text : records.strings) is_of_class.push_back(ClassifyApi(text) == api_class);
  return is_of_class;
}

// Kernels of graphs whose number is that of no call that launched a graph.
uint64_t CountStrayNodes(const GpuRecords& records) {
  const std::vector<bool> is_graph = NamesOf(ApiClass::kGraphLaunch, records);
  uint64_t first = UINT64_MAX, last = 0;
  for (const GpuApiCall& call : records.calls) {
    if (!is_graph[call.name]) continue;
    first = std::min(first, call.correlation_id);
    last = std::max(last, call.correlation_id);
  }
  CallIds launches(first, last, records.calls.size());
  for (const GpuApiCall& call : records.calls) {
    if (is_graph[call.name]) launches.Add(call.correlation_id);
  }
  return static_cast<uint64_t>(
      std::count_if(records.kernels.begin(), records.kernels.end(), [&](const KernelRow& kernel) {
        return kernel.graph_id != 0 && !launches.Has(records.rows[kernel.row].correlation_id);
      }));
}

// Launches that succeeded and whose GPU work CUPTI never told of.
uint64_t CountUntold(const GpuRecords& records) {
  uint64_t first = UINT64_MAX, last = 0;
  for (const GpuRow& row : records.rows) {
    first = std::min(first, row.correlation_id);
    last = std::max(last, row.correlation_id);
  }
  CallIds told(first, last, records.rows.size());
  for (const GpuRow& row : records.rows) told.Add(row.correlation_id);
  const std::vector<bool> is_launch = NamesOf(ApiClass::kLaunch, records);
  return static_cast<uint64_t>(
      std::count_if(records.calls.begin(), records.calls.end(), [&](const GpuApiCall& call) {
        return is_launch[call.name] && call.result == 0 && !told.Has(call.correlation_id);
      }));
}

}  // namespace

void CuptiSession::OpenRecording() {
  std::lock_guard lock(store_mutex_);
  store_ = std::make_unique<RecordStore>();
  clock_ = std::make_unique<GpuClock>();
  const ReaderSource source{library_->layout, &names_, library_->api.get_next_record, true,
                            syscall(SYS_gettid)};
  reader_ = std::make_unique<ActivityReader>(source, clock_.get(), store_.get());
  store_->earliest_ns = HostNs() - 1'000'000'000;
  ++recording_count_;
  requests_before_ = pool_.request_count();
  refusals_before_ = pool_.refused_count();
  const char* path = std::getenv("OPSCOPE_CAPTURE_RAW");
  if (path != nullptr && path[0] != '\0') {
    raw_ = std::make_unique<RawCapture>(path, library_->layout, names_, library_->version,
                                        driver_.driver_version);
  }
  const ClockTuple tuple = ReadClockTuple(library_->api.get_timestamp);
  clock_->Add(tuple);
  if (raw_ != nullptr) raw_->AddTick(tuple);
}

void CuptiSession::SampleClock() {
  const ClockTuple tuple = ReadClockTuple(library_->api.get_timestamp);
  std::lock_guard lock(store_mutex_);
  clock_->Add(tuple);
  if (raw_ != nullptr) raw_->AddTick(tuple);
}

void CuptiSession::Drain() {
  std::vector<std::pair<cupti::Context, uint32_t>> owners;
  for (ActivityBuffer* buffer = pool_.TakeCompleted(); buffer != nullptr;) {
    ActivityBuffer* next = buffer->next;
    Decode(buffer);
    // Old releases keep a buffer per context, and count its losses apart.
    const std::pair<cupti::Context, uint32_t> owner{buffer->context, buffer->stream};
    if (owner.first != nullptr && std::find(owners.begin(), owners.end(), owner) == owners.end())
      owners.push_back(owner);
    pool_.Recycle(buffer);
    buffer = next;
  }
  if (!is_on_) return;
  for (const auto& [context, stream] : owners) CountDropped(context, stream);
}

void CuptiSession::Decode(ActivityBuffer* buffer) {
  std::lock_guard lock(store_mutex_);
  if (reader_ == nullptr) return;
  store_->latest_ns = HostNs() + 10'000'000'000;
  if (buffer->is_discard) {
    store_->counts.discarded += reader_->Count(buffer->memory(), buffer->valid_bytes);
    return;
  }
  if (raw_ != nullptr) raw_->AddBuffer(buffer->memory(), buffer->valid_bytes);
  try {
    reader_->Read(buffer->memory(), buffer->valid_bytes);
  } catch (const std::bad_alloc&) {
    store_->counts.over_limit += reader_->Count(buffer->memory(), buffer->valid_bytes);
  }
}

// The library tells what it dropped since it was last asked.
void CuptiSession::CountDropped(cupti::Context context, uint32_t stream) {
  size_t dropped = 0;
  const cupti::Result result = library_->api.get_num_dropped_records(context, stream, &dropped);
  // A context may be gone by now; what was lost without one must be told.
  if (context == nullptr) Check("cuptiActivityGetNumDroppedRecords", result);
  if (result != cupti::kSuccess || dropped == 0) return;
  std::lock_guard lock(store_mutex_);
  if (reader_ != nullptr) store_->counts.dropped += dropped;
}

GpuRecords CuptiSession::TakeNew(GpuPlace* place, size_t kept_rows) {
  std::lock_guard lock(store_mutex_);
  if (reader_ == nullptr) return {};
  WindowRequest request;
  request.since = *place;
  request.is_last = false;
  GpuRecords records = TakeWindow(store_.get(), request);
  records.warnings.clear();
  *place = store_->End();
  place->has_forgotten = request.since.has_forgotten;
  if (store_->rows.size() + store_->calls.size() <= kept_rows) return records;
  store_->Forget();
  *place = {};
  place->has_forgotten = true;
  return records;
}

void CuptiSession::ForgetBefore(int64_t ns) {
  std::lock_guard lock(store_mutex_);
  if (reader_ != nullptr) store_->ForgetBefore(ns);
}

GpuRecords CuptiSession::Take(int64_t window_start_ns, const GpuPlace& since, bool is_last) {
  std::lock_guard lock(store_mutex_);
  if (reader_ == nullptr) return {};
  GpuRecords records = TakeWindow(store_.get(), {window_start_ns, 2 * clock_->error_ns(), is_last, since});
  AddWarnings(is_last, since == GpuPlace{}, &records);
  if (is_last) reader_.reset();
  return records;
}

void CuptiSession::AddWarnings(bool is_last, bool is_whole, GpuRecords* records) const {
  const auto add = [records](const char* code, std::string detail, uint64_t count) {
    if (count != 0 && !detail.empty()) records->warnings.push_back({code, std::move(detail), count});
  };
  add("gpu-clock-steps", "the system's clock was set while recording; GPU times near it may be off",
      clock_->step_count());
  add("gpu-clock-suspect", "GPU records lie where the system's clock was set", clock_->suspect_count());
  add("gpu-refused-buffers", "CUPTI got no buffer, since all were in use; its records are lost",
      pool_.refused_count() - refusals_before_);
  for (const std::string& kind : refused_kinds_) add("gpu-not-recorded", kind, 1);
  for (const auto& [trouble, count] : refused_calls_) add("gpu-refused-call", trouble, count);
  if (raw_ != nullptr && raw_->has_failed())
    add("gpu-capture-raw", "OPSCOPE_CAPTURE_RAW could not be written", 1);
  add("gpu-known-fault", library_->defects.always, 1);
  if (recording_count_ > 1 && is_whole && !library_->defects.in_later_sessions.empty())
    add("gpu-known-fault", library_->defects.in_later_sessions, CountStrayNodes(*records));
  if (!is_last) return;
  if (contexts_.destroyed_count() != 0) {
    add("gpu-lost-context",
        "a context was destroyed or its device reset while recording, and GPU work launched there is missing",
        CountUntold(*records));
  }
  if (!records->kernels.empty() || store_->has_forgotten_kernels) return;

  if (pool_.request_count() == requests_before_) {
    add("gpu-no-activity", "no CUDA call was seen while recording", 1);
    return;
  }
  const std::vector<bool> is_launch = NamesOf(ApiClass::kLaunch, *records);
  const auto launches = std::count_if(records->calls.begin(), records->calls.end(),
                                      [&](const GpuApiCall& call) { return is_launch[call.name]; });
  std::string detail = "kernels were launched but CUPTI " + std::to_string(library_->version) +
                       " reported none, with driver " + std::to_string(driver_.driver_version);
  if (!library_->defects.when_no_kernels.empty()) detail += "; " + library_->defects.when_no_kernels;
  add("gpu-no-kernels", std::move(detail), static_cast<uint64_t>(launches));
}

}  // namespace opscope::gpu
