#include "recording_binding.h"

#include <algorithm>
#include <string>

#include "core/add_samples.h"
#include "core/merge_recordings.h"
#include "core/op_table.h"
#include "core/raw_rows.h"
#include "format/arrow_writer.h"
#include "format/byte_sink.h"
#include "format/chrome_writer.h"
#include "format/csv_writer.h"
#include "format/otlp_writer.h"
#include "format/paddle_writer.h"
#include "format/perfetto_reader.h"
#include "format/perfetto_writer.h"
#include "format/pprof_writer.h"
#include "format/xplane_writer.h"
#include "gpu_tables_binding.h"
#include "rows_binding.h"
#include "task.h"
#include "throw_status.h"
#include "typed_array.h"
#include "view_binding.h"

namespace opscope {

namespace {

using RecordingPointer = std::shared_ptr<const Recording>;

Napi::Value View(const Napi::CallbackInfo& info) { return ViewValue(info.Env(), RecordingOf(info[0])); }
Napi::Value ViewTable(const Napi::CallbackInfo& info) {
  return ViewTableValue(info.Env(), *RecordingOf(info[0]), info[1].As<Napi::String>());
}

// --- tables ------------------------------------------------------------------

Napi::Object OpColumns(Napi::Env env, const OpTable& table, const std::shared_ptr<OpTables>& owner) {
  Napi::Object object = Napi::Object::New(env);
  const size_t rows = table.size();
  object.Set("parent", ShareColumn(env, table.parent.data(), rows, 4, napi_int32_array, owner));
  object.Set("name", ShareColumn(env, table.name.data(), rows, 4, napi_uint32_array, owner));
  object.Set("thread", ShareColumn(env, table.thread.data(), rows, 4, napi_int32_array, owner));
  object.Set("isAsync", ShareColumn(env, table.is_async.data(), rows, 1, napi_uint8_array, owner));
  object.Set("peak", ShareColumn(env, table.peak.data(), rows, 4, napi_uint32_array, owner));
  const std::pair<const char*, const Column<double>*> columns[] = {
      {"calls", &table.calls},
      {"totalNs", &table.total_ns},
      {"cpuNs", &table.cpu_ns},
      {"gpuNs", &table.gpu_ns},
      {"selfNs", &table.self_ns},
      {"minNs", &table.min_ns},
      {"maxNs", &table.max_ns},
      {"p50Ns", &table.p50_ns},
      {"p99Ns", &table.p99_ns},
      {"firstStartNs", &table.first_start_ns},
      {"firstEndNs", &table.first_end_ns},
      {"unfinished", &table.unfinished},
  };
  for (const auto& [key, column] : columns)
    object.Set(key, ShareColumn(env, column->data(), rows, 8, napi_float64_array, owner));
  return object;
}

// Everything that reports are made of, computed once for a recording.
struct Tables {
  std::shared_ptr<OpTables> ops = std::make_shared<OpTables>();
  GpuTables gpu;
};
void BuildTables(const Recording& recording, TimeOf time, Tables* tables) {
  *tables->ops = BuildOpTables(recording, time);
  tables->gpu = BuildGpuTables(recording);
}

Napi::Value TablesValue(Napi::Env env, const Recording& recording, const Tables& tables) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("merged", OpColumns(env, tables.ops->merged, tables.ops));
  object.Set("perThread", OpColumns(env, tables.ops->per_thread, tables.ops));
  object.Set("gpu", GpuTablesValue(env, recording, tables.gpu));
  return object;
}

TimeOf TimeOfValue(const Napi::Value& value) {
  return static_cast<TimeOf>(value.As<Napi::Number>().Uint32Value() % 3);
}

Napi::Value MakeTables(const Napi::CallbackInfo& info) {
  const RecordingPointer recording = RecordingOf(info[0]);
  const TimeOf time = TimeOfValue(info[1]);
  auto tables = std::make_shared<Tables>();
  return RunOffThread(
      info.Env(),
      [recording, time, tables] {
        BuildTables(*recording, time, tables.get());
        return Status::Ok();
      },
      [recording, tables](Napi::Env env) { return TablesValue(env, *recording, *tables); });
}

Napi::Value MakeTablesSync(const Napi::CallbackInfo& info) {
  const RecordingPointer recording = RecordingOf(info[0]);
  Tables tables;
  const Status status = CatchOutOfMemory([&] {
    BuildTables(*recording, TimeOfValue(info[1]), &tables);
    return Status::Ok();
  });
  if (status.ok()) return TablesValue(info.Env(), *recording, tables);
  ErrorOf(info.Env(), status).ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

// --- files -------------------------------------------------------------------

struct Written {
  uint64_t bytes = 0;
  std::vector<Warning> warnings;
};

Napi::Value WrittenValue(Napi::Env env, const Written& written) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("bytes", static_cast<double>(written.bytes));
  object.Set("warnings", WarningsValue(env, written.warnings));
  return object;
}

Napi::Value Write(const Napi::CallbackInfo& info) {
  const RecordingPointer recording = RecordingOf(info[0]);
  const std::string format = info[1].As<Napi::String>();
  const int fd = info[2].As<Napi::Number>().Int32Value();
  const bool is_absolute = info[3].ToBoolean();
  auto written = std::make_shared<Written>();
  return RunOffThread(
      info.Env(),
      [recording, format, is_absolute, fd, written] {
        return WriteRecording(*recording, format, is_absolute, fd, &written->bytes, &written->warnings);
      },
      [written](Napi::Env env) { return WrittenValue(env, *written); });
}

Napi::Value WriteSync(const Napi::CallbackInfo& info) {
  Written written;
  const Status status =
      WriteRecording(*RecordingOf(info[0]), info[1].As<Napi::String>(), info[3].ToBoolean(),
                     info[2].As<Napi::Number>().Int32Value(), &written.bytes, &written.warnings);
  if (!status.ok()) {
    ErrorOf(info.Env(), status).ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return WrittenValue(info.Env(), written);
}

Napi::Value ToXplane(const Napi::CallbackInfo& info) {
  const RecordingPointer recording = RecordingOf(info[0]);
  const auto option = [&info](const char* key, uint64_t otherwise) {
    if (!info[1].IsObject()) return otherwise;
    const Napi::Value value = info[1].As<Napi::Object>().Get(key);
    if (!value.IsNumber()) return otherwise;
    return static_cast<uint64_t>(std::max<int64_t>(value.As<Napi::Number>().Int64Value(), 0));
  };
  const uint64_t max_bytes = option("maxBytes", kDefaultXplaneBytes), headroom = option("headroom", 0);
  auto bytes = std::make_shared<std::unique_ptr<ByteSink>>();
  return RunOffThread(
      info.Env(),
      [recording, max_bytes, headroom, bytes] {
        return MakeXplane(*recording, max_bytes, headroom, bytes.get());
      },
      [headroom, bytes](Napi::Env env) {
        const std::string_view view = (*bytes)->view();
        return ShareColumn(env, view.data(), view.size(), 1, napi_uint8_array, bytes, headroom);
      });
}

Napi::Value Build(const Napi::CallbackInfo& info) {
  auto rows = std::make_shared<RawRows>(ReadRawRows(info[0].As<Napi::Object>()));
  auto recording = std::make_shared<RecordingPointer>();
  return RunOffThread(
      info.Env(), [rows, recording] { return BuildRecording(std::move(*rows), recording.get()); },
      [recording](Napi::Env env) { return WrapRecording(env, std::move(*recording)); });
}

std::vector<Warning> ReadWarnings(const Napi::Object& object) {
  std::vector<Warning> warnings;
  const auto given = object.Get("warnings").As<Napi::Array>();
  for (uint32_t i = 0; i < given.Length(); ++i) {
    const auto warning = given.Get(i).As<Napi::Object>();
    warnings.push_back({warning.Get("code").ToString(), warning.Get("detail").ToString(),
                        static_cast<uint64_t>(warning.Get("count").ToNumber().DoubleValue())});
  }
  return warnings;
}

SampledFrames ReadSampledFrames(const Napi::Object& object) {
  SampledFrames frames;
  frames.thread = object.Get("thread").ToString();
  const auto names = object.Get("names").As<Napi::Array>();
  for (uint32_t i = 0; i < names.Length(); ++i) frames.names.push_back(names.Get(i).ToString());
  frames.name = ReadColumn<uint32_t>(object, "name");
  frames.start_ns = ReadColumn<int64_t, double>(object, "startNs");
  frames.end_ns = ReadColumn<int64_t, double>(object, "endNs");
  frames.parent = ReadColumn<int32_t>(object, "parent");
  frames.warnings = ReadWarnings(object);
  return frames;
}

Napi::Value AddSamples(const Napi::CallbackInfo& info) {
  const auto recording = RecordingOf(info[0]);
  auto frames = std::make_shared<SampledFrames>(ReadSampledFrames(info[1].As<Napi::Object>()));
  auto made = std::make_shared<RecordingPointer>();
  return RunOffThread(
      info.Env(), [recording, frames, made] { return AddSampledFrames(*recording, *frames, made.get()); },
      [made](Napi::Env env) { return WrapRecording(env, std::move(*made)); });
}

MergePlan ReadMergePlan(const Napi::Object& object) {
  MergePlan plan;
  const auto parts = object.Get("parts").As<Napi::Array>();
  for (uint32_t i = 0; i < parts.Length(); ++i) {
    const auto given = parts.Get(i).As<Napi::Object>();
    plan.parts.push_back({RecordingOf(given.Get("recording")),
                          static_cast<int64_t>(given.Get("shiftNs").ToNumber().DoubleValue()),
                          given.Get("host").ToString(), given.Get("name").ToString()});
  }
  bool is_lossless = false;
  plan.origin_epoch_ns = object.Get("originEpochNs").As<Napi::BigInt>().Int64Value(&is_lossless);
  plan.origin_clock_ns = object.Get("originClockNs").As<Napi::BigInt>().Int64Value(&is_lossless);
  plan.meta_json = object.Get("metaJson").ToString();
  plan.warnings = ReadWarnings(object);
  return plan;
}

Napi::Value Merge(const Napi::CallbackInfo& info) {
  auto plan = std::make_shared<MergePlan>(ReadMergePlan(info[0].As<Napi::Object>()));
  auto recording = std::make_shared<RecordingPointer>();
  return RunOffThread(
      info.Env(), [plan, recording] { return MergeRecordings(*plan, recording.get()); },
      [recording](Napi::Env env) { return WrapRecording(env, std::move(*recording)); });
}

Napi::Value ReadPerfettoFile(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  auto recording = std::make_shared<RecordingPointer>();
  return RunOffThread(
      info.Env(), [path, recording] { return LoadPerfetto({path}, recording.get()); },
      [recording](Napi::Env env) { return WrapRecording(env, std::move(*recording)); });
}

}  // namespace

Status WriteRecording(const Recording& recording, const std::string& format, bool is_absolute, int fd,
                      uint64_t* bytes, std::vector<Warning>* warnings) {
  ByteSink sink(fd);
  using Write = Status (*)(const Recording&, ByteSink*, std::vector<Warning>*);
  const std::pair<const char*, Write> writers[] = {
      {"chrome", &WriteChrome}, {"paddle", &WritePaddle}, {"pprof", &WritePprof}, {"otlp", &WriteOtlp}};
  Write write = &WritePerfetto;
  for (const auto& [name, known] : writers) {
    if (format == name) write = known;
  }
  const Status status = format == "arrow"    ? WriteArrow(recording, is_absolute, &sink)
                        : format == "csv"    ? WriteCsv(recording, is_absolute, &sink)
                        : format == "xplane" ? WriteXplane(recording, kDefaultXplaneBytes, &sink, warnings)
                                             : write(recording, &sink, warnings);
  *bytes = sink.bytes();
  return status;
}

// What the garbage collector must know to let go of unused recordings in time.
static int64_t BytesOf(const Recording& r) noexcept {
  const size_t span_bytes = 8 + 8 + 4 + 4 + 1 + (r.spans.gpu_ns.empty() ? 0 : 8);
  return static_cast<int64_t>(r.spans.size() * span_bytes + r.ids.size() * sizeof(IdRow) +
                              r.attributes.size() * sizeof(AttributeRow) +
                              r.counters.size() * sizeof(CounterRow) + r.gpu.size() * sizeof(GpuRow) +
                              r.launches.size() * sizeof(LaunchRow));
}

Napi::Value WrapRecording(Napi::Env env, std::shared_ptr<const Recording> recording) {
  Napi::MemoryManagement::AdjustExternalMemory(env, BytesOf(*recording));
  return Napi::External<RecordingPointer>::New(
      env, new RecordingPointer(std::move(recording)), [](Napi::Env finalizer_env, RecordingPointer* held) {
        Napi::MemoryManagement::AdjustExternalMemory(finalizer_env, -BytesOf(**held));
        delete held;
      });
}

std::shared_ptr<const Recording> RecordingOf(const Napi::Value& handle) {
  return *handle.As<Napi::External<RecordingPointer>>().Data();
}

void ExportRecordings(Napi::Env env, Napi::Object exports) {
  exports.Set("build", Napi::Function::New<Build>(env, "build"));
  exports.Set("addSamples", Napi::Function::New<AddSamples>(env, "addSamples"));
  exports.Set("merge", Napi::Function::New<Merge>(env, "merge"));
  exports.Set("view", Napi::Function::New<View>(env, "view"));
  exports.Set("viewTable", Napi::Function::New<ViewTable>(env, "viewTable"));
  exports.Set("tables", Napi::Function::New<MakeTables>(env, "tables"));
  exports.Set("tablesSync", Napi::Function::New<MakeTablesSync>(env, "tablesSync"));
  exports.Set("write", Napi::Function::New<Write>(env, "write"));
  exports.Set("toXplane", Napi::Function::New<ToXplane>(env, "toXplane"));
  exports.Set("writeSync", Napi::Function::New<WriteSync>(env, "writeSync"));
  exports.Set("readPerfetto", Napi::Function::New<ReadPerfettoFile>(env, "readPerfetto"));
}

}  // namespace opscope
