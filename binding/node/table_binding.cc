#include "table_binding.h"

#include <algorithm>
#include <memory>
#include <string>

#include "format/arrow_batch.h"
#include "format/arrow_writer.h"
#include "format/byte_sink.h"
#include "format/trace_table.h"
#include "recording_binding.h"
#include "task.h"
#include "throw_status.h"
#include "typed_array.h"

namespace opscope {

namespace {

using RecordingPointer = std::shared_ptr<const Recording>;

// A table with the recording that it reads.
struct OpenTable {
  OpenTable(RecordingPointer recording, bool is_absolute)
      : owner(std::move(recording)), table(*owner, is_absolute) {}
  const RecordingPointer owner;
  const TraceTable table;
};
using TablePointer = std::shared_ptr<const OpenTable>;

Napi::Value ToArrow(const Napi::CallbackInfo& info) {
  const RecordingPointer recording = RecordingOf(info[0]);
  const bool is_absolute = info[1].ToBoolean();
  auto bytes = std::make_shared<std::unique_ptr<ByteSink>>();
  return RunOffThread(
      info.Env(),
      [recording, is_absolute, bytes] {
        bytes->reset(new ByteSink(ByteSink::ToMemory()));
        return WriteArrow(*recording, is_absolute, bytes->get());
      },
      [bytes](Napi::Env env) {
        const std::string_view view = (*bytes)->view();
        return ShareColumn(env, view.data(), view.size(), 1, napi_uint8_array, bytes);
      });
}

Napi::Value WrapTable(Napi::Env env, TablePointer table) {
  return Napi::External<TablePointer>::New(env, new TablePointer(std::move(table)),
                                           [](Napi::Env, TablePointer* held) { delete held; });
}

Napi::Value Open(const Napi::CallbackInfo& info) {
  const RecordingPointer recording = RecordingOf(info[0]);
  const bool is_absolute = info[1].ToBoolean();
  auto table = std::make_shared<TablePointer>();
  return RunOffThread(
      info.Env(),
      [recording, is_absolute, table] {
        *table = std::make_shared<OpenTable>(recording, is_absolute);
        return Status::Ok();
      },
      [table](Napi::Env env) { return WrapTable(env, *table); });
}

Napi::Value OpenSync(const Napi::CallbackInfo& info) {
  TablePointer table;
  const Status status = CatchOutOfMemory([&] {
    table = std::make_shared<OpenTable>(RecordingOf(info[0]), info[1].ToBoolean());
    return Status::Ok();
  });
  if (status.ok()) return WrapTable(info.Env(), std::move(table));
  ErrorOf(info.Env(), status).ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

const TraceTable& TableOf(const Napi::Value& value) {
  return (*value.As<Napi::External<TablePointer>>().Data())->table;
}

const char* TypeName(TableType type) noexcept {
  switch (type) {
    case TableType::kDictionary:
      return "dictionary";
    case TableType::kId:
    case TableType::kText:
      return "text";
    case TableType::kInt32:
      return "int32";
    case TableType::kInt64:
      return "int64";
    case TableType::kTimestamp:
      break;
  }
  return "timestamp";
}

Napi::Value Describe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const TraceTable& table = TableOf(info[0]);
  Napi::Object object = Napi::Object::New(env);
  Napi::Array columns = Napi::Array::New(env, table.columns().size());
  for (uint32_t i = 0; i < table.columns().size(); ++i) {
    Napi::Object column = Napi::Object::New(env);
    column.Set("name", table.columns()[i].name);
    column.Set("type", TypeName(table.columns()[i].type));
    column.Set("nullable", table.columns()[i].is_nullable);
    columns.Set(i, column);
  }
  Napi::Object metadata = Napi::Object::New(env);
  for (const auto& [key, value] : table.Metadata()) metadata.Set(key, value);
  object.Set("rows", static_cast<double>(table.size()));
  object.Set("columns", columns);
  object.Set("metadata", metadata);
  return object;
}

// The texts of some codes of a dictionary column: all at once may be more than JavaScript can hold.
Napi::Value Texts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const TraceTable& table = TableOf(info[0]);
  const auto column = static_cast<size_t>(info[1].As<Napi::Number>().Uint32Value());
  const auto codes = info[2].As<Napi::Int32Array>();
  Napi::Array texts = Napi::Array::New(env, codes.ElementLength());
  std::string text;
  for (uint32_t i = 0; i < codes.ElementLength(); ++i) {
    Napi::HandleScope scope(env);
    text.clear();
    table.AppendText(column, static_cast<size_t>(codes[i]), &text);
    texts.Set(i, text);
  }
  return texts;
}

Napi::Value Batch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const TraceTable& table = TableOf(info[0]);
  const auto first = static_cast<size_t>(info[1].As<Napi::Number>().DoubleValue());
  const auto asked = static_cast<size_t>(info[2].As<Napi::Number>().DoubleValue());
  const size_t count = first >= table.size() ? 0 : std::min(asked, table.size() - first);
  auto columns = std::make_shared<std::vector<ArrowColumn>>();
  const Status status =
      CatchOutOfMemory([&] { return FillArrowColumns(table, first, count, columns.get()); });
  if (!status.ok()) {
    ErrorOf(env, status).ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Array array = Napi::Array::New(env, columns->size());
  for (uint32_t i = 0; i < columns->size(); ++i) {
    const ArrowColumn& from = (*columns)[i];
    const auto share = [&](const auto& values) {
      return ShareColumn(env, values.data(), values.size(), sizeof(values[0]),
                         sizeof(values[0]) == 4 ? napi_int32_array : napi_uint8_array, columns);
    };
    Napi::Object column = Napi::Object::New(env);
    column.Set("validity", share(from.validity));
    column.Set("offsets", share(from.offsets));
    column.Set("values", share(from.values));
    array.Set(i, column);
  }
  return array;
}

}  // namespace

void ExportTables(Napi::Env env, Napi::Object exports) {
  exports.Set("toArrow", Napi::Function::New<ToArrow>(env, "toArrow"));
  exports.Set("openTable", Napi::Function::New<Open>(env, "openTable"));
  exports.Set("openTableSync", Napi::Function::New<OpenSync>(env, "openTableSync"));
  exports.Set("describeTable", Napi::Function::New<Describe>(env, "describeTable"));
  exports.Set("tableTexts", Napi::Function::New<Texts>(env, "tableTexts"));
  exports.Set("tableBatch", Napi::Function::New<Batch>(env, "tableBatch"));
}

}  // namespace opscope
