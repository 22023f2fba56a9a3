#include "chrome_head.h"

#include <algorithm>
#include <vector>

#include "gpu_fields.h"
#include "span_rows.h"

namespace opscope {

void HeadLines::Open(std::string_view format) {
  line_ = R"({"displayTimeUnit":"ns","metadata":{)";
  out_.AddNumber(format, 1);
#ifdef OPSCOPE_VERSION
  out_.AddText("opscope_version", OPSCOPE_VERSION);
#endif
  out_.AddText("clock", "monotonic");
  out_.AddBig("base_epoch_ns", recording_.origin_epoch_ns);
  out_.AddBig("base_clock_ns", recording_.origin_clock_ns);
  out_.AddNumber("process_id", recording_.process_id);
  out_.AddText("meta", recording_.meta_json);
}

void HeadLines::WriteStart() {
  Open("opscope_stream");
  out_.sink().Append(line_);
  out_.sink().Append(R"(},"traceEvents":[)");
}

void HeadLines::Write() {
  Open("opscope_format");
  out_.AddNumber("duration_ns", recording_.duration_ns);
  out_.AddUnsigned("spans", recording_.spans.size());
  out_.AddUnsigned("dropped", recording_.dropped);
  out_.AddUnsigned("unfinished", recording_.unfinished);
  AddProcesses();
  AddThreads();
  AddPauses();
  AddWarnings(recording_.warnings);
  AddGpuTables();
  out_.sink().Append(line_);
  WriteLongNames();
  out_.sink().Append(R"(},"traceEvents":[)");
}

void HeadLines::AddProcesses() {
  AddObjects("processes", recording_.processes, [this](const ProcessEntry& process) {
    out_.AddText("host", process.host);
    out_.AddText("name", process.name);
    out_.AddNumber("id", process.id);
    out_.AddNumber("start_ns", process.start_ns);
    out_.AddNumber("duration_ns", process.duration_ns);
    out_.AddBig("origin_epoch_ns", process.origin_epoch_ns);
    out_.AddBig("origin_clock_ns", process.origin_clock_ns);
    out_.AddUnsigned("dropped", process.dropped);
    out_.AddUnsigned("first_context", process.first_context);
    out_.AddText("meta", process.meta_json);
  });
}

void HeadLines::AddThreads() {
  out_.Key("threads");
  const std::vector<int32_t> thread_ids = UniqueThreadIds(recording_);
  line_ += '[';
  for (size_t t = 0; t < recording_.threads.size(); ++t) {
    const ThreadEntry& thread = recording_.threads[t];
    if (t != 0) line_ += ',';
    line_ += '{';
    out_.AddNumber("tid", thread_ids[t]);
    out_.AddText("name", thread.name);
    out_.AddNumber("os_thread_id", thread.os_thread_id);
    out_.AddNumber("js_thread_id", thread.js_thread_id);
    if (thread.process != 0) out_.AddUnsigned("process", thread.process);
    line_ += '}';
  }
  line_ += ']';
}

void HeadLines::AddPauses() {
  out_.Key("pauses");
  line_ += '[';
  for (const PauseRow& pause : recording_.pauses) {
    if (line_.back() != '[') line_ += ',';
    line_ += '[';
    AppendSafeInteger(pause.start_ns, &line_);
    line_ += ',';
    AppendSafeInteger(pause.end_ns, &line_);
    if (pause.process != 0) line_.append(",").append(std::to_string(pause.process));
    line_ += ']';
  }
  line_ += ']';
}

void HeadLines::AddWarnings(const std::vector<Warning>& warnings) {
  out_.Key("warnings");
  line_ += '[';
  for (const Warning& warning : warnings) {
    if (line_.back() != '[') line_ += ',';
    line_ += '{';
    out_.AddText("code", warning.code);
    out_.AddText("detail", warning.detail);
    out_.AddUnsigned("count", warning.count);
    line_ += '}';
  }
  line_ += ']';
}

void HeadLines::AddGpuTables() {
  const GpuDetails& details = recording_.gpu_details;
  AddObjects("gpu_devices", details.devices, [this](const GpuDevice& device) {
    out_.AddUnsigned("id", device.id);
    if (!device.name.empty()) out_.AddText("name", device.name);
    if (!device.uuid.empty()) out_.AddText("uuid", device.uuid);
    if (device.memory_bytes != 0) out_.AddUnsigned("memory_bytes", device.memory_bytes);
    if (device.memory_bandwidth_kb_per_s != 0)
      out_.AddUnsigned("memory_bandwidth_kb_per_s", device.memory_bandwidth_kb_per_s);
    for (const DeviceCount& count : kDeviceCounts) {
      if (device.*count.field != 0) out_.AddUnsigned(count.name, device.*count.field);
    }
    if (device.is_mig) out_.AddTrue("is_mig");
    if (device.process != 0) out_.AddUnsigned("process", device.process);
    if (device.ordinal != 0) out_.AddUnsigned("ordinal", device.ordinal);
  });
  AddObjects("gpu_contexts", details.contexts, [this](const GpuContext& context) {
    out_.AddUnsigned("id", context.id);
    out_.AddUnsigned("device", context.device);
    out_.AddUnsigned("null_stream", context.null_stream);
  });
  AddObjects("gpu_streams", details.stream_names, [this](const GpuStreamName& stream) {
    out_.AddUnsigned("context", stream.context);
    out_.AddUnsigned("stream", stream.stream);
    out_.AddText("name", stream.name);
  });
}

// Nothing without rows.
template <typename Row, typename AddRow>
void HeadLines::AddObjects(std::string_view key, const std::vector<Row>& rows, AddRow add_row) {
  if (rows.empty()) return;
  out_.Key(key);
  line_ += '[';
  for (const Row& row : rows) {
    if (line_.back() != '[') line_ += ',';
    line_ += '{';
    add_row(row);
    line_ += '}';
  }
  line_ += ']';
}

// Kernel names that the events cut, by args.name_id.
void HeadLines::WriteLongNames() {
  const auto is_long = [](const std::string& text) { return text.size() > JsonLines::kMaxNameBytes; };
  if (std::none_of(recording_.strings.begin(), recording_.strings.end(), is_long)) return;
  std::vector<bool> is_used(recording_.strings.size());
  for (const GpuRow& row : recording_.gpu) is_used[row.name] = true;
  for (const LaunchRow& row : recording_.launches) is_used[row.name] = true;
  std::string_view separator = R"(,"long_names":{)";
  for (size_t s = 0; s < recording_.strings.size(); ++s) {
    if (!is_used[s] || !is_long(recording_.strings[s])) continue;
    line_ = separator;
    line_ += '"';
    line_ += std::to_string(s);
    line_ += "\":";
    AppendJsonString(recording_.strings[s], &line_);
    out_.sink().Append(line_);
    separator = ",";
  }
  if (separator == ",") out_.sink().Append("}");
}

}  // namespace opscope
