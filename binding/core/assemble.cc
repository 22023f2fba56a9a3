#include "assemble.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "processes.h"
#include "row_order.h"

namespace opscope {

namespace {

// One use; not thread-safe.
class Assembler {
 public:
  explicit Assembler(RawRows&& rows) : rows_(std::move(rows)), out_(std::make_shared<Recording>()) {}

  std::shared_ptr<Recording> Run() {
    out_->names = std::move(rows_.names);
    out_->processes = std::move(rows_.processes);
    out_->strings = std::move(rows_.strings);
    out_->pauses = std::move(rows_.pauses);
    out_->unseen_brackets = std::move(rows_.unseen_brackets);
    out_->warnings = std::move(rows_.warnings);
    out_->meta_json = std::move(rows_.meta_json);
    out_->origin_epoch_ns = rows_.origin_epoch_ns;
    out_->origin_clock_ns = rows_.origin_clock_ns;
    out_->process_id = rows_.process_id;
    out_->dropped = rows_.dropped;
    out_->duration_ns = rows_.duration_ns;
    GroupByThread();
    AddSpans();
    const uint64_t cycles = CutCycles();
    if (cycles != 0)
      out_->warnings.push_back(
          {"parent-cycles", "spans were their own ancestors; one of each cycle lost its parent", cycles});
    AddSpanTables();
    AddThreadTables();
    // Free where the file tells them so; a stream tells spans when they end.
    PutInBeginOrder(out_.get());
    AttributeGpu(out_.get());
    return std::move(out_);
  }

 private:
  // The writer keeps a thread's rows in order, but not the threads apart.
  void GroupByThread() {
    const size_t count = rows_.span_thread.size();
    std::vector<uint32_t> next(rows_.threads.size() + 1, 0);
    for (const uint32_t thread : rows_.span_thread) ++next[thread + 1];
    for (size_t thread = 0; thread < rows_.threads.size(); ++thread) {
      RawThread& raw = rows_.threads[thread];
      const uint32_t row_count = next[thread + 1];
      next[thread + 1] += next[thread];
      out_->threads.push_back(
          {std::move(raw.name), raw.os_thread_id, raw.js_thread_id, next[thread], row_count, raw.process});
    }
    new_rows_.Reset(count);
    for (size_t row = 0; row < count; ++row) new_rows_[row] = next[rows_.span_thread[row]]++;
  }
  int32_t Moved(int32_t row) const noexcept {
    return row < 0 ? kNoParent : static_cast<int32_t>(new_rows_[static_cast<size_t>(row)]);
  }

  int64_t StopNs(uint32_t thread) const noexcept {
    return SessionEndNs(out_->processes, out_->threads[thread].process, out_->duration_ns);
  }

  void AddSpans() {
    SpanColumns& spans = out_->spans;
    const size_t count = new_rows_.size();
    spans.start_ns.Reset(count);
    spans.duration_ns.Reset(count);
    spans.name.Reset(count);
    spans.parent.Reset(count);
    spans.flags.Reset(count);
    for (size_t row = 0; row < count; ++row) {
      const uint32_t at = new_rows_[row];
      const int64_t start = rows_.span_start_ns[row];
      const bool is_unfinished = rows_.span_end_ns[row] == kOpenEnd;
      spans.start_ns[at] = start;
      spans.duration_ns[at] = std::max<int64_t>(
          (is_unfinished ? StopNs(rows_.span_thread[row]) : rows_.span_end_ns[row]) - start, 0);
      spans.name[at] = rows_.span_name[row];
      spans.parent[at] = Moved(rows_.span_parent[row]);
      spans.flags[at] = static_cast<uint8_t>((rows_.span_flags[row] & (kAsync | kError | kTimed | kBracket)) |
                                             (is_unfinished ? kUnfinished : 0));
      out_->unfinished += is_unfinished ? 1 : 0;
    }
  }

  // A damaged file may tell anything. Returns how many parents were taken away.
  uint64_t CutCycles() {
    enum State : uint8_t { kNew, kOnPath, kDone };
    Column<int32_t>& parent = out_->spans.parent;
    std::vector<State> states(parent.size(), kNew);
    std::vector<size_t> path;
    uint64_t cycles = 0;
    for (size_t from = 0; from < parent.size(); ++from) {
      size_t row = from;
      while (states[row] == kNew) {
        states[row] = kOnPath;
        path.push_back(row);
        if (parent[row] == kNoParent) break;
        row = static_cast<size_t>(parent[row]);
      }
      if (states[row] == kOnPath && parent[row] != kNoParent) {
        parent[row] = kNoParent;
        ++cycles;
      }
      for (const size_t done : path) states[done] = kDone;
      path.clear();
    }
    return cycles;
  }

  uint64_t IdOf(const Column<uint64_t>& ids, size_t row) const noexcept { return ids.empty() ? 0 : ids[row]; }

  void AddSpanTables() {
    for (size_t row = 0; row < new_rows_.size(); ++row) {
      const IdRow ids = {IdOf(rows_.span_id, row), IdOf(rows_.span_parent_id, row),
                         IdOf(rows_.span_trace_high, row), IdOf(rows_.span_trace_low, row), new_rows_[row]};
      if ((ids.span_id | ids.remote_parent_id | ids.trace_id_high | ids.trace_id_low) != 0)
        out_->ids.Append(ids);
    }
    out_->attributes = std::move(rows_.attributes);
    out_->links = std::move(rows_.links);
    Column<AsyncRow> returns = std::move(rows_.span_returns);
    for (AttributeRow& row : out_->attributes) row.row = new_rows_[row.row];
    for (LinkRow& row : out_->links) row.row = new_rows_[row.row];
    for (AsyncRow& row : returns) row.row = new_rows_[row.row];
    const auto by_row = [](const auto& a, const auto& b) { return a.row < b.row; };
    SortTable(&out_->ids, by_row);
    SortTable(&out_->attributes, by_row);
    SortTable(&out_->links, by_row);
    SortTable(&returns, by_row);
    const SpanColumns& spans = out_->spans;
    size_t next = 0;
    for (uint32_t row = 0; row < spans.size(); ++row) {
      if ((spans.flags[row] & kAsync) == 0) continue;
      while (next < returns.size() && returns[next].row < row) ++next;
      const bool is_known = next < returns.size() && returns[next].row == row;
      const int64_t start = spans.start_ns[row];
      out_->asyncs.Append(
          {is_known ? std::clamp(returns[next].return_ns, start, start + spans.duration_ns[row]) : start,
           row});
    }
  }

  void AddThreadTables() {
    out_->marks = std::move(rows_.marks);
    out_->counters = std::move(rows_.counters);
    out_->launches = std::move(rows_.launches);
    out_->gpu = std::move(rows_.gpu);
    out_->gpu_details = std::move(rows_.gpu_details);
    for (MarkRow& mark : out_->marks) mark.span = Moved(mark.span);
    for (LaunchRow& launch : out_->launches) {
      launch.end_ns = std::max(launch.end_ns, launch.start_ns);
      launch.span = kNoParent;
    }
    for (GpuRow& row : out_->gpu) {
      row.end_ns = std::max(row.end_ns, row.start_ns);
      row.launch = -1;
      row.span = kNoParent;
    }
    const auto by_time = [](const auto& a, const auto& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.at_ns < b.at_ns;
    };
    SortTable(&out_->marks, by_time);
    SortTable(&out_->counters, by_time);
    SortTable(&out_->launches, [](const LaunchRow& a, const LaunchRow& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.start_ns < b.start_ns;
    });
    PutGpuInOrder(&out_->gpu, &out_->gpu_details);
    out_->contexts = std::move(rows_.contexts);
    for (ContextRow& row : out_->contexts) row.span = Moved(row.span);
    SortTable(&out_->contexts, [](const ContextRow& a, const ContextRow& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.start_ns < b.start_ns;
    });
  }

  RawRows rows_;
  std::shared_ptr<Recording> out_;
  Column<uint32_t> new_rows_;  // by row as given
};

}  // namespace

std::shared_ptr<Recording> AssembleRecording(RawRows&& rows) { return Assembler(std::move(rows)).Run(); }

}  // namespace opscope
