#include "arrow_schema.h"

namespace opscope {
namespace {

constexpr int16_t kVersion5 = 4;
enum Header : uint8_t { kSchema = 1, kDictionaryBatch = 2, kRecordBatch = 3 };
enum Type : uint8_t { kInt = 2, kUtf8 = 5, kTimestamp = 10 };
constexpr int16_t kNanosecond = 3;

namespace message {
constexpr uint16_t kVersion = 0, kHeaderType = 1, kHeader = 2, kBodyLength = 3;
}
namespace schema {
constexpr uint16_t kFields = 1, kMetadata = 2;
}
namespace key_value {
constexpr uint16_t kKey = 0, kValue = 1;
}
namespace field {
constexpr uint16_t kName = 0, kNullable = 1, kTypeType = 2, kType = 3, kDictionary = 4, kChildren = 5;
}
namespace dictionary {
constexpr uint16_t kId = 0, kIndexType = 1;
}
namespace integer {
constexpr uint16_t kBitWidth = 0, kIsSigned = 1;
}
namespace timestamp {
constexpr uint16_t kUnit = 0, kTimezone = 1;
}
namespace record_batch {
constexpr uint16_t kLength = 0, kNodes = 1, kBuffers = 2;
}
namespace dictionary_batch {
constexpr uint16_t kId = 0, kData = 1;
}
namespace footer {
constexpr uint16_t kVersion = 0, kSchema = 1, kDictionaries = 2, kRecordBatches = 3;
}

using Ref = FlatBuffer::Ref;

Ref IntType(int32_t bits, FlatBuffer* out) {
  out->StartTable();
  out->Scalar(integer::kBitWidth, bits);
  out->Scalar(integer::kIsSigned, uint8_t{1});
  return out->EndTable();
}

Type TypeOf(TableType type) noexcept {
  switch (type) {
    case TableType::kDictionary:
    case TableType::kId:
    case TableType::kText:
      return kUtf8;
    case TableType::kInt32:
    case TableType::kInt64:
      return kInt;
    case TableType::kTimestamp:
      break;
  }
  return kTimestamp;
}

Ref TypeTable(TableType type, FlatBuffer* out) {
  switch (TypeOf(type)) {
    case kInt:
      return IntType(type == TableType::kInt32 ? 32 : 64, out);
    case kUtf8:
      out->StartTable();
      return out->EndTable();
    case kTimestamp:
      break;
  }
  const Ref timezone = out->String("UTC");
  out->StartTable();
  out->Scalar(timestamp::kUnit, kNanosecond);
  out->Child(timestamp::kTimezone, timezone);
  return out->EndTable();
}

Ref DictionaryTable(int64_t id, FlatBuffer* out) {
  const Ref codes = IntType(32, out);
  out->StartTable();
  out->Scalar(dictionary::kId, id);
  out->Child(dictionary::kIndexType, codes);
  return out->EndTable();
}

Ref FieldTable(const TableColumn& column, int64_t id, FlatBuffer* out) {
  const bool has_dictionary = column.type == TableType::kDictionary;
  const Ref name = out->String(column.name);
  const Ref type = TypeTable(column.type, out);
  const Ref codes = has_dictionary ? DictionaryTable(id, out) : 0;
  const Ref children = out->Refs({});
  out->StartTable();
  out->Child(field::kName, name);
  out->Child(field::kType, type);
  if (has_dictionary) out->Child(field::kDictionary, codes);
  out->Child(field::kChildren, children);
  out->Scalar(field::kNullable, static_cast<uint8_t>(column.is_nullable));
  out->Scalar(field::kTypeType, static_cast<uint8_t>(TypeOf(column.type)));
  return out->EndTable();
}

Ref SchemaTable(const TraceTable& table, FlatBuffer* out) {
  std::vector<Ref> fields, metadata;
  for (size_t i = 0; i < table.columns().size(); ++i)
    fields.push_back(FieldTable(table.columns()[i], static_cast<int64_t>(i), out));
  for (const auto& [key, value] : table.Metadata()) {
    const Ref key_text = out->String(key), value_text = out->String(value);
    out->StartTable();
    out->Child(key_value::kKey, key_text);
    out->Child(key_value::kValue, value_text);
    metadata.push_back(out->EndTable());
  }
  const Ref all_fields = out->Refs(fields), all_metadata = out->Refs(metadata);
  out->StartTable();
  out->Child(schema::kFields, all_fields);
  out->Child(schema::kMetadata, all_metadata);
  return out->EndTable();
}

Ref BatchTable(const ArrowBody& body, FlatBuffer* out) {
  const Ref nodes = out->Structs(body.nodes.data(), body.nodes.size(), sizeof(ArrowNode), 8);
  const Ref buffers = out->Structs(body.buffers.data(), body.buffers.size(), sizeof(ArrowBuffer), 8);
  out->StartTable();
  out->Scalar(record_batch::kLength, body.rows);
  out->Child(record_batch::kNodes, nodes);
  out->Child(record_batch::kBuffers, buffers);
  return out->EndTable();
}

std::string_view Message(Header type, Ref header, int64_t body_bytes, FlatBuffer* out) {
  out->StartTable();
  out->Scalar(message::kBodyLength, body_bytes);
  out->Child(message::kHeader, header);
  out->Scalar(message::kVersion, kVersion5);
  out->Scalar(message::kHeaderType, static_cast<uint8_t>(type));
  return out->Finish(out->EndTable());
}

}  // namespace

std::string_view SchemaMessage(const TraceTable& table, FlatBuffer* out) {
  out->Clear();
  return Message(kSchema, SchemaTable(table, out), 0, out);
}

std::string_view BatchMessage(const ArrowBody& body, FlatBuffer* out) {
  out->Clear();
  return Message(kRecordBatch, BatchTable(body, out), body.bytes, out);
}

std::string_view DictionaryMessage(int64_t id, const ArrowBody& body, FlatBuffer* out) {
  out->Clear();
  const Ref data = BatchTable(body, out);
  out->StartTable();
  out->Scalar(dictionary_batch::kId, id);
  out->Child(dictionary_batch::kData, data);
  return Message(kDictionaryBatch, out->EndTable(), body.bytes, out);
}

std::string_view FooterOf(const TraceTable& table, const std::vector<ArrowBlock>& dictionaries,
                          const std::vector<ArrowBlock>& batches, FlatBuffer* out) {
  out->Clear();
  const Ref schema_table = SchemaTable(table, out);
  const Ref all_dictionaries = out->Structs(dictionaries.data(), dictionaries.size(), sizeof(ArrowBlock), 8);
  const Ref all_batches = out->Structs(batches.data(), batches.size(), sizeof(ArrowBlock), 8);
  out->StartTable();
  out->Child(footer::kSchema, schema_table);
  out->Child(footer::kDictionaries, all_dictionaries);
  out->Child(footer::kRecordBatches, all_batches);
  out->Scalar(footer::kVersion, kVersion5);
  return out->Finish(out->EndTable());
}

}  // namespace opscope
