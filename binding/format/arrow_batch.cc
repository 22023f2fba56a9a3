#include "arrow_batch.h"

#include <cstring>
#include <string>

#include "hex.h"

namespace opscope {
namespace {

constexpr size_t kIdBytes = 16;

class ColumnFill {
 public:
  ColumnFill(const TraceTable& table, size_t first, size_t count, ArrowColumn* column)
      : table_(table), first_(first), count_(count), out_(*column) {
    out_.null_count = 0;
    out_.offsets.clear();
    out_.values.clear();
    out_.validity.assign((count + 7) / 8, 0);
  }

  void Run(const TableColumn& column) {
    switch (column.type) {
      case TableType::kDictionary:
      case TableType::kInt32:
        Numbers<int32_t>(column);
        break;
      case TableType::kInt64:
      case TableType::kTimestamp:
        Numbers<int64_t>(column);
        break;
      case TableType::kId:
        Ids(column);
        break;
      case TableType::kText:
        Texts();
    }
    if (out_.null_count == 0) out_.validity.clear();
  }

 private:
  // True unless it is null.
  bool Take(size_t i, bool is_known) noexcept {
    if (is_known) {
      out_.validity[i / 8] = static_cast<uint8_t>(out_.validity[i / 8] | 1u << (i % 8));
    } else {
      ++out_.null_count;
    }
    return is_known;
  }

  template <typename T>
  void Numbers(const TableColumn& column) {
    out_.values.resize(count_ * sizeof(T));
    for (size_t i = 0; i < count_; ++i) {
      int64_t value = 0;
      if (!Take(i, table_.At(column, first_ + i, &value))) value = 0;
      const auto narrow = static_cast<T>(value);
      std::memcpy(out_.values.data() + i * sizeof(T), &narrow, sizeof(T));
    }
  }

  void Ids(const TableColumn& column) {
    out_.values.resize(count_ * kIdBytes);
    auto* p = reinterpret_cast<char*>(out_.values.data());
    const char* const begin = p;
    out_.offsets.push_back(0);
    for (size_t i = 0; i < count_; ++i) {
      int64_t id;
      if (Take(i, table_.At(column, first_ + i, &id))) p = PutHex(p, static_cast<uint64_t>(id));
      out_.offsets.push_back(static_cast<int32_t>(p - begin));
    }
    out_.values.resize(static_cast<size_t>(p - begin));
  }

  void Texts() {
    std::string text;
    out_.offsets.push_back(0);
    for (size_t i = 0; i < count_; ++i) {
      text.clear();
      if (Take(i, table_.TextAt(first_ + i, &text)))
        out_.values.insert(out_.values.end(), text.begin(), text.end());
      out_.offsets.push_back(static_cast<int32_t>(out_.values.size()));
    }
  }

  const TraceTable& table_;
  const size_t first_, count_;
  ArrowColumn& out_;
};

}  // namespace

Status FillArrowColumns(const TraceTable& table, size_t first, size_t count,
                        std::vector<ArrowColumn>* columns) {
  columns->resize(table.columns().size());
  for (size_t i = 0; i < columns->size(); ++i) {
    ArrowColumn& column = (*columns)[i];
    ColumnFill(table, first, count, &column).Run(table.columns()[i]);
    if (column.values.size() > INT32_MAX)
      return Status::Error(Code::kOutOfMemory, "the attributes of some rows take more than 2 GiB");
  }
  return Status::Ok();
}

}  // namespace opscope
