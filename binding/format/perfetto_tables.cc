#include "perfetto_tables.h"

#include <map>
#include <string>

#include "../core/processes.h"
#include "gpu_fields.h"
#include "gpu_labels.h"
#include "hex.h"
#include "perfetto_schema.h"
#include "span_rows.h"
#include "wire.h"

namespace opscope::perfetto {

void TablePackets::Write() {
  out_.StartSequence(kMetaSequence, out_.process_track());
  for (uint32_t p = 0; p < ProcessCount(recording_.processes); ++p) out_.WriteProcess(p);
  WriteHead();
  WriteNames(recording_.names);
  table_.Write(kProcessesEvent, recording_.processes, [this](const ProcessEntry& process) {
    table_.Cell("host", process.host);
    table_.Cell("name", process.name);
    table_.Cell("id", process.id);
    table_.Cell("start_ns", process.start_ns);
    table_.Cell("duration_ns", process.duration_ns);
    table_.Cell("origin_epoch_ns", process.origin_epoch_ns);
    table_.Cell("origin_clock_ns", process.origin_clock_ns);
    table_.Cell("dropped", process.dropped);
    table_.Cell("first_context", uint64_t{process.first_context});
    table_.Cell("meta_json", process.meta_json);
  });
  table_.Write(kThreadsEvent, recording_.threads, [this](const ThreadEntry& thread) {
    table_.Cell("name", thread.name);
    table_.Cell("os_thread_id", thread.os_thread_id);
    table_.Cell("js_thread_id", int64_t{thread.js_thread_id});
    ProcessCell(thread.process);
  });
  // AttributeGpu finds this one again when the file is loaded.
  std::vector<Warning> warnings = recording_.warnings;
  std::erase_if(warnings, [](const Warning& w) { return w.code == "duplicate-correlation"; });
  WriteWarnings(warnings);
  WriteGpuTables();
  WriteAttribution();
  WritePauses();
}

void TablePackets::WriteNames(const std::vector<NameEntry>& names) {
  table_.Write(kNamesEvent, names, [this](const NameEntry& name) {
    table_.Cell("text", name.text);
    if (!name.instance.empty()) table_.Cell("instance", name.instance);
    table_.Cell("category", static_cast<uint64_t>(name.category));
    table_.Cell("role", static_cast<uint64_t>(name.role));
  });
}

void TablePackets::WriteWarnings(const std::vector<Warning>& warnings) {
  table_.Write(kWarningsEvent, warnings, [this](const Warning& warning) {
    table_.Cell("code", warning.code);
    table_.Cell("detail", warning.detail);
    table_.Cell("count", warning.count);
  });
}

// What AttributeGpu needs beside spans and launches to find the same again.
void TablePackets::WriteAttribution() {
  table_.Write(kUnseenBracketsEvent, recording_.unseen_brackets, [this](const BracketRow& bracket) {
    table_.Cell("start_ns", bracket.start_ns);
    table_.Cell("end_ns", bracket.end_ns);
    ProcessCell(bracket.process);
  });
  if (recording_.contexts.empty()) return;
  const LaunchRows launch_rows(recording_);
  table_.Write(kWorkEvent, recording_.contexts, [&](const ContextRow& context) {
    table_.Cell("start_ns", context.start_ns);
    table_.Cell("end_ns", context.end_ns);
    table_.Cell("thread", uint64_t{context.thread});
    table_.Cell("span", uint64_t{launch_rows.PlaceOf(static_cast<uint32_t>(context.span))});
  });
}

void TablePackets::WriteHead() {
  table_.StartInstant(kHeadEvent);
  table_.AddField("opscope_format", kFormatVersion);
  table_.AddField("duration_ns", recording_.duration_ns);
  table_.AddField("origin_epoch_ns", recording_.origin_epoch_ns);
  table_.AddField("origin_clock_ns", recording_.origin_clock_ns);
  table_.AddField("process_id", recording_.process_id);
  table_.AddField("dropped", recording_.dropped);
  table_.AddField("unfinished", recording_.unfinished);
  table_.AddField("spans", uint64_t{recording_.spans.size()});
  table_.AddField("names", uint64_t{recording_.names.size()});
  table_.AddField("threads", uint64_t{recording_.threads.size()});
  table_.AddField("meta_json", recording_.meta_json);
  out_.EmitEvent(0);
}

void TablePackets::WriteGpuTables() {
  const GpuDetails& details = recording_.gpu_details;
  table_.Write(kDevicesEvent, details.devices, [this](const GpuDevice& device) {
    table_.Cell("id", uint64_t{device.id});
    if (!device.name.empty()) table_.Cell("name", device.name);
    if (!device.uuid.empty()) table_.Cell("uuid", device.uuid);
    if (device.memory_bytes != 0) table_.Cell("memory_bytes", device.memory_bytes);
    if (device.memory_bandwidth_kb_per_s != 0)
      table_.Cell("memory_bandwidth_kb_per_s", device.memory_bandwidth_kb_per_s);
    for (const DeviceCount& count : kDeviceCounts) {
      if (device.*count.field != 0) table_.Cell(count.name, uint64_t{device.*count.field});
    }
    if (device.is_mig) table_.Cell("is_mig", uint64_t{1});
    ProcessCell(device.process);
    if (device.ordinal != 0) table_.Cell("ordinal", uint64_t{device.ordinal});
  });
  table_.Write(kContextsEvent, details.contexts, [this](const GpuContext& context) {
    table_.Cell("id", uint64_t{context.id});
    table_.Cell("device", uint64_t{context.device});
    if (context.null_stream != 0) table_.Cell("null_stream", uint64_t{context.null_stream});
  });
  table_.Write(kStreamsEvent, details.stream_names, [this](const GpuStreamName& stream) {
    table_.Cell("context", uint64_t{stream.context});
    table_.Cell("stream", uint64_t{stream.stream});
    table_.Cell("name", stream.name);
  });
  WriteGpuInfo();
}

// What the Perfetto UI calls the GPUs: a list by their numbers, gaps and all.
void TablePackets::WriteGpuInfo() {
  constexpr uint32_t kMaxGpus = 64;
  std::map<uint32_t, const GpuDevice*> devices;
  std::map<std::string_view, uint32_t> uses;
  for (const GpuDevice& device : recording_.gpu_details.devices) {
    if (device.id < kMaxGpus && devices.emplace(device.id, &device).second) ++uses[device.name];
  }
  if (devices.empty()) return;
  out_.StartPacket();
  wire::Writer& packet = out_.packet();
  const size_t opened = packet.Open(packet::kGpuInfo);
  for (uint32_t id = 0; id <= devices.rbegin()->first; ++id) {
    const size_t gpu = packet.Open(gpu_info::kGpus);
    const auto known = devices.find(id);
    if (known == devices.end() || known->second->name.empty()) {
      packet.String(gpu_info::kName, "GPU " + std::to_string(id));
    } else {
      const std::string& name = known->second->name;
      const std::string place = PlaceOfDevice(recording_, *known->second);
      packet.String(gpu_info::kName, !place.empty()   ? name + " · " + place
                                     : uses[name] > 1 ? name + " #" + std::to_string(id)
                                                      : name);
    }
    if (known != devices.end()) AddGpuFacts(*known->second);
    packet.Close(gpu);
  }
  packet.Close(opened);
  out_.Emit(packet);
}

void TablePackets::AddGpuFacts(const GpuDevice& device) {
  wire::Writer& packet = out_.packet();
  packet.String(gpu_info::kVendor, "NVIDIA");
  if (device.compute_major != 0) {
    const std::string capability =
        std::to_string(device.compute_major) + "." + std::to_string(device.compute_minor);
    packet.String(gpu_info::kArchitecture, "compute capability " + capability);
  }
  uint64_t high = 0, low = 0;
  if (device.uuid.size() == 32 && GetHex(std::string_view(device.uuid).substr(0, 16), &high) &&
      GetHex(std::string_view(device.uuid).substr(16), &low)) {
    uint8_t bytes[16];
    for (int i = 0; i < 8; ++i) {
      bytes[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
      bytes[8 + i] = static_cast<uint8_t>(low >> (56 - 8 * i));
    }
    packet.Bytes(gpu_info::kUuid, bytes, sizeof bytes);
  }
  const auto add = [&packet](const char* key, uint64_t value) {
    if (value == 0) return;
    const size_t opened = packet.Open(gpu_info::kExtra);
    packet.String(gpu_info::kKey, key);
    packet.String(gpu_info::kValue, std::to_string(value));
    packet.Close(opened);
  };
  add("memory_bytes", device.memory_bytes);
  add("memory_bandwidth_kb_per_s", device.memory_bandwidth_kb_per_s);
  add("multiprocessors", device.multiprocessors);
  add("core_clock_khz", device.core_clock_khz);
}

void TablePackets::WritePauses() {
  if (recording_.pauses.empty()) return;
  uint32_t process = UINT32_MAX;
  uint64_t control = 0;
  for (const PauseRow& pause : recording_.pauses) {
    if (pause.process != process)
      control = out_.NewTrack(out_.process_track(process = pause.process), "opscope control");
    out_.StartEvent(kBegin);
    out_.event().Varint(event::kTrackUuid, control);
    out_.event().String(event::kName, kPausedEvent);
    out_.NoteProcess(pause.process);
    out_.EmitEvent(pause.start_ns);
    out_.StartEvent(kEnd);
    out_.event().Varint(event::kTrackUuid, control);
    out_.EmitEvent(pause.end_ns);
  }
}

}  // namespace opscope::perfetto
