#include "arrow_writer.h"

#include <algorithm>
#include <new>
#include <string>

#include "arrow_batch.h"
#include "arrow_schema.h"

namespace opscope {
namespace {

constexpr size_t kBatchRows = 64u << 10;
constexpr std::string_view kMagic("ARROW1\0\0", 8);
constexpr size_t kAlign = 64;

constexpr size_t Padded(size_t bytes) noexcept { return (bytes + kAlign - 1) / kAlign * kAlign; }

class ArrowFile {
 public:
  ArrowFile(const Recording& recording, bool is_absolute, ByteSink* sink)
      : table_(recording, is_absolute), sink_(*sink) {}

  Status Run() {
    sink_.Append(kMagic);
    WriteMetadata(SchemaMessage(table_, &metadata_));
    for (size_t i = 0; i < table_.columns().size() && !sink_.failed(); ++i) {
      if (table_.columns()[i].type != TableType::kDictionary) continue;
      if (const Status status = WriteDictionary(i); !status.ok()) return status;
    }
    for (size_t first = 0; first < table_.size() && !sink_.failed(); first += kBatchRows) {
      const Status status = WriteBatch(first, std::min(kBatchRows, table_.size() - first));
      if (!status.ok()) return status;
    }
    AppendNumber(0xFFFFFFFFu);
    AppendNumber(0);
    const std::string_view footer = FooterOf(table_, dictionaries_, batches_, &metadata_);
    sink_.Append(footer);
    AppendNumber(static_cast<uint32_t>(footer.size()));
    sink_.Append(kMagic.substr(0, 6));
    return sink_.Finish();
  }

 private:
  void AppendNumber(uint32_t value) { sink_.Append(&value, sizeof value); }
  void Pad(size_t bytes) {
    constexpr char kZeros[kAlign] = {};
    sink_.Append(kZeros, Padded(bytes) - bytes);
  }

  // A message up to its body; its length in the file.
  int32_t WriteMetadata(std::string_view message) {
    const auto at = static_cast<size_t>(sink_.bytes());
    const size_t end = Padded(at + 8 + message.size());
    AppendNumber(0xFFFFFFFFu);
    AppendNumber(static_cast<uint32_t>(end - at - 8));
    sink_.Append(message);
    Pad(at + 8 + message.size());
    return static_cast<int32_t>(end - at);
  }
  ArrowBlock StartMessage(std::string_view message, const ArrowBody& body) {
    const auto offset = static_cast<int64_t>(sink_.bytes());
    return {offset, WriteMetadata(message), 0, body.bytes};
  }

  static void AddBuffer(size_t bytes, ArrowBody* body) {
    body->buffers.push_back({body->bytes, static_cast<int64_t>(bytes)});
    body->bytes += static_cast<int64_t>(Padded(bytes));
  }
  void AppendPadded(const void* bytes, size_t size) {
    sink_.Append(bytes, size);
    Pad(size);
  }

  Status WriteDictionary(size_t column) {
    std::string texts;
    std::vector<int32_t> offsets{0};
    for (size_t i = 0; i < table_.TextCount(column); ++i) {
      table_.AppendText(column, i, &texts);
      if (texts.size() > INT32_MAX)
        return Status::Error(Code::kOutOfMemory, "the names or trace ids take more than 2 GiB");
      offsets.push_back(static_cast<int32_t>(texts.size()));
    }
    ArrowBody body;
    body.rows = static_cast<int64_t>(offsets.size()) - 1;
    body.nodes.push_back({body.rows, 0});
    AddBuffer(0, &body);
    AddBuffer(offsets.size() * sizeof(int32_t), &body);
    AddBuffer(texts.size(), &body);
    const auto id = static_cast<int64_t>(column);
    dictionaries_.push_back(StartMessage(DictionaryMessage(id, body, &metadata_), body));
    AppendPadded(offsets.data(), offsets.size() * sizeof(int32_t));
    AppendPadded(texts.data(), texts.size());
    return Status::Ok();
  }

  Status WriteBatch(size_t first, size_t count) {
    const Status status = FillArrowColumns(table_, first, count, &columns_);
    if (!status.ok()) return status;
    ArrowBody body;
    body.rows = static_cast<int64_t>(count);
    for (const ArrowColumn& column : columns_) {
      body.nodes.push_back({body.rows, static_cast<int64_t>(column.null_count)});
      AddBuffer(column.validity.size(), &body);
      if (!column.offsets.empty()) AddBuffer(column.offsets.size() * sizeof(int32_t), &body);
      AddBuffer(column.values.size(), &body);
    }
    batches_.push_back(StartMessage(BatchMessage(body, &metadata_), body));
    for (const ArrowColumn& column : columns_) {
      AppendPadded(column.validity.data(), column.validity.size());
      AppendPadded(column.offsets.data(), column.offsets.size() * sizeof(int32_t));
      AppendPadded(column.values.data(), column.values.size());
    }
    return Status::Ok();
  }

  const TraceTable table_;
  ByteSink& sink_;
  FlatBuffer metadata_;
  std::vector<ArrowColumn> columns_;
  std::vector<ArrowBlock> dictionaries_, batches_;
};

}  // namespace

Status WriteArrow(const Recording& recording, bool is_absolute, ByteSink* sink) try {
  return ArrowFile(recording, is_absolute, sink).Run();
} catch (const std::bad_alloc&) {
  return Status::Error(Code::kOutOfMemory, "not enough memory to write the recording");
}

}  // namespace opscope
