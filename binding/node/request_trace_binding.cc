#include "request_trace_binding.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "format/request_trace_files.h"
#include "format/request_trace_pipe.h"
#include "format/request_trace_writer.h"
#include "task.h"

namespace opscope {

namespace {

using WriterPointer = std::shared_ptr<RequestTraceWriter>;

// Those that one environment opened and has not closed. Used on its thread alone.
using OwnWriters = std::set<WriterPointer>;

OwnWriters& WritersOf(const Napi::CallbackInfo& info) { return *static_cast<OwnWriters*>(info.Data()); }
const WriterPointer& WriterOf(const Napi::CallbackInfo& info) {
  return *info[0].As<Napi::External<WriterPointer>>().Data();
}

// An environment ended (a worker was terminated, or returned): its files are completed.
void CloseOwnWriters(OwnWriters* writers) {
  for (const WriterPointer& writer : *writers) writer->Close();
  delete writers;
}

std::unique_ptr<RequestTraceTarget> TargetOf(const Napi::Object& given, bool is_numbered) {
  std::string path = given.Get("path").As<Napi::String>();
  if (given.Get("isSpecial").ToBoolean()) return std::make_unique<RequestTracePipe>(std::move(path));
  return std::make_unique<RequestTraceFiles>(RequestTraceFilesOptions{
      .path = std::move(path), .is_numbered = is_numbered, .is_direct = given.Get("isDirect").ToBoolean()});
}

Napi::Value OpenTraceFile(const Napi::CallbackInfo& info) {
  const auto given = info[0].As<Napi::Object>();
  const auto number = [&](const char* key) { return given.Get(key).As<Napi::Number>().DoubleValue(); };
  RequestTraceWriterOptions options;
  options.form = given.Get("isWhole").ToBoolean() ? RequestTraceForm::kWhole : RequestTraceForm::kFragments;
  options.traces_per_file = static_cast<uint64_t>(number("tracesPerFile"));
  options.max_file_bytes = static_cast<uint64_t>(number("maxFileBytes"));
  options.max_pending_bytes = static_cast<size_t>(number("maxPendingBytes"));
  options.interval = std::chrono::milliseconds(static_cast<int64_t>(number("flushMs")));
  auto writer = std::make_shared<RequestTraceWriter>(TargetOf(given, options.traces_per_file != 0), options);
  WritersOf(info).insert(writer);
  return Napi::External<WriterPointer>::New(info.Env(), new WriterPointer(std::move(writer)),
                                            [](Napi::Env, WriterPointer* held) { delete held; });
}

// Lone surrogates become U+FFFD.
void AppendText(napi_env env, napi_value value, std::string* out) {
  // Most texts fit at the first try: one call instead of two.
  constexpr size_t kTry = 128;
  const size_t before = out->size();
  size_t bytes = 0;
  out->resize(before + kTry);
  if (napi_get_value_string_utf8(env, value, out->data() + before, kTry, &bytes) != napi_ok) bytes = 0;
  // A character has up to four bytes: with less room than that one may have been cut off.
  if (bytes + 4 >= kTry) {
    napi_get_value_string_utf8(env, value, nullptr, 0, &bytes);
    out->resize(before + bytes + 1);
    napi_get_value_string_utf8(env, value, out->data() + before, bytes + 1, &bytes);
  }
  out->resize(before + bytes);
}

Napi::Value AddTraces(const Napi::CallbackInfo& info) {
  RequestTraceBatch batch;
  const Status read = CatchOutOfMemory([&] {
    const auto words = info[1].As<Napi::Float64Array>();
    const auto count = std::min<size_t>(info[2].As<Napi::Number>().Uint32Value(), words.ElementLength());
    batch.words.resize(count);
    std::memcpy(batch.words.data(), words.Data(), count * 8);
    batch.trace_count = info[3].As<Napi::Number>().Uint32Value();
    const auto texts = info[4].As<Napi::Array>();
    const uint32_t text_count = texts.Length();
    batch.text_ends.reserve(text_count);
    for (uint32_t i = 0; i < text_count; ++i) {
      const Napi::HandleScope scope(info.Env());
      AppendText(info.Env(), texts.Get(i), &batch.text);
      batch.text_ends.push_back(batch.text.size());
    }
    batch.first_name = info[5].As<Napi::Number>().Uint32Value();
    const auto names = info[6].As<Napi::Array>();
    const uint32_t name_count = names.Length();
    for (uint32_t i = 0; i < name_count; ++i) {
      const Napi::HandleScope scope(info.Env());
      AppendText(info.Env(), names.Get(i), &batch.names.emplace_back());
    }
    return WriterOf(info)->Add(std::move(batch)) ? Status::Ok() : Status::Error(Code::kFileWrite, {});
  });
  return Napi::Boolean::New(info.Env(), read.ok());
}

Napi::Value FlushTraces(const Napi::CallbackInfo& info) {
  return RunOffThread(
      info.Env(), [writer = WriterOf(info)] { return writer->Flush(); },
      [](Napi::Env env) { return env.Undefined(); });
}
void FlushTracesSync(const Napi::CallbackInfo& info) { static_cast<void>(WriterOf(info)->Flush()); }

Napi::Value CloseTraces(const Napi::CallbackInfo& info) {
  WritersOf(info).erase(WriterOf(info));
  return RunOffThread(
      info.Env(),
      [writer = WriterOf(info)] {
        writer->Close();
        return Status::Ok();
      },
      [](Napi::Env env) { return env.Undefined(); });
}
void CloseTracesSync(const Napi::CallbackInfo& info) {
  WritersOf(info).erase(WriterOf(info));
  WriterOf(info)->Close();
}

Napi::Value TraceCounts(const Napi::CallbackInfo& info) {
  const RequestTraceCounts counts = WriterOf(info)->counts();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("written", static_cast<double>(counts.written));
  object.Set("dropped", static_cast<double>(counts.dropped));
  object.Set("writeErrors", static_cast<double>(counts.write_errors));
  object.Set("bytes", static_cast<double>(counts.bytes));
  object.Set("files", static_cast<double>(counts.files));
  object.Set("trouble", counts.trouble);
  object.Set("otherPath", counts.other_path);
  return object;
}

}  // namespace

void ExportRequestTraces(Napi::Env env, Napi::Object exports) {
  auto* writers = new OwnWriters;
  env.AddCleanupHook(&CloseOwnWriters, writers);
  exports.Set("openTraceFile", Napi::Function::New<OpenTraceFile>(env, "openTraceFile", writers));
  exports.Set("addTraces", Napi::Function::New<AddTraces>(env, "addTraces"));
  exports.Set("flushTraces", Napi::Function::New<FlushTraces>(env, "flushTraces"));
  exports.Set("flushTracesSync", Napi::Function::New<FlushTracesSync>(env, "flushTracesSync"));
  exports.Set("closeTraces", Napi::Function::New<CloseTraces>(env, "closeTraces", writers));
  exports.Set("closeTracesSync", Napi::Function::New<CloseTracesSync>(env, "closeTracesSync", writers));
  exports.Set("traceCounts", Napi::Function::New<TraceCounts>(env, "traceCounts"));
}

}  // namespace opscope
