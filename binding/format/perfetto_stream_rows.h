// Packets of a stream -> the records that it was made of. The other half of
// perfetto_stream.cc and perfetto_records.cc.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "../core/raw_rows.h"
#include "../core/record.h"
#include "../core/streamed_logs.h"
#include "perfetto_capture_gpu.h"
#include "perfetto_capture_strings.h"
#include "perfetto_capture_tables.h"
#include "perfetto_packet.h"

namespace opscope {

// Fed packet by packet, in file order; one thread at a time. Trusts nothing: of
// a damaged file no record is kept that MergeLogs could not read.
class StreamRows {
 public:
  StreamRows(RawRows* rows, StreamedLogs* logs)
      : rows_(*rows), logs_(*logs), strings_(rows), gpu_(rows, &strings_) {}

  // The packet that opens the file; ReadCaptureHead has read it.
  void Start(const CaptureHead& head);
  // False when the packet makes no sense; nothing of it is kept then.
  bool Add(const PacketView& packet);
  // The same for a slice of a thread's own track without any annotation.
  bool AddPlainBegin(uint32_t sequence, int64_t at_ns, uint64_t name_iid);
  bool AddPlainEnd(uint32_t sequence, int64_t at_ns);
  // After the last packet.
  void Finish();

  // The session was stopped, not cut off.
  bool is_complete() const noexcept { return is_complete_; }
  // Another capture begins here: this one is over.
  bool met_second_head() const noexcept { return met_second_head_; }

 private:
  StreamedThread* ThreadOf(uint32_t sequence) noexcept;
  bool Put(StreamedThread* thread, int64_t at_ns, Kind kind, std::initializer_list<uint64_t> words);
  uint64_t NameId(uint64_t name_iid) const noexcept;
  bool AddRecord(StreamedThread* thread, std::string_view bytes);
  bool AddMeta(const PacketView& packet, const EventView& event);
  bool AddBegin(StreamedThread* thread, const PacketView& packet, const EventView& event);
  bool AddEnd(StreamedThread* thread, const PacketView& packet);
  bool AddInstant(StreamedThread* thread, const PacketView& packet, const EventView& event);
  bool AddLaunch(uint32_t thread, const EventView& event, int64_t at_ns);
  void AddTableRow(std::string_view table, std::string_view row);
  void AddPause(std::string_view row);
  void AddThread(std::string_view row);
  void AddRange(std::string_view row);

  RawRows& rows_;
  StreamedLogs& logs_;
  CapturedStrings strings_;
  CapturedGpu gpu_;
  int64_t origin_ns_ = 0;      // of the session, on the trace clock, which is CLOCK_MONOTONIC
  int64_t last_ns_ = 0;        // the latest time of all that was read, since session start
  uint64_t launch_track_ = 0;  // of the last launch while it has no end
  bool is_complete_ = false, met_second_head_ = false;
};

}  // namespace opscope
