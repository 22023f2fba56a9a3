#include "add_samples.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace opscope {
namespace {

// With room for `more` values behind, which are not initialised.
template <typename T>
Column<T> Copied(const Column<T>& from, size_t more = 0) {
  Column<T> to(from.size() + more);
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size() * sizeof(T));
  return to;
}

// Every field but the spans and what is of the whole.
void CopyTables(const Recording& from, Recording* to) {
  to->names = from.names;
  to->processes = from.processes;
  to->threads = from.threads;
  to->asyncs = Copied(from.asyncs);
  to->ids = Copied(from.ids);
  to->attributes = Copied(from.attributes);
  to->links = Copied(from.links);
  to->marks = Copied(from.marks);
  to->counters = Copied(from.counters);
  to->launches = Copied(from.launches);
  to->gpu = Copied(from.gpu);
  to->gpu_details.kernels = Copied(from.gpu_details.kernels);
  to->gpu_details.overheads = Copied(from.gpu_details.overheads);
  to->gpu_details.memory = Copied(from.gpu_details.memory);
  to->gpu_details.devices = from.gpu_details.devices;
  to->gpu_details.contexts = from.gpu_details.contexts;
  to->gpu_details.stream_names = from.gpu_details.stream_names;
  to->unseen_brackets = Copied(from.unseen_brackets);
  to->contexts = Copied(from.contexts);
  to->pauses = from.pauses;
  to->strings = from.strings;
  to->warnings = from.warnings;
  to->duration_ns = from.duration_ns;
  to->origin_epoch_ns = from.origin_epoch_ns;
  to->origin_clock_ns = from.origin_clock_ns;
  to->process_id = from.process_id;
  to->dropped = from.dropped;
  to->unfinished = from.unfinished;
  to->meta_json = from.meta_json;
}

const char* FaultOf(const Recording& recording, const SampledFrames& frames) {
  const size_t count = frames.name.size(), rows = recording.spans.size();
  if (!recording.processes.empty()) return "the recording is of several processes";
  if (count > INT32_MAX - std::min<size_t>(rows, INT32_MAX)) return "more rows than a recording can hold";
  if (frames.start_ns.size() != count || frames.end_ns.size() != count || frames.parent.size() != count)
    return "columns of different lengths";
  for (size_t i = 0; i < count; ++i) {
    if (frames.name[i] >= frames.names.size()) return "no such name";
    if (frames.start_ns[i] < (i == 0 ? 0 : frames.start_ns[i - 1])) return "not in order of starts";
    if (frames.end_ns[i] < frames.start_ns[i]) return "ends before it begins";
    if (frames.parent[i] < kNoParent || frames.parent[i] >= static_cast<int64_t>(rows + i))
      return "no such parent";
  }
  return nullptr;
}

}  // namespace

Status AddSampledFrames(const Recording& recording, const SampledFrames& frames,
                        std::shared_ptr<const Recording>* out) try {
  if (const char* fault = FaultOf(recording, frames); fault != nullptr)
    return Status::Error(Code::kBadRows, std::string("sampled frames: ") + fault);
  auto made = std::make_shared<Recording>();
  CopyTables(recording, made.get());
  made->warnings.insert(made->warnings.end(), frames.warnings.begin(), frames.warnings.end());

  const auto first_name = static_cast<uint32_t>(made->names.size());
  for (const std::string& name : frames.names)
    made->names.push_back({name, "", Category::kUser, Role::kSample});
  const size_t rows = recording.spans.size(), count = frames.name.size();
  made->threads.push_back({frames.thread, 0, -1, static_cast<uint32_t>(rows), static_cast<uint32_t>(count)});

  SpanColumns& spans = made->spans;
  spans.start_ns = Copied(recording.spans.start_ns, count);
  spans.duration_ns = Copied(recording.spans.duration_ns, count);
  spans.name = Copied(recording.spans.name, count);
  spans.parent = Copied(recording.spans.parent, count);
  spans.flags = Copied(recording.spans.flags, count);
  const bool has_gpu = !recording.spans.gpu_ns.empty();
  if (has_gpu) spans.gpu_ns = Copied(recording.spans.gpu_ns, count);
  for (size_t i = 0; i < count; ++i) {
    spans.start_ns[rows + i] = frames.start_ns[i];
    spans.duration_ns[rows + i] = frames.end_ns[i] - frames.start_ns[i];
    spans.name[rows + i] = first_name + frames.name[i];
    spans.parent[rows + i] = frames.parent[i];
    spans.flags[rows + i] = kTimed;
    if (has_gpu) spans.gpu_ns[rows + i] = 0;
  }
  *out = std::move(made);
  return Status::Ok();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory for the sampled frames");
}

}  // namespace opscope
