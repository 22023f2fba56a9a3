// Tables in a trace: instants whose annotations are rows of named cells, with
// inline names so that they read without any state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "perfetto_packets.h"
#include "perfetto_schema.h"

namespace opscope::perfetto {

// On the sequence that the stream stands at. One thread at a time.
class TableWriter {
 public:
  explicit TableWriter(PacketStream* out) : out_(*out), event_(out->event()) {}

  // `write_row` calls Cell for each cell of a row.
  template <typename Table, typename WriteRow>
  void Write(std::string_view event_name, const Table& rows, WriteRow write_row) {
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
  template <typename Value>
  void Cell(std::string_view name, const Value& value) {
    Field(annotation::kDict, name, value);
  }

  // An instant with fields of its own: StartInstant, AddField for each, then EmitEvent of the stream.
  void StartInstant(std::string_view name) {
    out_.StartEvent(kInstant);
    event_.String(event::kName, name);
  }
  template <typename Value>
  void AddField(std::string_view name, const Value& value) {
    Field(event::kAnnotations, name, value);
  }

 private:
  // Instants are closed at this size, to keep packets small.
  static constexpr size_t kTableBytes = 48u << 10;

  void Field(uint32_t list, std::string_view name, uint64_t value) {
    const size_t opened = event_.Open(list);
    event_.String(annotation::kName, name);
    event_.Varint(annotation::kUint, value);
    event_.Close(opened);
  }
  void Field(uint32_t list, std::string_view name, int64_t value) {
    const size_t opened = event_.Open(list);
    event_.String(annotation::kName, name);
    event_.Int(annotation::kInt, value);
    event_.Close(opened);
  }
  void Field(uint32_t list, std::string_view name, std::string_view text) {
    const size_t opened = event_.Open(list);
    event_.String(annotation::kName, name);
    event_.String(annotation::kString, text);
    event_.Close(opened);
  }

  PacketStream& out_;
  wire::Writer& event_;
};

}  // namespace opscope::perfetto
