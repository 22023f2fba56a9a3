#include "raw_rows_check.h"

#include <string>

#include "processes.h"

namespace opscope {
namespace {

constexpr int64_t kMaxTimeNs = int64_t{1} << 60;

bool IsTime(int64_t ns) noexcept { return ns >= -kMaxTimeNs && ns <= kMaxTimeNs; }

Status Bad(const char* table, size_t row, const char* fault) {
  return Status::Error(Code::kBadRows, std::string(table) + " " + std::to_string(row) + ": " + fault);
}
Status Bad(const char* fault) { return Status::Error(Code::kBadRows, fault); }

// Returns the message for a row, or null.
template <typename Table, typename FaultOf>
Status CheckTable(const char* name, const Table& table, FaultOf fault_of) {
  for (size_t row = 0; row < table.size(); ++row) {
    if (const char* fault = fault_of(table[row])) return Bad(name, row, fault);
  }
  return Status::Ok();
}

class Checker {
 public:
  explicit Checker(const RawRows& rows) : rows_(rows), span_count_(rows.span_start_ns.size()) {}

  Status Run() const {
    for (Status (Checker::*check)() const :
         {&Checker::Names, &Checker::Processes, &Checker::SpanSizes, &Checker::Spans, &Checker::SpanTables,
          &Checker::Points, &Checker::Gpu}) {
      Status status = (this->*check)();
      if (!status.ok()) return status;
    }
    return Status::Ok();
  }

 private:
  Status Names() const {
    return CheckTable("name", rows_.names, [](const NameEntry& name) -> const char* {
      if (name.text.empty()) return "the text is empty";
      if (static_cast<uint32_t>(name.category) >= kCategoryCount) return "no such category";
      if (name.role > Role::kSample) return "no such role";
      return nullptr;
    });
  }

  Status Processes() const {
    const size_t count = ProcessCount(rows_.processes);
    const auto fault_of = [count](const auto& row) {
      return row.process < count ? nullptr : "no such process";
    };
    for (Status status :
         {CheckTable("process", rows_.processes,
                     [](const ProcessEntry& process) {
                       const bool is_good = IsTime(process.start_ns) && IsTime(process.duration_ns);
                       return is_good ? nullptr : "a time is out of range";
                     }),
          CheckTable("thread", rows_.threads, fault_of), CheckTable("pause", rows_.pauses, fault_of),
          CheckTable("bracket", rows_.unseen_brackets, fault_of),
          CheckTable("device", rows_.gpu_details.devices, fault_of),
          CheckTable("overhead", rows_.gpu_details.overheads, fault_of)}) {
      if (!status.ok()) return status;
    }
    return Status::Ok();
  }

  Status SpanSizes() const {
    const size_t n = span_count_;
    if (n > INT32_MAX) return Bad("more than 2^31 - 1 spans");
    if (rows_.span_thread.size() != n || rows_.span_name.size() != n || rows_.span_end_ns.size() != n ||
        rows_.span_flags.size() != n) {
      return Bad("the columns of spans differ in size");
    }
    if (!rows_.span_parent.empty() && rows_.span_parent.size() != n)
      return Bad("the column of parents is neither empty nor full");
    for (const Column<uint64_t>* ids :
         {&rows_.span_id, &rows_.span_parent_id, &rows_.span_trace_high, &rows_.span_trace_low}) {
      if (!ids->empty() && ids->size() != n) return Bad("an id column of spans is neither empty nor full");
    }
    return Status::Ok();
  }

  bool HasBadParent(size_t row) const noexcept {
    if (rows_.span_parent.empty()) return false;
    const int32_t parent = rows_.span_parent[row];
    return parent < kNoParent || parent >= static_cast<int64_t>(span_count_);
  }
  Status Spans() const {
    const size_t threads = rows_.threads.size(), names = rows_.names.size();
    for (size_t row = 0; row < span_count_; ++row) {
      const int64_t end = rows_.span_end_ns[row];
      const bool is_good = rows_.span_thread[row] < threads && rows_.span_name[row] < names &&
                           IsTime(rows_.span_start_ns[row]) && (IsTime(end) || end == kOpenEnd);
      if (is_good && !HasBadParent(row)) continue;
      if (is_good) return Bad("span", row, "no such parent");
      if (rows_.span_thread[row] >= threads) return Bad("span", row, "no such thread");
      if (rows_.span_name[row] >= names) return Bad("span", row, "no such name");
      return Bad("span", row, "a time is out of range");
    }
    return Status::Ok();
  }

  Status SpanTables() const {
    Status status = CheckTable("return", rows_.span_returns, [this](const AsyncRow& row) -> const char* {
      return row.row >= span_count_  ? "no such span"
             : IsTime(row.return_ns) ? nullptr
                                     : "a time is out of range";
    });
    if (!status.ok()) return status;
    status = CheckTable("link", rows_.links, [this](const LinkRow& row) {
      return row.row >= span_count_ ? "no such span" : nullptr;
    });
    if (!status.ok()) return status;
    return CheckTable("attribute", rows_.attributes, [this](const AttributeRow& row) -> const char* {
      if (row.row >= span_count_) return "no such span";
      if (row.key >= rows_.strings.size()) return "no such key";
      if (row.type > AttributeType::kBool) return "no such type";
      if (row.type == AttributeType::kString && static_cast<uint64_t>(row.integer) >= rows_.strings.size())
        return "no such string";
      return nullptr;
    });
  }

  template <typename Row>
  const char* FaultOfPoint(const Row& row) const {
    if (row.thread >= rows_.threads.size()) return "no such thread";
    if (row.name >= rows_.names.size()) return "no such name";
    return IsTime(row.at_ns) ? nullptr : "a time is out of range";
  }
  Status Points() const {
    Status status = CheckTable("mark", rows_.marks, [this](const MarkRow& row) -> const char* {
      const bool is_told = !rows_.span_parent.empty();
      if (is_told && (row.span < kNoParent || row.span >= static_cast<int64_t>(span_count_)))
        return "no such span";
      return FaultOfPoint(row);
    });
    if (!status.ok()) return status;
    return CheckTable("counter", rows_.counters, [this](const CounterRow& row) { return FaultOfPoint(row); });
  }

  Status Gpu() const {
    Status unseen = CheckTable("bracket", rows_.unseen_brackets, [](const BracketRow& row) {
      return IsTime(row.start_ns) && IsTime(row.end_ns) ? nullptr : "a time is out of range";
    });
    if (!unseen.ok()) return unseen;
    Status contexts = CheckTable("context", rows_.contexts, [this](const ContextRow& row) -> const char* {
      if (row.thread >= rows_.threads.size()) return "no such thread";
      if (row.span < 0 || row.span >= static_cast<int64_t>(span_count_)) return "no such span";
      return IsTime(row.start_ns) && IsTime(row.end_ns) ? nullptr : "a time is out of range";
    });
    if (!contexts.ok()) return contexts;
    if (rows_.launches.size() > INT32_MAX || rows_.gpu.size() > INT32_MAX)
      return Bad("more than 2^31 - 1 launches or gpu rows");
    Status status = CheckTable("launch", rows_.launches, [this](const LaunchRow& row) -> const char* {
      if (row.thread >= rows_.threads.size()) return "no such thread";
      if (row.name >= rows_.strings.size()) return "no such string";
      return IsTime(row.start_ns) && IsTime(row.end_ns) ? nullptr : "a time is out of range";
    });
    if (!status.ok()) return status;
    status = CheckTable("gpu row", rows_.gpu, [this](const GpuRow& row) -> const char* {
      if (row.name >= rows_.strings.size()) return "no such string";
      if (row.kind > GpuKind::kSync) return "no such kind";
      if (row.from > MemoryKind::kPeer || row.to > MemoryKind::kPeer) return "no such memory kind";
      return IsTime(row.start_ns) && IsTime(row.end_ns) ? nullptr : "a time is out of range";
    });
    return status.ok() ? GpuDetailTables() : status;
  }

  Status GpuDetailTables() const {
    const GpuDetails& details = rows_.gpu_details;
    int64_t last = -1;
    Status status = CheckTable("kernel", details.kernels, [&](const KernelRow& kernel) -> const char* {
      if (kernel.row >= rows_.gpu.size() || rows_.gpu[kernel.row].kind != GpuKind::kKernel)
        return "no such kernel among the gpu rows";
      if (kernel.row <= last) return "the rows do not ascend";
      last = kernel.row;
      return nullptr;
    });
    if (!status.ok()) return status;
    status = CheckTable("overhead", details.overheads, [](const GpuOverheadRow& row) {
      return IsTime(row.start_ns) && IsTime(row.end_ns) ? nullptr : "a time is out of range";
    });
    if (!status.ok()) return status;
    return CheckTable("memory row", details.memory, [](const GpuMemoryRow& row) -> const char* {
      if (row.kind > MemoryKind::kPeer) return "no such memory kind";
      return IsTime(row.at_ns) ? nullptr : "a time is out of range";
    });
  }

  const RawRows& rows_;
  const size_t span_count_;
};

}  // namespace

Status CheckRawRows(const RawRows& rows) { return Checker(rows).Run(); }

}  // namespace opscope
