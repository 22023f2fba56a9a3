#include <algorithm>
#include <new>
#include <numeric>
#include <utility>
#include <vector>

#include "assemble.h"
#include "id_map.h"
#include "open_span_sweep.h"
#include "processes.h"
#include "raw_rows.h"
#include "raw_rows_check.h"
#include "row_order.h"

namespace opscope {
namespace {

template <typename T>
Column<T> Gathered(const Column<T>& column, const Column<uint32_t>& order) {
  Column<T> gathered(order.size());
  for (size_t i = 0; i < order.size(); ++i) gathered[i] = column[order[i]];
  return gathered;
}

// Checked rows to a recording, step by step in the order of Run(). One use; not
// thread-safe.
class Nester {
 public:
  explicit Nester(RawRows&& rows)
      : rows_(std::move(rows)), out_(std::make_shared<Recording>()), spans_(out_->spans) {}

  std::shared_ptr<Recording> Run() {
    MoveWhatStays();
    ReadTimes();
    OrderThreads();
    OrderSpans();
    NestByTime();
    AddSpanTables();
    if (!rows_.span_id.empty() || !rows_.span_parent_id.empty()) {
      ApplyParentIds();
      BreakCycles();
      PutInBeginOrder(out_.get());
    }
    AddPoints();
    AddGpu();
    AddWarnings();
    return std::move(out_);
  }

 private:
  void MoveWhatStays() {
    out_->names = std::move(rows_.names);
    out_->strings = std::move(rows_.strings);
    out_->processes = std::move(rows_.processes);
    out_->pauses = std::move(rows_.pauses);
    out_->unseen_brackets = std::move(rows_.unseen_brackets);
    out_->warnings = std::move(rows_.warnings);
    out_->meta_json = std::move(rows_.meta_json);
    out_->origin_epoch_ns = rows_.origin_epoch_ns;
    out_->origin_clock_ns = rows_.origin_clock_ns;
    out_->process_id = rows_.process_id;
    out_->dropped = rows_.dropped;
  }

  // Straightens reversed spans, and finds each thread's first event and the
  // last end of all.
  void ReadTimes() {
    first_event_.assign(rows_.threads.size(), INT64_MAX);
    span_counts_.assign(rows_.threads.size(), 0);
    int64_t last = 0;
    for (size_t row = 0; row < rows_.span_start_ns.size(); ++row) {
      const int64_t start = rows_.span_start_ns[row];
      int64_t& end = rows_.span_end_ns[row];
      if (end < start && end != kOpenEnd) {
        end = start;
        ++reversed_;
      }
      last = std::max({last, start, end});
      const uint32_t thread = rows_.span_thread[row];
      first_event_[thread] = std::min(first_event_[thread], start);
      ++span_counts_[thread];
    }
    const auto see = [this, &last](uint32_t thread, int64_t start, int64_t end) {
      first_event_[thread] = std::min(first_event_[thread], start);
      last = std::max(last, end);
    };
    for (const MarkRow& mark : rows_.marks) see(mark.thread, mark.at_ns, mark.at_ns);
    for (const CounterRow& counter : rows_.counters) see(counter.thread, counter.at_ns, counter.at_ns);
    for (LaunchRow& launch : rows_.launches) {
      launch.end_ns = std::max(launch.end_ns, launch.start_ns);
      see(launch.thread, launch.start_ns, launch.end_ns);
    }
    for (GpuRow& row : rows_.gpu) {
      row.end_ns = std::max(row.end_ns, row.start_ns);
      last = std::max(last, row.end_ns);
    }
    out_->duration_ns = rows_.duration_ns > 0 ? rows_.duration_ns : last;
  }

  // By process, then first event; threads without any come last.
  void OrderThreads() {
    std::vector<uint32_t> order(rows_.threads.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
      const uint32_t x = rows_.threads[a].process, y = rows_.threads[b].process;
      return x != y ? x < y : first_event_[a] < first_event_[b];
    });
    new_threads_.resize(order.size());
    uint32_t first_row = 0;
    for (uint32_t thread = 0; thread < order.size(); ++thread) {
      RawThread& raw = rows_.threads[order[thread]];
      new_threads_[order[thread]] = thread;
      out_->threads.push_back({std::move(raw.name), raw.os_thread_id, raw.js_thread_id, first_row,
                               span_counts_[order[thread]], raw.process});
      first_row += span_counts_[order[thread]];
    }
  }

  // `order_` stays empty where the rows lie right as they were given; then their
  // columns are taken over as they are.
  void OrderSpans() {
    if (!AreSpansOrdered()) {
      order_.Reset(rows_.span_start_ns.size());
      std::vector<uint32_t> next;
      for (const ThreadEntry& thread : out_->threads) next.push_back(thread.first_row);
      for (uint32_t row = 0; row < order_.size(); ++row)
        order_[next[new_threads_[rows_.span_thread[row]]]++] = row;
      for (const ThreadEntry& thread : out_->threads)
        OrderThread(order_.data() + thread.first_row, thread.row_count);
    }
    spans_.start_ns = Taken(&rows_.span_start_ns);
    spans_.duration_ns = Taken(&rows_.span_end_ns);  // still the ends: NestByTime
    spans_.name = Taken(&rows_.span_name);
    spans_.flags = Taken(&rows_.span_flags);
    rows_.span_thread = Column<uint32_t>();
  }
  template <typename T>
  Column<T> Taken(Column<T>* column) const {
    Column<T> taken = order_.empty() ? std::move(*column) : Gathered(*column, order_);
    *column = Column<T>();
    return taken;
  }
  bool AreSpansOrdered() const noexcept {
    for (size_t row = 1; row < rows_.span_start_ns.size(); ++row) {
      const uint32_t a = new_threads_[rows_.span_thread[row - 1]], b = new_threads_[rows_.span_thread[row]];
      if (a != b ? a > b : IsBefore(row, row - 1)) return false;
    }
    return true;
  }
  bool IsBefore(size_t a, size_t b) const noexcept {
    if (rows_.span_start_ns[a] != rows_.span_start_ns[b])
      return rows_.span_start_ns[a] < rows_.span_start_ns[b];
    return GivenEnd(a) > GivenEnd(b);
  }
  int64_t GivenEnd(size_t row) const noexcept {
    const int64_t end = rows_.span_end_ns[row];
    return end == kOpenEnd ? INT64_MAX : end;
  }
  void OrderThread(uint32_t* rows, size_t count) const {
    const auto is_before = [this](uint32_t a, uint32_t b) { return IsBefore(a, b); };
    if (std::is_sorted(rows, rows + count, is_before)) return;
    Column<int64_t> starts(count);
    for (size_t i = 0; i < count; ++i) starts[i] = rows_.span_start_ns[rows[i]];
    Column<uint32_t> by_start(count);
    OrderByKey(starts.data(), count, by_start.data());
    for (size_t i = 0; i < count; ++i) by_start[i] = rows[by_start[i]];
    for (size_t first = 0; first < count;) {
      size_t last = first + 1;
      while (last < count && rows_.span_start_ns[by_start[last]] == rows_.span_start_ns[by_start[first]])
        ++last;
      if (last - first > 1) std::stable_sort(by_start.data() + first, by_start.data() + last, is_before);
      first = last;
    }
    std::copy_n(by_start.data(), count, rows);
  }

  // Two spans that only touch are neighbours; a span of no length at the end of
  // another comes after it. Turns ends into durations.
  void NestByTime() {
    struct OpenSpan {
      int64_t end_ns;
      int32_t row;
    };
    spans_.parent.Reset(spans_.start_ns.size());
    std::vector<OpenSpan> open;
    for (const ThreadEntry& thread : out_->threads) {
      const int64_t stop_ns = SessionEndNs(out_->processes, thread.process, out_->duration_ns);
      open.clear();
      for (size_t row = thread.first_row; row < size_t{thread.first_row} + thread.row_count; ++row) {
        const int64_t start = spans_.start_ns[row];
        const bool is_unfinished = spans_.duration_ns[row] == kOpenEnd;
        const int64_t end = is_unfinished ? INT64_MAX : spans_.duration_ns[row];
        uint8_t flags = spans_.flags[row] & (kAsync | kError | kTimed | kBracket);
        while (!open.empty() && open.back().end_ns <= start) open.pop_back();
        int32_t parent = open.empty() ? kNoParent : open.back().row;
        if ((flags & kAsync) == 0) {
          if (parent != kNoParent && end > open.back().end_ns) {
            // Ends descend from the outermost span inwards.
            const auto after = std::partition_point(
                open.begin(), open.end(), [end](const OpenSpan& span) { return span.end_ns >= end; });
            parent = after == open.begin() ? kNoParent : (after - 1)->row;
            flags |= kAsync;
            ++overlapping_;
          } else {
            open.push_back({end, static_cast<int32_t>(row)});
          }
        }
        if (is_unfinished) {
          flags |= kUnfinished;
          ++out_->unfinished;
        }
        spans_.parent[row] = parent;
        spans_.flags[row] = flags;
        spans_.duration_ns[row] = is_unfinished ? std::max<int64_t>(stop_ns - start, 0) : end - start;
      }
    }
  }

  void AddSpanTables() {
    out_->attributes = std::move(rows_.attributes);
    out_->links = std::move(rows_.links);
    Column<AsyncRow>& returns = rows_.span_returns;
    out_->contexts = std::move(rows_.contexts);
    for (ContextRow& row : out_->contexts) row.thread = new_threads_[row.thread];
    if (!order_.empty() &&
        (!out_->attributes.empty() || !out_->links.empty() || !returns.empty() || !out_->contexts.empty())) {
      Column<uint32_t> new_rows(order_.size());
      for (uint32_t row = 0; row < order_.size(); ++row) new_rows[order_[row]] = row;
      for (AttributeRow& row : out_->attributes) row.row = new_rows[row.row];
      for (LinkRow& row : out_->links) row.row = new_rows[row.row];
      for (AsyncRow& row : returns) row.row = new_rows[row.row];
      for (ContextRow& row : out_->contexts)
        row.span = static_cast<int32_t>(new_rows[static_cast<size_t>(row.span)]);
    }
    SortTable(&out_->contexts, [](const ContextRow& a, const ContextRow& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.start_ns < b.start_ns;
    });
    const auto by_row = [](const auto& a, const auto& b) { return a.row < b.row; };
    SortTable(&out_->attributes, by_row);
    SortTable(&out_->links, by_row);
    SortTable(&returns, by_row);
    size_t next = 0;
    for (uint32_t row = 0; row < spans_.size(); ++row) {
      if ((spans_.flags[row] & kAsync) == 0) continue;
      while (next < returns.size() && returns[next].row < row) ++next;
      const int64_t start = spans_.start_ns[row];
      const bool is_known = next < returns.size() && returns[next].row == row;
      out_->asyncs.Append(
          {is_known ? std::clamp(returns[next].return_ns, start, start + spans_.duration_ns[row]) : start,
           row});
    }
  }

  // Rows as given have the ids of row order_[row].
  void ApplyParentIds() {
    const auto id_of = [this](const Column<uint64_t>& ids, size_t row) {
      return ids.empty() ? 0 : ids[order_.empty() ? row : order_[row]];
    };
    IdMap row_by_id(rows_.span_id.size());
    for (uint32_t row = 0; row < spans_.size(); ++row) {
      const uint64_t id = id_of(rows_.span_id, row);
      if (id != 0 && row_by_id.FindOrInsert(id, row) != row) ++duplicate_ids_;
    }
    has_parent_id_.resize(spans_.size());
    for (uint32_t row = 0; row < spans_.size(); ++row) {
      IdRow ids = {id_of(rows_.span_id, row), id_of(rows_.span_parent_id, row),
                   id_of(rows_.span_trace_high, row), id_of(rows_.span_trace_low, row), row};
      const uint32_t parent =
          ids.remote_parent_id == 0 ? IdMap::kAbsent : row_by_id.Find(ids.remote_parent_id);
      if (parent != IdMap::kAbsent) {
        spans_.parent[row] = static_cast<int32_t>(parent);
        has_parent_id_[row] = true;
        ids.remote_parent_id = 0;
      }
      if ((ids.span_id | ids.remote_parent_id | ids.trace_id_high | ids.trace_id_low) != 0)
        out_->ids.Append(ids);
    }
  }

  // Nesting by time alone has no cycle, so every cycle has a row with a parent
  // id; one of them loses its parent.
  void BreakCycles() {
    enum State : uint8_t { kNew, kOnPath, kDone };
    std::vector<State> states(spans_.size(), kNew);
    std::vector<size_t> path;
    for (size_t from = 0; from < spans_.size(); ++from) {
      if (!has_parent_id_[from]) continue;
      size_t row = from;
      while (states[row] == kNew) {
        states[row] = kOnPath;
        path.push_back(row);
        if (spans_.parent[row] == kNoParent) break;
        row = static_cast<size_t>(spans_.parent[row]);
      }
      if (states[row] == kOnPath && spans_.parent[row] != kNoParent) {
        while (!has_parent_id_[row]) row = static_cast<size_t>(spans_.parent[row]);
        spans_.parent[row] = kNoParent;
        ++cycles_;
      }
      for (const size_t done : path) states[done] = kDone;
      path.clear();
    }
  }

  void AddPoints() {
    out_->marks = std::move(rows_.marks);
    out_->counters = std::move(rows_.counters);
    const auto by_time = [](const auto& a, const auto& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.at_ns < b.at_ns;
    };
    for (MarkRow& mark : out_->marks) mark.thread = new_threads_[mark.thread];
    for (CounterRow& counter : out_->counters) counter.thread = new_threads_[counter.thread];
    SortTable(&out_->marks, by_time);
    SortTable(&out_->counters, by_time);
    MarkRow* mark = out_->marks.begin();
    while (mark != out_->marks.end()) {
      const uint32_t thread = mark->thread;
      OpenSpanSweep sweep(*out_, out_->threads[thread]);
      for (; mark != out_->marks.end() && mark->thread == thread; ++mark)
        mark->span = sweep.InnermostAt(mark->at_ns);
    }
  }

  void AddGpu() {
    out_->launches = std::move(rows_.launches);
    out_->gpu = std::move(rows_.gpu);
    for (LaunchRow& launch : out_->launches) {
      launch.thread = new_threads_[launch.thread];
      launch.span = kNoParent;
    }
    out_->gpu_details = std::move(rows_.gpu_details);
    for (GpuRow& row : out_->gpu) {
      row.launch = -1;
      row.span = kNoParent;
    }
    SortTable(&out_->launches, [](const LaunchRow& a, const LaunchRow& b) {
      return a.thread != b.thread ? a.thread < b.thread : a.start_ns < b.start_ns;
    });
    PutGpuInOrder(&out_->gpu, &out_->gpu_details);
    AttributeGpu(out_.get());
  }

  void AddWarnings() {
    const auto warn = [this](const char* code, const char* detail, uint64_t count) {
      if (count != 0) out_->warnings.push_back({code, detail, count});
    };
    warn("reversed-spans", "spans ended before they began; their duration is 0", reversed_);
    warn("overlapping-spans",
         "spans overlapped others of their thread without nesting; they are shown as async", overlapping_);
    warn("duplicate-ids", "spans had the id of another span; parent ids mean the first one", duplicate_ids_);
    warn("parent-cycles", "spans were their own ancestors by parent id; one of each cycle lost its parent",
         cycles_);
  }

  RawRows rows_;
  std::shared_ptr<Recording> out_;
  SpanColumns& spans_;
  std::vector<int64_t> first_event_;
  std::vector<uint32_t> span_counts_;
  std::vector<uint32_t> new_threads_;  // by thread as given
  Column<uint32_t> order_;
  std::vector<bool> has_parent_id_;
  uint64_t reversed_ = 0, overlapping_ = 0, duplicate_ids_ = 0, cycles_ = 0;
};

}  // namespace

Status BuildRecording(RawRows&& rows, std::shared_ptr<const Recording>* out) {
  Status status = CheckRawRows(rows);
  if (!status.ok()) return status;
  try {
    *out = rows.span_parent.empty() ? Nester(std::move(rows)).Run() : AssembleRecording(std::move(rows));
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for the rows of this recording");
  }
  return Status::Ok();
}

}  // namespace opscope
