// The rows of a recording as a table: which columns there are, of what type, and
// what each says of a row. The writers of tables walk this list and know nothing
// of the single columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace_rows.h"

namespace opscope {

enum class TableType : uint8_t {
  kDictionary,  // one of few texts; the value is its number among texts()
  kId,          // 16 hex digits; the value is the id
  kText,        // any text, told by AppendText
  kInt32,
  kInt64,
  kTimestamp,  // ns since the Unix epoch
};

// The texts of a dictionary: valid UTF-8, each once.
struct TableTexts {
  size_t (*count)(const TraceRows& rows);
  void (*append)(const TraceRows& rows, size_t text, std::string* out);
};

struct TableColumn {
  const char* name;
  TableType type;
  bool is_nullable;
  // False: null. Absent for kText.
  bool (*at)(const TraceRows& rows, uint32_t row, int64_t* value);
  TableTexts texts = {};  // of kDictionary
};

// One thread at a time; the recording must live longer.
class TraceTable {
 public:
  // `is_absolute`: start and end since the Unix epoch instead of the session's start.
  TraceTable(const Recording& recording, bool is_absolute);

  const TraceRows& rows() const noexcept { return rows_; }
  size_t size() const noexcept { return rows_.size(); }
  const std::vector<TableColumn>& columns() const noexcept { return columns_; }
  // What a reader must know beside the rows, by keys that begin with "opscope.".
  std::vector<std::pair<std::string, std::string>> Metadata() const;

  size_t TextCount(size_t column) const { return columns_[column].texts.count(rows_); }
  void AppendText(size_t column, size_t text, std::string* out) const {
    columns_[column].texts.append(rows_, text, out);
  }

  // A value of a column that is no kText; false: null. `index` counts in the order of the rows.
  bool At(const TableColumn& column, size_t index, int64_t* value) const {
    if (!column.at(rows_, rows_.order()[index], value)) return false;
    if (column.type == TableType::kTimestamp) *value += rows_.recording().origin_epoch_ns;
    return true;
  }
  // Appends the text of the column that is one; false: null.
  bool TextAt(size_t index, std::string* out) const {
    return rows_.AppendOtherAttributes(rows_.order()[index], out);
  }

 private:
  TraceRows rows_;
  std::vector<TableColumn> columns_;
  bool is_absolute_;
};

}  // namespace opscope
