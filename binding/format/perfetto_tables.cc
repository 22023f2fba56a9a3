#include "perfetto_tables.h"

#include <string>

#include "perfetto_schema.h"
#include "wire.h"

namespace opscope::perfetto {
namespace {

// Instants with tables are closed at this size, to keep packets small.
constexpr size_t kTableBytes = 48u << 10;

}  // namespace

void TablePackets::Write() {
  out_.StartSequence(kMetaSequence, out_.process_track());
  out_.WriteProcess();
  WriteHead();
  WriteTable(kNamesEvent, recording_.names, [this](const NameEntry& name) {
    Cell("text", name.text);
    if (!name.instance.empty()) Cell("instance", name.instance);
    Cell("category", static_cast<uint64_t>(name.category));
    Cell("role", static_cast<uint64_t>(name.role));
  });
  WriteTable(kThreadsEvent, recording_.threads, [this](const ThreadEntry& thread) {
    Cell("name", thread.name);
    Cell("os_thread_id", thread.os_thread_id);
    Cell("js_thread_id", int64_t{thread.js_thread_id});
  });
  // AttributeGpu finds this one again when the file is loaded.
  std::vector<Warning> warnings = recording_.warnings;
  std::erase_if(warnings, [](const Warning& w) { return w.code == "duplicate-correlation"; });
  WriteTable(kWarningsEvent, warnings, [this](const Warning& warning) {
    Cell("code", warning.code);
    Cell("detail", warning.detail);
    Cell("count", warning.count);
  });
  WritePauses();
}

void TablePackets::WriteHead() {
  StartInstant(kHeadEvent);
  constexpr uint32_t kList = event::kAnnotations;
  Field(kList, "opscope_format", kFormatVersion);
  Field(kList, "duration_ns", recording_.duration_ns);
  Field(kList, "origin_epoch_ns", recording_.origin_epoch_ns);
  Field(kList, "origin_clock_ns", recording_.origin_clock_ns);
  Field(kList, "process_id", recording_.process_id);
  Field(kList, "dropped", recording_.dropped);
  Field(kList, "unfinished", recording_.unfinished);
  Field(kList, "spans", uint64_t{recording_.spans.size()});
  Field(kList, "names", uint64_t{recording_.names.size()});
  Field(kList, "threads", uint64_t{recording_.threads.size()});
  Field(kList, "meta_json", recording_.meta_json);
  out_.EmitEvent(0);
}

void TablePackets::WritePauses() {
  if (recording_.pauses.empty()) return;
  const uint64_t control = out_.NewTrack(out_.process_track(), "opscope control", false);
  for (const PauseRow& pause : recording_.pauses) {
    out_.StartEvent(kBegin);
    event_.Varint(event::kTrackUuid, control);
    event_.String(event::kName, kPausedEvent);
    out_.EmitEvent(pause.start_ns);
    out_.StartEvent(kEnd);
    event_.Varint(event::kTrackUuid, control);
    out_.EmitEvent(pause.end_ns);
  }
}

void TablePackets::StartInstant(std::string_view name) {
  out_.StartEvent(kInstant);
  event_.String(event::kName, name);
}

template <typename Row, typename WriteRow>
void TablePackets::WriteTable(std::string_view event_name, const std::vector<Row>& rows, WriteRow write_row) {
  for (size_t i = 0; i < rows.size();) {
    StartInstant(event_name);
    const size_t list = event_.Open(event::kAnnotations);
    event_.String(annotation::kName, "rows");
    do {
      const size_t row = event_.Open(annotation::kArray);
      write_row(rows[i]);
      event_.Close(row);
    } while (++i < rows.size() && event_.size() < kTableBytes);
    event_.Close(list);
    out_.EmitEvent(0);
  }
}

void TablePackets::Field(uint32_t list, std::string_view name, uint64_t value) {
  const size_t opened = event_.Open(list);
  event_.String(annotation::kName, name);
  event_.Varint(annotation::kUint, value);
  event_.Close(opened);
}
void TablePackets::Field(uint32_t list, std::string_view name, int64_t value) {
  const size_t opened = event_.Open(list);
  event_.String(annotation::kName, name);
  event_.Int(annotation::kInt, value);
  event_.Close(opened);
}
void TablePackets::Field(uint32_t list, std::string_view name, std::string_view text) {
  const size_t opened = event_.Open(list);
  event_.String(annotation::kName, name);
  event_.String(annotation::kString, text);
  event_.Close(opened);
}

}  // namespace opscope::perfetto
