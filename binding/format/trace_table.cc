#include "trace_table.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "hex.h"
#include "json_text.h"

namespace opscope {
namespace {

constexpr const char* kStatuses[] = {"ok", "error", "unfinished"};

int64_t StatusOf(const TraceRows& rows, uint32_t row) {
  if (!rows.IsFinished(row)) return 2;
  return rows.IsSpan(row) && (rows.recording().spans.flags[row] & kError) != 0 ? 1 : 0;
}

constexpr TableTexts kTraceTexts = {[](const TraceRows& rows) { return rows.traces().size(); },
                                    [](const TraceRows& rows, size_t text, std::string* out) {
                                      char digits[32];
                                      PutHex(PutHex(digits, rows.traces()[text].first),
                                             rows.traces()[text].second);
                                      out->append(digits, sizeof digits);
                                    }};
constexpr TableTexts kCategoryTexts = {[](const TraceRows&) { return size_t{kCategoryCount}; },
                                       [](const TraceRows&, size_t text, std::string* out) {
                                         out->append(CategoryName(static_cast<Category>(text)));
                                       }};
constexpr TableTexts kNameTexts = {
    [](const TraceRows& rows) { return rows.names().size(); },
    [](const TraceRows& rows, size_t text, std::string* out) { AppendValidUtf8(rows.names()[text], out); }};
constexpr TableTexts kStatusTexts = {
    [](const TraceRows&) { return std::size(kStatuses); },
    [](const TraceRows&, size_t text, std::string* out) { out->append(kStatuses[text]); }};

constexpr TableTexts kHostTexts = {[](const TraceRows& rows) { return rows.recording().processes.size(); },
                                   [](const TraceRows& rows, size_t text, std::string* out) {
                                     AppendValidUtf8(rows.recording().processes[text].host, out);
                                   }};

template <NumberKey key>
bool NumberAt(const TraceRows& rows, uint32_t row, int64_t* value) {
  return rows.Number(row, key, value);
}

// As `columns()` of src/model/trace-rows.ts lists them.
constexpr TableColumn kColumns[] = {
    {"trace_id", TableType::kDictionary, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = rows.TraceCode(row);
       return *value >= 0;
     },
     kTraceTexts},
    {"span_id", TableType::kId, false,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = static_cast<int64_t>(rows.SpanId(row));
       return true;
     }},
    {"parent_span_id", TableType::kId, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       uint64_t id = 0;
       const bool is_known = rows.ParentId(row, &id);
       *value = static_cast<int64_t>(id);
       return is_known;
     }},
    {"inference_span_id", TableType::kId, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       const int32_t inference = rows.Inference(row);
       if (inference >= 0) *value = static_cast<int64_t>(rows.SpanId(static_cast<uint32_t>(inference)));
       return inference >= 0;
     }},
    {"start", TableType::kInt64, false,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = rows.StartNs(row);
       return true;
     }},
    {"end", TableType::kInt64, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = rows.EndNs(row);
       return rows.IsFinished(row);
     }},
    {"dur", TableType::kInt64, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = rows.EndNs(row) - rows.StartNs(row);
       return rows.IsFinished(row);
     }},
    {"cat", TableType::kDictionary, false,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = static_cast<int64_t>(rows.CategoryOf(row));
       return true;
     },
     kCategoryTexts},
    {"name", TableType::kDictionary, false,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = rows.NameCode(row);
       return true;
     },
     kNameTexts},
    {"status", TableType::kDictionary, false,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = StatusOf(rows, row);
       return true;
     },
     kStatusTexts},
    // 64 bits: macOS and files of other tools have numbers beyond 32.
    {"thread.id", TableType::kInt64, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       const ThreadEntry* thread = rows.ThreadOf(row);
       *value = thread == nullptr ? 0 : thread->os_thread_id;
       return *value != 0;
     }},
    {"node.thread", TableType::kInt32, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       const ThreadEntry* thread = rows.ThreadOf(row);
       *value = thread == nullptr ? -1 : thread->js_thread_id;
       return *value >= 0;
     }},
    {"device_index", TableType::kInt32, true, NumberAt<NumberKey::kDeviceIndex>},
    {"stream", TableType::kInt32, true, NumberAt<NumberKey::kStream>},
    {"context", TableType::kInt32, true, NumberAt<NumberKey::kContext>},
    {"execution_index", TableType::kInt64, true, NumberAt<NumberKey::kExecutionIndex>},
    {"instruction_index", TableType::kInt32, true, NumberAt<NumberKey::kInstructionIndex>},
    {"operator_index", TableType::kInt32, true, NumberAt<NumberKey::kOperatorIndex>},
    {"correlation_id", TableType::kInt64, true, NumberAt<NumberKey::kCorrelationId>},
    {"bytes", TableType::kInt64, true, NumberAt<NumberKey::kBytes>},
    {"paused_ns", TableType::kInt64, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = rows.PausedNs(row);
       return rows.IsFinished(row);
     }},
    {"attrs", TableType::kText, true, nullptr},
};

// Only where there are several processes; before "thread.id".
constexpr TableColumn kProcessColumns[] = {
    {"host", TableType::kDictionary, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = rows.ProcessOf(row);
       return !rows.recording().processes[rows.ProcessOf(row)].host.empty();
     },
     kHostTexts},
    {"pid", TableType::kInt64, true,
     [](const TraceRows& rows, uint32_t row, int64_t* value) {
       *value = rows.recording().processes[rows.ProcessOf(row)].id;
       return *value != 0;
     }},
};

}  // namespace

TraceTable::TraceTable(const Recording& recording, bool is_absolute)
    : rows_(recording), columns_(std::begin(kColumns), std::end(kColumns)), is_absolute_(is_absolute) {
  if (!recording.processes.empty()) {
    const auto thread = std::find_if(columns_.begin(), columns_.end(), [](const TableColumn& column) {
      return std::string_view(column.name) == "thread.id";
    });
    columns_.insert(thread, std::begin(kProcessColumns), std::end(kProcessColumns));
  }
  if (!is_absolute) return;
  for (TableColumn& column : columns_) {
    const std::string_view name = column.name;
    if (name == "start" || name == "end") column.type = TableType::kTimestamp;
  }
}

std::vector<std::pair<std::string, std::string>> TraceTable::Metadata() const {
  const Recording& r = rows_.recording();
  return {
      {"opscope.origin_epoch_ns", std::to_string(r.origin_epoch_ns)},
      {"opscope.time", is_absolute_ ? "ns since the Unix epoch" : "ns since opscope.origin_epoch_ns"},
      {"opscope.duration_ns", std::to_string(r.duration_ns)},
      {"opscope.process_id", std::to_string(r.process_id)},
      {"opscope.dropped", std::to_string(r.dropped)},
      {"opscope.unfinished", std::to_string(r.unfinished)},
      {"opscope.meta", r.meta_json},
  };
}

}  // namespace opscope
