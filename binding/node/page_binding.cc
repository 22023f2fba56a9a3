#include "page_binding.h"

#include "format/byte_sink.h"
#include "format/page_columns.h"
#include "recording_binding.h"
#include "task.h"
#include "throw_status.h"
#include "typed_array.h"

namespace opscope {

namespace {

struct PackedPage {
  PageColumns page;
  ByteSink bytes = ByteSink::ToMemory();
};

Napi::Array StreamNames(Napi::Env env, const std::vector<GpuStreamName>& streams) {
  Napi::Array names = Napi::Array::New(env, streams.size());
  for (uint32_t i = 0; i < streams.size(); ++i) {
    Napi::Object stream = Napi::Object::New(env);
    stream.Set("context", streams[i].context);
    stream.Set("stream", streams[i].stream);
    stream.Set("name", streams[i].name);
    names.Set(i, stream);
  }
  return names;
}

Napi::Value PageValue(Napi::Env env, const Recording& recording, const std::shared_ptr<PackedPage>& packed) {
  const PageColumns& page = packed->page;
  Napi::Array columns = Napi::Array::New(env, page.columns.size());
  for (uint32_t i = 0; i < page.columns.size(); ++i) {
    Napi::Object column = Napi::Object::New(env);
    column.Set("path", page.columns[i].path);
    column.Set("encoding", page.columns[i].encoding);
    column.Set("count", static_cast<double>(page.columns[i].count));
    column.Set("bytes", static_cast<double>(page.columns[i].bytes));
    columns.Set(i, column);
  }
  Napi::Array strings = Napi::Array::New(env, page.strings.size());
  for (uint32_t i = 0; i < page.strings.size(); ++i) {
    Napi::HandleScope scope(env);
    strings.Set(i, page.strings[i]);
  }
  const std::string_view view = packed->bytes.view();
  Napi::Object object = Napi::Object::New(env);
  object.Set("bytes", ShareColumn(env, view.data(), view.size(), 1, napi_uint8_array, packed));
  object.Set("columns", columns);
  object.Set("strings", strings);
  object.Set("streamNames", StreamNames(env, recording.gpu_details.stream_names));
  object.Set("leftOutAttributes", static_cast<double>(page.left_out_attributes));
  return object;
}

Napi::Value PackPage(const Napi::CallbackInfo& info) {
  const std::shared_ptr<const Recording> recording = RecordingOf(info[0]);
  auto packed = std::make_shared<std::shared_ptr<PackedPage>>();
  return RunOffThread(
      info.Env(),
      [recording, packed] {
        *packed = std::make_shared<PackedPage>();
        return WritePageColumns(*recording, &(*packed)->bytes, &(*packed)->page);
      },
      [recording, packed](Napi::Env env) { return PageValue(env, *recording, *packed); });
}

Napi::Value PackPageSync(const Napi::CallbackInfo& info) {
  const std::shared_ptr<const Recording> recording = RecordingOf(info[0]);
  std::shared_ptr<PackedPage> packed;
  const Status status = CatchOutOfMemory([&] {
    packed = std::make_shared<PackedPage>();
    return WritePageColumns(*recording, &packed->bytes, &packed->page);
  });
  if (status.ok()) return PageValue(info.Env(), *recording, packed);
  ErrorOf(info.Env(), status).ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

}  // namespace

void ExportPage(Napi::Env env, Napi::Object exports) {
  exports.Set("pageColumns", Napi::Function::New<PackPage>(env, "pageColumns"));
  exports.Set("pageColumnsSync", Napi::Function::New<PackPageSync>(env, "pageColumnsSync"));
}

}  // namespace opscope
