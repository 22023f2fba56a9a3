// Packets of a capture file of ours -> rows. The other half of perfetto_writer.cc.
#pragma once

#include <cstdint>
#include <vector>

#include "../core/raw_rows.h"
#include "perfetto_capture_gpu.h"
#include "perfetto_capture_strings.h"
#include "perfetto_packet.h"

namespace opscope {

// Fed packet by packet, in file order; one thread at a time.
class CaptureRows {
 public:
  explicit CaptureRows(RawRows* rows) : rows_(*rows), strings_(rows), gpu_(rows, &strings_) {}

  // Whether the event opens a capture of ours.
  static bool IsHead(const EventView& event) noexcept;

  // False when the packet makes no sense; nothing of it is kept then.
  bool Add(const PacketView& packet);
  // The same for a slice of a thread's own track without any annotation.
  bool AddPlainBegin(uint32_t sequence, int64_t at_ns, uint64_t name_iid);
  bool AddPlainEnd(uint32_t sequence, int64_t at_ns);
  // After the last packet.
  void Finish();

  // The file was written to its end.
  bool is_complete() const noexcept { return is_complete_; }
  // Another capture begins here: this one is over.
  bool met_second_head() const noexcept { return heads_ > 1; }

 private:
  struct Open {
    enum class Kind : uint8_t { kNone, kSpan, kLaunch, kPause };
    uint64_t track = 0;
    size_t index = 0;
    Kind kind = Kind::kNone;
  };
  struct Slice {
    int32_t row;  // kNoParent: none of its own
    bool ends_row;
  };
  struct ParentNote {
    uint32_t row;
    uint64_t place;
  };

  void EnterSequence(uint32_t sequence);
  void AddRow(uint32_t thread, uint32_t name, int64_t at_ns, uint8_t flags);
  bool AddMeta(const PacketView& packet, const EventView& event);
  bool AddBegin(const PacketView& packet, const EventView& event, uint32_t thread);
  bool AddSpan(const PacketView& packet, const EventView& event, uint32_t thread, bool on_thread);
  bool AddEnd(uint64_t track, bool on_thread, int64_t at_ns);
  static int32_t MarkSpan(std::string_view event);
  void AddIds(uint32_t row, uint64_t id, uint64_t parent, uint64_t high, uint64_t low);
  void ResolveParents();
  void KeepWholeContexts();
  void KeepProcesses();

  RawRows& rows_;
  int64_t origin_ns_ = 0;  // of the session, on the trace clock
  uint32_t heads_ = 0;
  uint32_t process_descriptors_ = 0;
  bool is_complete_ = false;

  // Of the sequence that the packets are from.
  uint32_t sequence_ = 0;
  std::vector<Slice> stack_;
  int32_t last_async_ = kNoParent;
  Open open_;  // BEGIN and END on another track follow each other

  CapturedStrings strings_;
  CapturedGpu gpu_;
  std::vector<ParentNote> parents_;
};

}  // namespace opscope
