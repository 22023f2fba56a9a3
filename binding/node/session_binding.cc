#include "session_binding.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/ended_spans.h"
#include "core/gpu_attach.h"
#include "core/merge.h"
#include "core/native_api.h"
#include "core/recorder.h"
#include "core/session_writer.h"
#include "core/slow_spans.h"
#include "file_rotation.h"
#include "format/chrome_stream.h"
#include "format/perfetto_stream.h"
#include "recording_binding.h"
#include "session_end.h"
#include "task.h"
#include "throw_status.h"

namespace opscope {

namespace {

// Plugged in by addon.cc, the same for every environment.
GpuSource& (*g_gpu_source)() = nullptr;

void ThrowIfBad(Napi::Env env, const Status& status) {
  if (!status.ok()) ErrorOf(env, status).ThrowAsJavaScriptException();
}
int SessionOf(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Int32Value(); }

Napi::Value SetPoolBytes(const Napi::CallbackInfo& info) {
  const auto bytes = static_cast<size_t>(info[0].As<Napi::Number>().DoubleValue());
  return Napi::Boolean::New(info.Env(), Recorder::Get().SetPoolBytes(bytes));
}

// What an environment needs to end a session that it did not stop.
struct OwnSession {
  std::string path;  // of its file; empty: none
  std::string format;
  std::string meta_json;
  bool has_gpu = false;                   // a Start of the GPU back end is to be stopped
  std::shared_ptr<SessionWriter> writer;  // null: nothing is written before the stop
  SlowSpans* slow = nullptr;              // the writer's sink, where slow spans are looked for
  EndedSpans* ended = nullptr;            // the writer's sink, where spans are added up as they end
  bool is_readable = false;               // the writer's file can be the recording
};

// The sessions that one environment started and has not stopped. Used on its thread alone.
using OwnSessions = std::map<int, OwnSession>;

OwnSessions& SessionsOf(const Napi::CallbackInfo& info) { return *static_cast<OwnSessions*>(info.Data()); }

// False while another descriptor, of this process or another, holds the lock of
// its file. Held until the descriptor is closed, however that comes about. A file
// system without locks refuses nobody.
Napi::Value LockFile(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  return Napi::Boolean::New(info.Env(), flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
}

// Takes over the descriptor in `streamFd`; -1: nothing is written before the stop.
std::shared_ptr<SessionWriter> StartWriter(int session, const Napi::Object& given, OwnSession* own) {
  const auto number = [&](const char* key) { return given.Get(key).As<Napi::Number>().DoubleValue(); };
  const auto fd = static_cast<int>(number("streamFd"));
  SessionWriterOptions options;
  options.interval = std::chrono::milliseconds(static_cast<int64_t>(number("flushMs")));
  if (const double slow_ms = number("slowMs"); slow_ms > 0) {
    own->slow = new SlowSpans(static_cast<int64_t>(slow_ms * 1e6));
    return std::make_shared<SessionWriter>(session, std::unique_ptr<StreamSink>(own->slow), options);
  }
  if (given.Get("addsUpEnded").ToBoolean().Value()) {
    own->ended = new EndedSpans;
    return std::make_shared<SessionWriter>(session, std::unique_ptr<StreamSink>(own->ended), options);
  }
  if (fd < 0) return nullptr;
  options.gpu = own->has_gpu ? &g_gpu_source() : nullptr;
  options.may_forget = own->is_readable;
  const auto make_sink = [meta_json = own->meta_json,
                          is_readable = own->is_readable](int file) -> std::unique_ptr<StreamSink> {
    if (is_readable) return std::make_unique<PerfettoStream>(file, meta_json);
    return std::make_unique<ChromeStream>(file, meta_json);
  };
  const std::string suffix = given.Get("streamSuffix").As<Napi::String>();
  const auto max_bytes = static_cast<uint64_t>(number("maxFileBytes"));
  if (max_bytes != 0) {
    options.rotation = std::make_shared<FileRotation>(given.Get("streamPath").As<Napi::String>(), suffix,
                                                      max_bytes, make_sink);
  }
  return std::make_shared<SessionWriter>(session, make_sink(fd), options);
}

Napi::Value StartSession(const Napi::CallbackInfo& info) {
  FillNativeApiSlots();
  const auto given = info[0].As<Napi::Object>();
  const auto is = [&](const char* key) { return given.Get(key).ToBoolean().Value(); };
  SessionOptions options;
  options.category_mask = given.Get("categoryMask").As<Napi::Number>().Uint32Value();
  options.is_paused = is("startPaused");
  options.is_detailed = is("isDetailed");
  options.is_exact = is("isExact");
  const bool has_stream = given.Get("streamFd").As<Napi::Number>().Int32Value() >= 0;
  const double keep_ms = given.Get("keepMs").As<Napi::Number>().DoubleValue();
  // A Perfetto stream can be read as the recording that it was written from; no other can.
  const std::string stream_format = given.Get("streamFormat").As<Napi::String>();
  options.is_recycled = has_stream && stream_format == "perfetto";
  options.is_streamed =
      has_stream || given.Get("slowMs").As<Napi::Number>().DoubleValue() > 0 || is("addsUpEnded");
  options.is_moving = is("isMoving");
  options.keep_ns = static_cast<uint64_t>(keep_ms * 1e6);
  if (options.is_moving && is("hasGpu")) options.gpu_to_trim = &g_gpu_source();
  const int id = Recorder::Get().StartSession(options);
  OwnSession& own = SessionsOf(info)[id];
  own.path = given.Get("path").As<Napi::String>();
  own.format = given.Get("format").As<Napi::String>();
  own.meta_json = given.Get("metaJson").As<Napi::String>();
  own.has_gpu = is("hasGpu");
  own.is_readable = options.is_recycled;
  own.writer = StartWriter(id, given, &own);
  // From here on the file is a recording, however soon the process ends. Trouble is told by later flushes.
  if (own.writer != nullptr) static_cast<void>(own.writer->Flush());
  return Napi::Number::New(info.Env(), id);
}

// Blocks until the GPU back end answers, up to the deadline. What answers
// available is stopped by the session that startSession is then given it for.
Napi::Value StartGpu(const Napi::CallbackInfo& info) {
  GpuOptions options;
  options.start_deadline_ms = info[0].As<Napi::Number>().Uint32Value();
  options.memory = info[1].As<Napi::Boolean>().Value();
  options.graph_nodes = info[2].As<Napi::Boolean>().Value();
  const GpuState state = g_gpu_source().Start(options);
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("available", state.available);
  object.Set("reason", state.reason);
  object.Set("detail", state.detail);
  return object;
}

void PauseSession(const Napi::CallbackInfo& info) {
  ThrowIfBad(info.Env(), Recorder::Get().PauseSession(SessionOf(info)));
}
void ResumeSession(const Napi::CallbackInfo& info) {
  ThrowIfBad(info.Env(), Recorder::Get().ResumeSession(SessionOf(info)));
}
void ResetSession(const Napi::CallbackInfo& info) {
  ThrowIfBad(info.Env(), Recorder::Get().ResetSession(SessionOf(info)));
}

// Also of a snapshot whose merge runs out of memory.
class SnapshotRelease {
 public:
  SnapshotRelease(int id, uint64_t start_ticks) noexcept : id_(id), start_ticks_(start_ticks) {}
  SnapshotRelease(const SnapshotRelease&) = delete;
  SnapshotRelease& operator=(const SnapshotRelease&) = delete;
  ~SnapshotRelease() { Recorder::Get().ReleaseSnapshot(id_, start_ticks_); }

 private:
  int id_;
  uint64_t start_ticks_;
};

void TakeOver(OwnSession* own, SessionEnd* end) {
  if (own->has_gpu) end->gpu = &g_gpu_source();
  end->writer = std::move(own->writer);
  end->is_readable = own->is_readable;
}

// An environment ended (a worker was terminated, or returned): its sessions
// must not keep the gate open. A file that was promised is still written.
void FinishOwnSessions(OwnSessions* sessions) {
  for (auto& [id, own] : *sessions) {
    SessionEnd end;
    if (!Recorder::Get().StopSession(id, &end.input).ok()) continue;
    end.meta_json = own.meta_json;
    TakeOver(&own, &end);
    const auto recording = EndSession(&end);
    if (own.path.empty()) continue;
    const int fd = open(own.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) continue;  // nobody is left to be told
    uint64_t bytes = 0;
    std::vector<Warning> warnings;
    static_cast<void>(WriteRecording(*recording, own.format, false, fd, &bytes, &warnings));
    close(fd);
  }
  delete sessions;
}

// Ends the window; the session is no longer its environment's. Throws and returns null when there is none.
std::shared_ptr<SessionEnd> CloseSession(const Napi::CallbackInfo& info) {
  OwnSessions& sessions = SessionsOf(info);
  auto end = std::make_shared<SessionEnd>();
  const Status status = Recorder::Get().StopSession(SessionOf(info), &end->input);
  if (!status.ok()) {
    ThrowIfBad(info.Env(), status);
    return nullptr;
  }
  end->meta_json = info[1].As<Napi::String>();
  if (const auto own = sessions.find(SessionOf(info)); own != sessions.end()) {
    TakeOver(&own->second, end.get());
    sessions.erase(own);
  }
  return end;
}

Napi::Value StopSession(const Napi::CallbackInfo& info) {
  const std::shared_ptr<SessionEnd> end = CloseSession(info);
  if (end == nullptr) return info.Env().Undefined();
  end->waits_for_gpu = true;
  auto result = std::make_shared<std::shared_ptr<const Recording>>();
  return RunOffThread(
      info.Env(),
      [end, result] {
        *result = EndSession(end.get());
        return Status::Ok();
      },
      [result](Napi::Env env) { return WrapRecording(env, std::move(*result)); });
}

Napi::Value StopSessionSync(const Napi::CallbackInfo& info) {
  const std::shared_ptr<SessionEnd> end = CloseSession(info);
  if (end == nullptr) return info.Env().Undefined();
  std::shared_ptr<const Recording> recording;
  const Status merged = CatchOutOfMemory([&] {
    recording = EndSession(end.get());
    return Status::Ok();
  });
  if (merged.ok()) return WrapRecording(info.Env(), std::move(recording));
  ThrowIfBad(info.Env(), merged);
  return info.Env().Undefined();
}

// The window up to now, merged while the session goes on.
Napi::Value SnapshotSession(const Napi::CallbackInfo& info) {
  const int id = SessionOf(info);
  const OwnSessions& sessions = SessionsOf(info);
  const auto own = sessions.find(id);
  const bool has_gpu = own != sessions.end() && own->second.has_gpu;
  auto input = std::make_shared<MergeInput>();
  const Status status = Recorder::Get().TakeSnapshot(id, input.get());
  if (!status.ok()) {
    ThrowIfBad(info.Env(), status);
    return info.Env().Undefined();
  }
  std::string meta_json = info[1].As<Napi::String>();
  auto result = std::make_shared<std::shared_ptr<const Recording>>();
  return RunOffThread(
      info.Env(),
      [input, result, meta_json, has_gpu, id] {
        const SnapshotRelease release(id, input->session.start_ticks);
        const std::shared_ptr<Recording> recording = MergeLogs(*input);
        recording->meta_json = meta_json;
        if (has_gpu) {
          AttachGpu(g_gpu_source().Peek(recording->origin_clock_ns), recording.get(),
                    input->session.options.category_mask);
        }
        *result = recording;
        return Status::Ok();
      },
      [result](Napi::Env env) { return WrapRecording(env, std::move(*result)); });
}

// The slowest span since the last call, or null.
Napi::Value TakeSlowSpan(const Napi::CallbackInfo& info) {
  const OwnSessions& sessions = SessionsOf(info);
  const auto own = sessions.find(SessionOf(info));
  if (own == sessions.end() || own->second.slow == nullptr) return info.Env().Null();
  const std::optional<SlowSpan> span = own->second.slow->Take();
  if (!span) return info.Env().Null();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("name", span->name);
  object.Set("durationNs", static_cast<double>(span->duration_ns));
  return object;
}

// The spans that have ended since the last call, by name.
Napi::Value TakeEndedSpans(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array groups = Napi::Array::New(env);
  const OwnSessions& sessions = SessionsOf(info);
  const auto own = sessions.find(SessionOf(info));
  if (own == sessions.end() || own->second.ended == nullptr) return groups;
  for (const EndedGroup& group : own->second.ended->Take()) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", group.name);
    object.Set("category", static_cast<double>(group.category));
    object.Set("isInner", group.is_inner);
    object.Set("calls", static_cast<double>(group.calls));
    object.Set("totalNs", static_cast<double>(group.total_ns));
    object.Set("maxNs", static_cast<double>(group.max_ns));
    Napi::Float64Array durations = Napi::Float64Array::New(env, group.durations_ns.size());
    std::copy(group.durations_ns.begin(), group.durations_ns.end(), durations.Data());
    object.Set("durationsNs", durations);
    object.Set("open", static_cast<double>(group.open));
    object.Set("oldestNs", static_cast<double>(group.oldest_ns));
    groups.Set(groups.Length(), object);
  }
  return groups;
}

// Brings what was recorded to the session's file, off the JavaScript thread.
Napi::Value FlushSession(const Napi::CallbackInfo& info) {
  const OwnSessions& sessions = SessionsOf(info);
  const auto own = sessions.find(SessionOf(info));
  const std::shared_ptr<SessionWriter> writer = own == sessions.end() ? nullptr : own->second.writer;
  return RunOffThread(
      info.Env(), [writer] { return writer == nullptr ? Status::Ok() : writer->Flush(); },
      [](Napi::Env env) { return env.Undefined(); });
}

// The clock reads of a begin and an end, and what stands between them: what
// one span adds to its parent. Best of several short runs, on a log of its own
// so that no recording sees it.
double MeasureSpanCostNs() {
  constexpr int kRuns = 7;
  constexpr int kSpans = 1000;
  ChunkPool pool(Chunk::kBytes);
  ThreadLog log(0, &pool, 0);
  log.control().gate.store(1, std::memory_order_relaxed);
  double best = 1e9;
  for (int run = 0; run < kRuns; ++run) {
    const uint64_t start = MonotonicNs();
    for (int i = 0; i < kSpans; ++i) {
      log.Begin(0);
      log.End(0);
    }
    best = std::min(best, static_cast<double>(MonotonicNs() - start) / kSpans);
    if (Chunk* chunk = log.first.load(std::memory_order_relaxed))
      chunk->used.store(0, std::memory_order_relaxed);
  }
  return best;
}

Napi::Value RecorderStats(const Napi::CallbackInfo& info) {
  Recorder& recorder = Recorder::Get();
  const RecorderCounts counts = recorder.Counts();
  Napi::Object stats = Napi::Object::New(info.Env());
  stats.Set("dropped", static_cast<double>(counts.dropped_spans));
  stats.Set("unmatchedEnds", static_cast<double>(counts.unmatched_ends));
  stats.Set("poolBytes", static_cast<double>(recorder.pool().total_bytes()));
  stats.Set("poolUsedBytes", static_cast<double>(recorder.pool().used_bytes()));
  stats.Set("spanCostNs", MeasureSpanCostNs());
  stats.Set("clock", ClockSourceName(CurrentClockSource()));
  return stats;
}

Napi::Value CountsOfRecorder(const Napi::CallbackInfo& info) {
  Recorder& recorder = Recorder::Get();
  Napi::Object counts = Napi::Object::New(info.Env());
  counts.Set("dropped", static_cast<double>(recorder.Counts().dropped_spans));
  counts.Set("poolBytes", static_cast<double>(recorder.pool().total_bytes()));
  counts.Set("poolUsedBytes", static_cast<double>(recorder.pool().used_bytes()));
  return counts;
}

}  // namespace

void ExportSessions(Napi::Env env, Napi::Object exports, GpuSource& (*gpu_source)()) {
  g_gpu_source = gpu_source;
  auto* sessions = new OwnSessions;
  env.AddCleanupHook(&FinishOwnSessions, sessions);
  exports.Set("setPoolBytes", Napi::Function::New<SetPoolBytes>(env, "setPoolBytes"));
  exports.Set("startSession", Napi::Function::New<StartSession>(env, "startSession", sessions));
  exports.Set("lockFile", Napi::Function::New<LockFile>(env, "lockFile"));
  exports.Set("startGpu", Napi::Function::New<StartGpu>(env, "startGpu"));
  exports.Set("pauseSession", Napi::Function::New<PauseSession>(env, "pauseSession"));
  exports.Set("resumeSession", Napi::Function::New<ResumeSession>(env, "resumeSession"));
  exports.Set("resetSession", Napi::Function::New<ResetSession>(env, "resetSession"));
  exports.Set("stopSession", Napi::Function::New<StopSession>(env, "stopSession", sessions));
  exports.Set("stopSessionSync", Napi::Function::New<StopSessionSync>(env, "stopSessionSync", sessions));
  exports.Set("flushSession", Napi::Function::New<FlushSession>(env, "flushSession", sessions));
  exports.Set("snapshotSession", Napi::Function::New<SnapshotSession>(env, "snapshotSession", sessions));
  exports.Set("takeEndedSpans", Napi::Function::New<TakeEndedSpans>(env, "takeEndedSpans", sessions));
  exports.Set("takeSlowSpan", Napi::Function::New<TakeSlowSpan>(env, "takeSlowSpan", sessions));
  exports.Set("recorderCounts", Napi::Function::New<CountsOfRecorder>(env, "recorderCounts"));
  exports.Set("recorderStats", Napi::Function::New<RecorderStats>(env, "recorderStats"));
}

}  // namespace opscope
