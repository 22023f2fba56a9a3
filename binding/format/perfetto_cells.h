// What hangs on an event as annotations: notes, and the rows of tables cell by cell
// (perfetto_table.h writes them).
#pragma once

#include <string_view>

#include "perfetto_packet.h"
#include "perfetto_schema.h"
#include "wire.h"

namespace opscope {

template <typename Take>
void ForCells(std::string_view row, Take take) {
  wire::Reader in(row);
  while (in.Next()) {
    if (in.field() != perfetto::annotation::kDict) continue;
    AnnotationView cell;
    cell.Parse(in.bytes());
    take(cell);
  }
}

template <typename Take>
void ForNotes(std::string_view event, Take take) {
  wire::Reader in(event);
  while (in.Next()) {
    if (in.field() != perfetto::event::kAnnotations) continue;
    AnnotationView note;
    note.Parse(in.bytes());
    take(note);
  }
}

template <typename Take>
void ForRows(std::string_view event, Take take) {
  wire::Reader in(event);
  while (in.Next()) {
    if (in.field() != perfetto::event::kAnnotations) continue;
    wire::Reader list(in.bytes());
    while (list.Next()) {
      if (list.field() == perfetto::annotation::kArray) take(list.bytes());
    }
  }
}

}  // namespace opscope
