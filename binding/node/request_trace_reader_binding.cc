#include "request_trace_reader_binding.h"

#include <memory>
#include <string>
#include <utility>

#include "format/request_trace_reader.h"
#include "task.h"
#include "throw_status.h"
#include "typed_array.h"

namespace opscope {

namespace {

struct OpenTraces {
  explicit OpenTraces(TraceNeeds needs) : reader(needs) {}
  RequestTraceReader reader;  // the worker's, whose tasks run one after another
  // How many of the texts JavaScript has. Likewise.
  size_t sent_models = 0, sent_names = 0;
};
using TracesPointer = std::shared_ptr<OpenTraces>;

// What one piece of a file brought, apart from the reader: that goes on with the next piece meanwhile.
struct Piece {
  RequestTracePiece batch;
  std::vector<std::string> models, names;
  TraceCounts counts;
  bool is_at_end = false, is_foreign = false, is_cut = false;
};

Napi::Value Open(const Napi::CallbackInfo& info) {
  const auto needs = info[0].As<Napi::Object>();
  const TraceNeeds read{
      .all_stamps = needs.Get("allStamps").ToBoolean(),
      .request_ids = needs.Get("requestIds").ToBoolean(),
      .tensors = needs.Get("tensors").ToBoolean(),
  };
  return Napi::External<TracesPointer>::New(info.Env(), new TracesPointer(std::make_shared<OpenTraces>(read)),
                                            [](Napi::Env, TracesPointer* held) { delete held; });
}

Napi::Array TextsValue(Napi::Env env, const std::vector<std::string>& texts) {
  Napi::Array array = Napi::Array::New(env, texts.size());
  for (uint32_t i = 0; i < texts.size(); ++i) {
    Napi::HandleScope scope(env);
    array.Set(i, texts[i]);
  }
  return array;
}

Napi::Array TensorsValue(Napi::Env env, const std::vector<RequestTracePiece::Tensor>& tensors) {
  Napi::Array array = Napi::Array::New(env, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); ++i) {
    Napi::HandleScope scope(env);
    const auto& [row, tensor] = tensors[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("row", row);
    object.Set("activity", tensor.activity);
    object.Set("name", tensor.name);
    object.Set("data", tensor.data);
    object.Set("shape", tensor.shape);
    object.Set("dtype", tensor.dtype);
    array.Set(i, object);
  }
  return array;
}

Napi::Value PieceValue(Napi::Env env, const std::shared_ptr<Piece>& piece) {
  const RequestTracePiece& batch = piece->batch;
  const size_t rows = batch.size();
  Napi::Object object = Napi::Object::New(env);
  const auto share = [&](const char* key, const auto& column, napi_typedarray_type type) {
    object.Set(key, ShareColumn(env, column.data(), column.size(), sizeof(column[0]), type, piece));
  };
  object.Set("rows", static_cast<double>(rows));
  share("ids", batch.ids, napi_bigint64_array);
  share("parentIds", batch.parent_ids, napi_bigint64_array);
  share("parentRows", batch.parent_rows, napi_int32_array);
  share("models", batch.models, napi_int32_array);
  share("flags", batch.flags, napi_uint32_array);
  share("stamps", batch.stamps, napi_float64_array);
  share("bases", batch.bases, napi_bigint64_array);
  share("stampStarts", batch.stamp_starts, napi_uint32_array);
  const auto& stamps = batch.all_stamps;
  object.Set("stampNames",
             MakeArray<Napi::Uint32Array>(env, stamps.size(), [&](size_t i) { return stamps[i].name; }));
  object.Set("stampNs",
             MakeArray<Napi::BigInt64Array>(env, stamps.size(), [&](size_t i) { return stamps[i].ns; }));
  object.Set("requestIds", TextsValue(env, batch.request_ids));
  object.Set("tensors", TensorsValue(env, batch.tensors));
  object.Set("newModels", TextsValue(env, piece->models));
  object.Set("newNames", TextsValue(env, piece->names));
  const TraceCounts& counts = piece->counts;
  const std::pair<const char*, uint64_t> numbers[] = {
      {"fragments", counts.fragments},
      {"damaged", counts.damaged},
      {"damagedStamps", counts.damaged_stamps},
      {"late", counts.late},
      {"split", counts.split},
      {"leftOutNames", counts.left_out_names},
      {"leftOutTensors", counts.left_out_tensors},
  };
  Napi::Object counted = Napi::Object::New(env);
  for (const auto& [key, count] : numbers) counted.Set(key, static_cast<double>(count));
  object.Set("counts", counted);
  object.Set("isAtEnd", piece->is_at_end);
  object.Set("isForeign", piece->is_foreign);
  object.Set("isCut", piece->is_cut);
  return object;
}

// Of bytes, which are copied: their memory is the caller's again when this returns. Of a number, that
// descriptor is read. null ends the file.
Napi::Value Feed(const Napi::CallbackInfo& info) {
  const TracesPointer traces = *info[0].As<Napi::External<TracesPointer>>().Data();
  const bool is_end = info[1].IsNull();
  const int fd = info[1].IsNumber() ? info[1].As<Napi::Number>().Int32Value() : -1;
  std::string bytes;
  if (info[1].IsTypedArray()) {
    const auto array = info[1].As<Napi::Uint8Array>();
    const Status status = CatchOutOfMemory([&] {
      bytes.assign(reinterpret_cast<const char*>(array.Data()), array.ByteLength());
      return Status::Ok();
    });
    if (!status.ok()) {
      ErrorOf(info.Env(), status).ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
  }
  auto piece = std::make_shared<Piece>();
  return RunOffThread(
      info.Env(),
      [traces, is_end, fd, bytes = std::move(bytes), piece] {
        RequestTraceReader& reader = traces->reader;
        Status status = Status::Ok();
        if (is_end) {
          reader.Finish();
        } else if (fd >= 0) {
          status = reader.FeedFrom(fd, &piece->is_at_end);
        } else {
          reader.Feed(bytes);
        }
        piece->batch = reader.Take();
        const auto& models = reader.models();
        const auto& names = reader.names().custom();
        piece->models.assign(models.begin() + static_cast<std::ptrdiff_t>(traces->sent_models), models.end());
        piece->names.assign(names.begin() + static_cast<std::ptrdiff_t>(traces->sent_names), names.end());
        traces->sent_models = models.size();
        traces->sent_names = names.size();
        piece->counts = reader.counts();
        piece->is_foreign = reader.is_foreign();
        piece->is_cut = reader.is_cut();
        return status;
      },
      [piece](Napi::Env env) { return PieceValue(env, piece); });
}

}  // namespace

void ExportRequestTraceReader(Napi::Env env, Napi::Object exports) {
  exports.Set("openRequestTraces", Napi::Function::New<Open>(env, "openRequestTraces"));
  exports.Set("feedRequestTraces", Napi::Function::New<Feed>(env, "feedRequestTraces"));
}

}  // namespace opscope
