#include "csv_writer.h"

#include <new>
#include <string>
#include <vector>

#include "hex.h"
#include "json_text.h"
#include "trace_table.h"

namespace opscope {
namespace {

void AppendQuoted(std::string_view text, std::string* out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos && !text.empty()) {
    out->append(text);
    return;
  }
  out->push_back('"');
  for (const char c : text) {
    if (c == '"') out->push_back('"');
    out->push_back(c);
  }
  out->push_back('"');
}

void AppendDigits(uint64_t value, int count, std::string* out) {
  out->append(static_cast<size_t>(count), '0');
  for (size_t at = out->size(); count != 0; --count, value /= 10)
    (*out)[--at] = static_cast<char>('0' + value % 10);
}

// Days to a date as in H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
void AppendTimestamp(int64_t epoch_ns, std::string* out) {
  constexpr int64_t kSecond = 1'000'000'000, kDay = 86'400 * kSecond;
  const int64_t days = epoch_ns >= 0 ? epoch_ns / kDay : -((kDay - 1 - epoch_ns) / kDay);
  const auto rest = static_cast<uint64_t>(epoch_ns - days * kDay);
  // From 1 March of year 0, in eras of 400 years; ns of 64 bits reach from 1677 to 2262.
  const auto shifted = static_cast<uint64_t>(days + 719'468);
  const uint64_t era = shifted / 146'097, day_of_era = shifted % 146'097;
  const uint64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const uint64_t month_from_march = (5 * day_of_year + 2) / 153;
  const uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  AppendDigits(era * 400 + year_of_era + (month <= 2 ? 1 : 0), 4, out);
  out->push_back('-');
  AppendDigits(month, 2, out);
  out->push_back('-');
  AppendDigits(day_of_year - (153 * month_from_march + 2) / 5 + 1, 2, out);
  const uint64_t seconds = rest / kSecond;
  char separator = 'T';
  for (const uint64_t part : {seconds / 3600, seconds / 60 % 60, seconds % 60}) {
    out->push_back(separator);
    AppendDigits(part, 2, out);
    separator = ':';
  }
  out->push_back('.');
  AppendDigits(rest % kSecond, 9, out);
  out->push_back('Z');
}

class CsvFile {
 public:
  CsvFile(const Recording& recording, bool is_absolute, ByteSink* sink)
      : table_(recording, is_absolute), sink_(*sink) {
    // Of few texts each is quoted once.
    for (size_t i = 0; i < table_.columns().size(); ++i) {
      std::vector<std::string>& texts = quoted_.emplace_back();
      if (table_.columns()[i].type != TableType::kDictionary) continue;
      for (size_t text = 0; text < table_.TextCount(i); ++text) {
        cell_.clear();
        table_.AppendText(i, text, &cell_);
        AppendQuoted(cell_, &texts.emplace_back());
      }
    }
  }

  Status Run() {
    for (const TableColumn& column : table_.columns()) {
      if (&column != &table_.columns().front()) line_.push_back(',');
      line_.append(column.name);
    }
    EndLine();
    for (size_t row = 0; row < table_.size() && !sink_.failed(); ++row) {
      for (size_t i = 0; i < table_.columns().size(); ++i) {
        if (i != 0) line_.push_back(',');
        AppendCell(i, row);
      }
      EndLine();
    }
    return sink_.Finish();
  }

 private:
  void AppendCell(size_t i, size_t row) {
    const TableColumn& column = table_.columns()[i];
    if (column.type == TableType::kText) {
      cell_.clear();
      if (table_.TextAt(row, &cell_)) AppendQuoted(cell_, &line_);
      return;
    }
    int64_t value;
    if (!table_.At(column, row, &value)) return;
    switch (column.type) {
      case TableType::kDictionary:
        line_.append(quoted_[i][static_cast<size_t>(value)]);
        break;
      case TableType::kId: {
        char digits[16];
        PutHex(digits, static_cast<uint64_t>(value));
        line_.append(digits, sizeof digits);
        break;
      }
      case TableType::kTimestamp:
        AppendTimestamp(value, &line_);
        break;
      case TableType::kInt32:
      case TableType::kInt64:
        AppendInteger(value, &line_);
        break;
      case TableType::kText:
        break;
    }
  }
  void EndLine() {
    line_.append("\r\n");
    sink_.Append(line_);
    line_.clear();
  }

  const TraceTable table_;
  ByteSink& sink_;
  std::vector<std::vector<std::string>> quoted_;  // by column
  std::string line_, cell_;
};

}  // namespace

Status WriteCsv(const Recording& recording, bool is_absolute, ByteSink* sink) try {
  return CsvFile(recording, is_absolute, sink).Run();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
