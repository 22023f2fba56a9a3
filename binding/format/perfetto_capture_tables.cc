#include "perfetto_capture_tables.h"

#include "gpu_fields.h"
#include "perfetto_cells.h"
#include "perfetto_schema.h"

namespace opscope {

using namespace perfetto;

CaptureHead ReadCaptureHead(std::string_view event, RawRows* rows) {
  CaptureHead head;
  wire::Reader in(event);
  while (in.Next()) {
    if (in.field() != event::kAnnotations) continue;
    AnnotationView field;
    field.Parse(in.bytes());
    const auto number = static_cast<int64_t>(field.value);
    if (field.name == "duration_ns") rows->duration_ns = number;
    if (field.name == "origin_epoch_ns") rows->origin_epoch_ns = number;
    if (field.name == "origin_clock_ns") rows->origin_clock_ns = head.origin_ns = number;
    if (field.name == "process_id") rows->process_id = number;
    if (field.name == "dropped") rows->dropped = field.value;
    if (field.name == "names") head.name_count = field.value;
    if (field.name == "meta_json") rows->meta_json = field.text;
    if (field.name == "stream") head.is_stream = field.value != 0;
    if (field.name == "categories") head.category_mask = static_cast<uint32_t>(field.value);
  }
  return head;
}

namespace {

NameEntry ReadName(std::string_view row) {
  NameEntry name;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "text") name.text = cell.text;
    if (cell.name == "instance") name.instance = cell.text;
    if (cell.name == "category" && cell.value < kCategoryCount) {
      name.category = static_cast<Category>(cell.value);
    }
    if (cell.name == "role" && cell.value <= static_cast<uint64_t>(Role::kSample)) {
      name.role = static_cast<Role>(cell.value);
    }
  });
  if (name.text.empty()) name.text = "?";
  return name;
}

RawThread ReadThread(std::string_view row) {
  RawThread thread;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "name") thread.name = cell.text;
    if (cell.name == "os_thread_id") thread.os_thread_id = static_cast<int64_t>(cell.value);
    if (cell.name == "js_thread_id") {
      thread.js_thread_id = static_cast<int32_t>(static_cast<int64_t>(cell.value));
    }
    if (cell.name == kProcessCell) thread.process = static_cast<uint32_t>(cell.value);
  });
  return thread;
}

ProcessEntry ReadProcess(std::string_view row) {
  ProcessEntry process;
  ForCells(row, [&](const AnnotationView& cell) {
    const auto number = static_cast<int64_t>(cell.value);
    if (cell.name == "host") process.host = cell.text;
    if (cell.name == "name") process.name = cell.text;
    if (cell.name == "id") process.id = number;
    if (cell.name == "start_ns") process.start_ns = number;
    if (cell.name == "duration_ns") process.duration_ns = number;
    if (cell.name == "origin_epoch_ns") process.origin_epoch_ns = number;
    if (cell.name == "origin_clock_ns") process.origin_clock_ns = number;
    if (cell.name == "dropped") process.dropped = cell.value;
    if (cell.name == "first_context") process.first_context = static_cast<uint32_t>(cell.value);
    if (cell.name == "meta_json") process.meta_json = cell.text;
  });
  return process;
}

Warning ReadWarning(std::string_view row) {
  Warning warning;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "code") warning.code = cell.text;
    if (cell.name == "detail") warning.detail = cell.text;
    if (cell.name == "count") warning.count = cell.value;
  });
  return warning;
}

GpuDevice ReadDevice(std::string_view row) {
  GpuDevice device;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "id") device.id = static_cast<uint32_t>(cell.value);
    if (cell.name == "name") device.name = cell.text;
    if (cell.name == "uuid") device.uuid = cell.text;
    if (cell.name == "memory_bytes") device.memory_bytes = cell.value;
    if (cell.name == "memory_bandwidth_kb_per_s") device.memory_bandwidth_kb_per_s = cell.value;
    if (cell.name == "is_mig") device.is_mig = cell.value != 0;
    if (cell.name == kProcessCell) device.process = static_cast<uint32_t>(cell.value);
    if (cell.name == "ordinal") device.ordinal = static_cast<uint32_t>(cell.value);
    for (const DeviceCount& count : kDeviceCounts) {
      if (cell.name == count.name) device.*count.field = static_cast<uint32_t>(cell.value);
    }
  });
  return device;
}

GpuContext ReadContext(std::string_view row) {
  GpuContext context;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "id") context.id = static_cast<uint32_t>(cell.value);
    if (cell.name == "device") context.device = static_cast<uint32_t>(cell.value);
    if (cell.name == "null_stream") context.null_stream = static_cast<uint32_t>(cell.value);
  });
  return context;
}

GpuStreamName ReadStream(std::string_view row) {
  GpuStreamName stream;
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "context") stream.context = static_cast<uint32_t>(cell.value);
    if (cell.name == "stream") stream.stream = static_cast<uint32_t>(cell.value);
    if (cell.name == "name") stream.name = cell.text;
  });
  return stream;
}

ContextRow ReadContextRow(std::string_view row) {
  ContextRow context{0, 0, 0, kNoParent};
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == "start_ns") context.start_ns = static_cast<int64_t>(cell.value);
    if (cell.name == "end_ns") context.end_ns = static_cast<int64_t>(cell.value);
    if (cell.name == "thread") context.thread = static_cast<uint32_t>(cell.value);
    if (cell.name == "span" && cell.value <= INT32_MAX) context.span = static_cast<int32_t>(cell.value);
  });
  return context;
}

BracketRow ReadBracket(std::string_view row) {
  const ContextRow times = ReadContextRow(row);
  BracketRow bracket{times.start_ns, times.end_ns};
  ForCells(row, [&](const AnnotationView& cell) {
    if (cell.name == kProcessCell) bracket.process = static_cast<uint32_t>(cell.value);
  });
  return bracket;
}

}  // namespace

void ReadTableRow(std::string_view table, std::string_view row, RawRows* rows) {
  GpuDetails& details = rows->gpu_details;
  if (table == kNamesEvent) rows->names.push_back(ReadName(row));
  if (table == kProcessesEvent) rows->processes.push_back(ReadProcess(row));
  if (table == kThreadsEvent) rows->threads.push_back(ReadThread(row));
  if (table == kWarningsEvent) rows->warnings.push_back(ReadWarning(row));
  if (table == kDevicesEvent) details.devices.push_back(ReadDevice(row));
  if (table == kContextsEvent) details.contexts.push_back(ReadContext(row));
  if (table == kUnseenBracketsEvent) rows->unseen_brackets.Append(ReadBracket(row));
  if (table == kWorkEvent) rows->contexts.Append(ReadContextRow(row));
  if (table == kStreamsEvent) details.stream_names.push_back(ReadStream(row));
}

}  // namespace opscope
