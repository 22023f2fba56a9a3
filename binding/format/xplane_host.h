// The plane of the host: a line for each thread with its spans, CUDA calls and marks; lanes for what
// overlaps; counters; what happened to GPU memory; what CUPTI itself cost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../core/columns.h"
#include "process_labels.h"
#include "span_rows.h"
#include "xplane_devices.h"
#include "xplane_host_layout.h"
#include "xplane_plane.h"

namespace opscope::xplane {

// The sparse tables of span rows, walked along with the rows of a line.
class RowExtras {
 public:
  RowExtras(const Recording& recording, const HostLayout& layout);

  // False where the row has none for sure.
  bool MayHave(uint32_t row) const noexcept { return row < row_ || row >= next_; }
  // Rows mostly ascend within a line; where they do not, the tables are searched.
  void Seek(uint32_t row);

  const StepRow* TakeStep() noexcept { return steps_.Take(row_); }
  const IdRow* TakeId() noexcept { return ids_.Take(row_); }
  const AttributeRow* TakeAttribute() noexcept { return attributes_.Take(row_); }
  const LinkRow* TakeLink() noexcept { return links_.Take(row_); }
  void Done() noexcept;

 private:
  const Recording& recording_;
  const Column<StepRow>& step_rows_;
  RowCursor<StepRow> steps_;
  RowCursor<IdRow> ids_;
  RowCursor<AttributeRow> attributes_;
  RowCursor<LinkRow> links_;
  uint32_t row_ = 0;
  uint32_t next_ = 0;
};

class HostPlane : public Plane {
 public:
  HostPlane(const Recording& recording, const Devices& devices);

  void WriteEvents(size_t line, EventWriter* out) override;
  void Clear() override;

  // "4194310=100 ...": of which thread's line the lines of lanes and counters are.
  std::string LanesText() const;
  // [[line, system's number, worker_threads.threadId, name], ...] in the recording's order.
  std::string ThreadsText() const;

 private:
  enum class Content : uint8_t { kThread, kLane, kCounters, kMemory, kOverhead, kUnknownLaunches };
  struct Source {
    Content content;
    uint32_t index = 0;  // of the thread
    uint32_t lane = 0;
    Line line;
  };

  std::string NameOfThread(uint32_t thread) const;
  void AddThreadLines(uint32_t thread);
  void AddGpuLines();
  void AddLine(Source source, std::string name);

  void WriteThread(uint32_t thread, EventWriter* out);
  void WriteLane(uint32_t thread, uint32_t lane, EventWriter* out);
  void WriteSpan(uint32_t row, EventWriter* out);
  void WriteRichSpan(uint32_t row, EventWriter* out);
  void WriteSyncPart(const Item& item, EventWriter* out);
  void WriteLaunch(uint32_t index, EventWriter* out);
  void WriteMark(uint32_t index, EventWriter* out);
  void WriteCounters(uint32_t thread, EventWriter* out);
  void WriteMemory(EventWriter* out);
  void WriteOverheads(uint32_t lane, EventWriter* out);
  void WriteUnknownLaunches(EventWriter* out);
  void AddFlags(uint8_t flags, EventWriter* out);
  void AddIds(EventWriter* out);
  void AddAttribute(const AttributeRow& row, EventWriter* out);
  void AddConsumer(int32_t span, EventWriter* out);

  enum Fixed : uint8_t { kAllocation, kRelease, kUnknownLaunch };
  uint32_t EventOf(Fixed fixed);
  uint32_t EventOf(uint32_t name);
  uint32_t EventOfString(uint32_t string);
  uint32_t Stat(StatName name) { return tables.stats.IdOf(name); }

  const Recording& recording_;
  const Devices& devices_;
  HostLayout layout_;
  ThreadOrder order_;
  RowExtras extras_;
  std::vector<Source> sources_;  // by line
  std::vector<std::vector<uint32_t>> overhead_lanes_;
  std::vector<uint8_t> uses_;                     // by string, as the value of an attribute; counted to 2
  std::vector<uint32_t> events_, string_events_;  // by name and string; 0: not in use so far
  std::vector<uint32_t> keys_, values_;           // stats by string, likewise
  std::array<uint32_t, 3> fixed_events_{};
  std::map<uint32_t, uint32_t> overhead_events_;  // by kind
  std::vector<int32_t> thread_ids_;
  std::vector<ProcessLabel> processes_;
  int64_t next_line_id_;
};

}  // namespace opscope::xplane
