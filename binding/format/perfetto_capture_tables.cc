#include "perfetto_capture_tables.h"

#include <utility>

#include "perfetto_packet.h"
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
  }
  return head;
}

void ReadTableRow(std::string_view table, std::string_view row, RawRows* rows) {
  NameEntry name;
  RawThread thread;
  Warning warning;
  wire::Reader in(row);
  while (in.Next()) {
    if (in.field() != annotation::kDict) continue;
    AnnotationView field;
    field.Parse(in.bytes());
    if (field.name == "text") name.text = field.text;
    if (field.name == "instance") name.instance = field.text;
    if (field.name == "category" && field.value < kCategoryCount) {
      name.category = static_cast<Category>(field.value);
    }
    if (field.name == "role" && field.value <= static_cast<uint64_t>(Role::kCopy)) {
      name.role = static_cast<Role>(field.value);
    }
    if (field.name == "name") thread.name = field.text;
    if (field.name == "os_thread_id") thread.os_thread_id = static_cast<int64_t>(field.value);
    if (field.name == "js_thread_id") {
      thread.js_thread_id = static_cast<int32_t>(static_cast<int64_t>(field.value));
    }
    if (field.name == "code") warning.code = field.text;
    if (field.name == "detail") warning.detail = field.text;
    if (field.name == "count") warning.count = field.value;
  }
  if (table == kNamesEvent) {
    if (name.text.empty()) name.text = "?";
    rows->names.push_back(std::move(name));
  } else if (table == kThreadsEvent) {
    rows->threads.push_back(std::move(thread));
  } else if (table == kWarningsEvent) {
    rows->warnings.push_back(std::move(warning));
  }
}

}  // namespace opscope
