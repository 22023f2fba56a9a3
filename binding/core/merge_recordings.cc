#include "merge_recordings.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "id_map.h"
#include "processes.h"
#include "row_order.h"

namespace opscope {
namespace {

template <typename Row>
void ReserveFor(const MergePlan& plan, Column<Row> Recording::*table, Recording* out) {
  size_t size = 0;
  for (const MergePart& part : plan.parts) size += ((*part.recording).*table).size();
  (out->*table).Reset(size);
  (out->*table).Truncate(0);
}

// Numbers of names or strings of one part in the merged recording.
using Numbers = std::vector<uint32_t>;

// Texts, each once. Not thread-safe.
template <typename Entry>
class Union {
 public:
  explicit Union(std::vector<Entry>* entries) : entries_(*entries) {}

  Numbers Add(const std::vector<Entry>& added) {
    Numbers numbers;
    numbers.reserve(added.size());
    for (const Entry& entry : added) {
      const auto [known, is_new] = known_.try_emplace(KeyOf(entry), static_cast<uint32_t>(entries_.size()));
      if (is_new) entries_.push_back(entry);
      numbers.push_back(known->second);
    }
    return numbers;
  }

 private:
  static const std::string& KeyOf(const std::string& text) noexcept { return text; }
  // With the length of the text, which could else run on into the instance.
  static std::string KeyOf(const NameEntry& name) {
    std::string key = std::to_string(name.text.size()) + ' ' + name.text + name.instance;
    key += static_cast<char>(name.category);
    key += static_cast<char>(name.role);
    return key;
  }

  std::vector<Entry>& entries_;
  std::unordered_map<std::string, uint32_t> known_;
};

// GPUs of all parts under numbers of their own. Not thread-safe.
class Devices {
 public:
  explicit Devices(Recording* out) : out_(*out) {}

  // `entry` has the process, the ordinal and what else is known.
  uint32_t Add(GpuDevice entry) {
    if (!entry.uuid.empty()) {
      const auto key = std::pair(out_.processes[entry.process].host, entry.uuid);
      const auto known = by_uuid_.find(key);
      if (known != by_uuid_.end()) return known->second;
      entry.id = FreeNumber(entry.id);
      by_uuid_.emplace(key, entry.id);
    } else {
      entry.id = FreeNumber(entry.id);
    }
    out_.gpu_details.devices.push_back(std::move(entry));
    return out_.gpu_details.devices.back().id;
  }

 private:
  uint32_t FreeNumber(uint32_t wanted) {
    for (uint32_t number = 0; !taken_.insert(wanted).second; ++number) wanted = number;
    return wanted;
  }

  Recording& out_;
  std::map<std::pair<std::string, std::string>, uint32_t> by_uuid_;  // by host and uuid
  std::set<uint32_t> taken_;
};

// One use; not thread-safe.
class Merger {
 public:
  explicit Merger(const MergePlan& plan)
      : plan_(plan),
        out_(std::make_shared<Recording>()),
        names_(&out_->names),
        strings_(&out_->strings),
        devices_(out_.get()) {}

  std::shared_ptr<const Recording> Run() {
    out_->origin_epoch_ns = plan_.origin_epoch_ns;
    out_->origin_clock_ns = plan_.origin_clock_ns;
    out_->meta_json = plan_.meta_json;
    out_->warnings = plan_.warnings;
    ReserveSpans();
    ReserveFor(plan_, &Recording::counters, out_.get());
    ReserveFor(plan_, &Recording::launches, out_.get());
    ReserveFor(plan_, &Recording::gpu, out_.get());
    for (const MergePart& part : plan_.parts) AddPart(part);
    out_->process_id = out_->processes.front().id;
    const GpuDetails& details = out_->gpu_details;
    // As AttributeGpu does, which leaves recordings without GPU rows as they are.
    if (!out_->launches.empty() || !out_->gpu.empty() || !details.memory.empty()) PutInBeginOrder(out_.get());
    PutGpuInOrder(&out_->gpu, &out_->gpu_details);
    return std::move(out_);
  }

 private:
  // Where the part's own numbers begin.
  struct Bases {
    uint32_t process, thread, row, launch, gpu_row;
  };

  void ReserveSpans() {
    size_t rows = 0;
    bool has_gpu = false;
    for (const MergePart& part : plan_.parts) {
      rows += part.recording->spans.size();
      has_gpu = has_gpu || !part.recording->spans.gpu_ns.empty();
    }
    SpanColumns& spans = out_->spans;
    spans.start_ns.Reset(rows);
    spans.duration_ns.Reset(rows);
    spans.name.Reset(rows);
    spans.parent.Reset(rows);
    spans.flags.Reset(rows);
    if (has_gpu) spans.gpu_ns.Reset(rows);
  }

  void AddPart(const MergePart& part) {
    const Recording& from = *part.recording;
    base_.process = static_cast<uint32_t>(out_->processes.size());
    base_.thread = static_cast<uint32_t>(out_->threads.size());
    base_.row = next_row_;
    base_.launch = static_cast<uint32_t>(out_->launches.size());
    base_.gpu_row = static_cast<uint32_t>(out_->gpu.size());
    shift_ns_ = part.shift_ns;
    name_numbers_ = names_.Add(from.names);
    string_numbers_ = strings_.Add(from.strings);
    AddProcesses(part);
    AddSpans(from);
    AddSpanTables(from);
    AddThreadTables(from);
    NumberContexts(from);
    NumberDevices(from);
    AddGpu(from);
    AddGpuDetails(from.gpu_details);
    out_->duration_ns = std::max(out_->duration_ns, shift_ns_ + from.duration_ns);
    out_->dropped += from.dropped;
    out_->unfinished += from.unfinished;
  }

  uint32_t RowOf(uint32_t row) const noexcept { return base_.row + row; }
  int32_t SpanOf(int32_t span) const noexcept {
    return span < 0 ? kNoParent : static_cast<int32_t>(base_.row) + span;
  }

  void AddProcesses(const MergePart& part) {
    const Recording& from = *part.recording;
    for (ProcessEntry process : from.processes) {
      process.start_ns += shift_ns_;
      out_->processes.push_back(std::move(process));
    }
    if (from.processes.empty()) {
      ProcessEntry process;
      process.host = part.host;
      process.name = part.name;
      process.meta_json = from.meta_json;
      process.id = from.process_id;
      process.start_ns = shift_ns_;
      process.duration_ns = from.duration_ns;
      process.origin_epoch_ns = from.origin_epoch_ns;
      process.origin_clock_ns = from.origin_clock_ns;
      process.dropped = from.dropped;
      out_->processes.push_back(std::move(process));
    }
    for (ThreadEntry thread : from.threads) {
      thread.first_row += base_.row;
      thread.process += base_.process;
      out_->threads.push_back(std::move(thread));
    }
    for (PauseRow pause : from.pauses) {
      out_->pauses.push_back(
          {pause.start_ns + shift_ns_, pause.end_ns + shift_ns_, pause.process + base_.process});
    }
    for (const BracketRow& row : from.unseen_brackets) {
      out_->unseen_brackets.Append(
          {row.start_ns + shift_ns_, row.end_ns + shift_ns_, row.process + base_.process});
    }
  }

  void AddSpans(const Recording& from) {
    const SpanColumns& spans = from.spans;
    SpanColumns& to = out_->spans;
    for (uint32_t row = 0; row < spans.size(); ++row) {
      const uint32_t at = RowOf(row);
      to.start_ns[at] = spans.start_ns[row] + shift_ns_;
      to.duration_ns[at] = spans.duration_ns[row];
      to.name[at] = name_numbers_[spans.name[row]];
      to.parent[at] = SpanOf(spans.parent[row]);
      to.flags[at] = spans.flags[row];
    }
    for (uint32_t row = 0; row < spans.size() && !to.gpu_ns.empty(); ++row)
      to.gpu_ns[RowOf(row)] = spans.gpu_ns.empty() ? 0 : spans.gpu_ns[row];
    next_row_ += static_cast<uint32_t>(spans.size());
  }

  void AddSpanTables(const Recording& from) {
    for (const AsyncRow& row : from.asyncs) out_->asyncs.Append({row.return_ns + shift_ns_, RowOf(row.row)});
    for (IdRow row : from.ids) {
      row.row = RowOf(row.row);
      out_->ids.Append(row);
    }
    for (AttributeRow row : from.attributes) {
      row.row = RowOf(row.row);
      row.key = string_numbers_[row.key];
      if (row.type == AttributeType::kString) row.integer = string_numbers_[static_cast<size_t>(row.integer)];
      out_->attributes.Append(row);
    }
    for (LinkRow row : from.links) {
      row.row = RowOf(row.row);
      out_->links.Append(row);
    }
  }

  void AddThreadTables(const Recording& from) {
    for (const MarkRow& row : from.marks) {
      out_->marks.Append(
          {row.at_ns + shift_ns_, name_numbers_[row.name], base_.thread + row.thread, SpanOf(row.span)});
    }
    for (const CounterRow& row : from.counters) {
      out_->counters.Append(
          {row.at_ns + shift_ns_, row.value, name_numbers_[row.name], base_.thread + row.thread});
    }
    for (const ContextRow& row : from.contexts) {
      out_->contexts.Append(
          {row.start_ns + shift_ns_, row.end_ns + shift_ns_, base_.thread + row.thread, SpanOf(row.span)});
    }
  }

  // A process has few, and small numbers: each gets the next range of numbers.
  void NumberContexts(const Recording& from) {
    std::set<uint32_t> used;
    uint32_t last = 0;
    const auto add = [&](uint32_t context) {
      if (context != last || used.empty()) used.insert(last = context);
    };
    for (const GpuRow& row : from.gpu) add(row.context);
    for (const GpuMemoryRow& row : from.gpu_details.memory) add(row.context);
    for (const GpuContext& context : from.gpu_details.contexts) add(context.id);
    for (const GpuStreamName& stream : from.gpu_details.stream_names) add(stream.context);
    contexts_.clear();
    last_context_ = {0, UINT32_MAX};
    // Larger ones would soon leave no room for those of other processes.
    constexpr uint32_t kMostContexts = 1u << 16;
    const bool is_small = used.empty() || *used.rbegin() < kMostContexts;
    uint32_t next = next_context_;
    for (const uint32_t context : used) {
      const uint32_t number = is_small ? next_context_ + context : next;
      contexts_.emplace(context, number);
      next = number + 1;
    }
    for (uint32_t p = base_.process; p < out_->processes.size(); ++p) {
      uint32_t& first = out_->processes[p].first_context;
      const auto known = contexts_.lower_bound(first);
      first = p == base_.process         ? next_context_
              : is_small                 ? std::min(next_context_ + first, next)
              : known == contexts_.end() ? next
                                         : known->second;
    }
    next_context_ = next;
  }

  void NumberDevices(const Recording& from) {
    device_numbers_.clear();
    const auto add = [&](GpuDevice device) {
      const uint32_t id = device.id;
      if (device_numbers_.contains(id)) return;
      if (from.processes.empty()) device.ordinal = id;
      device.process += base_.process;
      device_numbers_.emplace(id, devices_.Add(std::move(device)));
    };
    for (const GpuDevice& device : from.gpu_details.devices) add(device);
    // Those of which only their number is known.
    uint32_t last = UINT32_MAX;
    const auto add_number = [&](uint32_t id) {
      if (id == last && !device_numbers_.empty()) return;
      last = id;
      GpuDevice device;
      device.id = id;
      add(std::move(device));
    };
    for (const GpuRow& row : from.gpu) add_number(row.device);
    for (const GpuMemoryRow& row : from.gpu_details.memory) add_number(row.device);
    for (const GpuContext& context : from.gpu_details.contexts) add_number(context.device);
  }

  // 0 is none, and stays.
  uint64_t CorrelationOf(uint64_t id, IdMap* known) {
    if (id == 0) return 0;
    const uint32_t number = known->FindOrInsert(id, correlation_count_);
    if (number == correlation_count_) ++correlation_count_;
    return next_correlation_ + number;
  }

  void AddGpu(const Recording& from) {
    IdMap correlations(from.launches.size());
    correlation_count_ = 0;
    for (LaunchRow row : from.launches) {
      row.start_ns += shift_ns_;
      row.end_ns += shift_ns_;
      row.correlation_id = CorrelationOf(row.correlation_id, &correlations);
      row.name = string_numbers_[row.name];
      row.thread += base_.thread;
      row.span = SpanOf(row.span);
      out_->launches.Append(row);
    }
    for (GpuRow row : from.gpu) {
      row.start_ns += shift_ns_;
      row.end_ns += shift_ns_;
      row.correlation_id = CorrelationOf(row.correlation_id, &correlations);
      row.name = string_numbers_[row.name];
      Move(&row);
      row.launch = row.launch < 0 ? -1 : static_cast<int32_t>(base_.launch) + row.launch;
      row.span = SpanOf(row.span);
      out_->gpu.Append(row);
    }
    for (GpuMemoryRow row : from.gpu_details.memory) {
      row.at_ns += shift_ns_;
      row.correlation_id = CorrelationOf(row.correlation_id, &correlations);
      Move(&row);
      row.span = SpanOf(row.span);
      out_->gpu_details.memory.Append(row);
    }
    next_correlation_ += correlation_count_;
  }
  template <typename Row>
  void Move(Row* row) {
    if (row->context != last_context_.first || last_context_.second == UINT32_MAX)
      last_context_ = {row->context, contexts_.at(row->context)};
    row->context = last_context_.second;
    row->device = device_numbers_.at(row->device);
  }

  void AddGpuDetails(const GpuDetails& from) {
    GpuDetails& to = out_->gpu_details;
    for (KernelRow row : from.kernels) {
      row.row += base_.gpu_row;
      to.kernels.Append(row);
    }
    for (const GpuOverheadRow& row : from.overheads) {
      to.overheads.Append(
          {row.start_ns + shift_ns_, row.end_ns + shift_ns_, row.kind, row.process + base_.process});
    }
    for (const GpuContext& context : from.contexts) {
      to.contexts.push_back(
          {contexts_.at(context.id), device_numbers_.at(context.device), context.null_stream});
    }
    for (const GpuStreamName& stream : from.stream_names)
      to.stream_names.push_back({contexts_.at(stream.context), stream.stream, stream.name});
  }

  const MergePlan& plan_;
  std::shared_ptr<Recording> out_;
  Union<NameEntry> names_;
  Union<std::string> strings_;
  Devices devices_;
  uint32_t next_row_ = 0, next_context_ = 0;
  uint64_t next_correlation_ = 1;

  // Of the part that is being added.
  Bases base_{};
  int64_t shift_ns_ = 0;
  Numbers name_numbers_, string_numbers_;
  std::map<uint32_t, uint32_t> contexts_;
  std::unordered_map<uint32_t, uint32_t> device_numbers_;
  std::pair<uint32_t, uint32_t> last_context_{0, UINT32_MAX};
  uint32_t correlation_count_ = 0;
};

Status CheckSizes(const MergePlan& plan) {
  uint64_t spans = 0, launches = 0, gpu = 0;
  for (const MergePart& part : plan.parts) {
    spans += part.recording->spans.size();
    launches += part.recording->launches.size();
    gpu += part.recording->gpu.size();
  }
  if (std::max({spans, launches, gpu}) <= INT32_MAX) return Status::Ok();
  return Status::Error(Code::kBadRows, "together they have more than 2^31 - 1 spans, launches or GPU rows");
}

}  // namespace

Status MergeRecordings(const MergePlan& plan, std::shared_ptr<const Recording>* out) {
  Status status = CheckSizes(plan);
  if (status.ok()) *out = Merger(plan).Run();
  return status;
}

}  // namespace opscope
