#include "session_binding.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/gpu_attach.h"
#include "core/merge.h"
#include "core/native_api.h"
#include "core/recorder.h"
#include "recording_binding.h"
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

// Where a session's file is completed when its environment ends without stopping it.
struct SessionOutput {
  std::string path;  // empty: nowhere
  std::string format;
  std::string meta_json;
  bool has_gpu = false;  // a Start of the GPU back end is to be stopped
};

// The sessions that one environment started and has not stopped. Used on its thread alone.
using OwnSessions = std::map<int, SessionOutput>;

OwnSessions& SessionsOf(const Napi::CallbackInfo& info) { return *static_cast<OwnSessions*>(info.Data()); }

Napi::Value StartSession(const Napi::CallbackInfo& info) {
  FillNativeApiSlots();
  SessionOptions options;
  options.category_mask = info[0].As<Napi::Number>().Uint32Value();
  options.is_paused = info[1].As<Napi::Boolean>().Value();
  options.is_detailed = info[2].As<Napi::Boolean>().Value();
  options.is_exact = info[7].ToBoolean().Value();
  const int id = Recorder::Get().StartSession(options);
  SessionsOf(info)[id] = {info[3].As<Napi::String>(), info[4].As<Napi::String>(), info[5].As<Napi::String>(),
                          info[6].As<Napi::Boolean>().Value()};
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

// Releases the session's chunks also when the merge runs out of memory.
class SessionRelease {
 public:
  explicit SessionRelease(int id) noexcept : id_(id) {}
  SessionRelease(const SessionRelease&) = delete;
  SessionRelease& operator=(const SessionRelease&) = delete;
  ~SessionRelease() { Recorder::Get().ReleaseSession(id_); }

 private:
  int id_;
};

// How a session's share of the GPU back end ends.
enum class GpuStop : uint8_t {
  kNone,  // it had none
  kWait,  // for the GPU to finish what it has
  kExit,  // flush what is complete: on an exit path nothing may wait for the GPU
};
// A service's stop may wait for the kernels under way; an exit may not.
constexpr uint64_t kWaitDeadlineMs = 10'000;
constexpr uint64_t kExitDeadlineMs = 2'000;

std::shared_ptr<const Recording> MergeAndRelease(const MergeInput& input, std::string meta_json,
                                                 GpuStop gpu) {
  SessionRelease release(input.session.id);
  std::shared_ptr<Recording> recording = MergeLogs(input);
  recording->meta_json = std::move(meta_json);
  if (gpu != GpuStop::kNone) {
    const bool waits = gpu == GpuStop::kWait;
    AttachGpu(
        g_gpu_source().Stop(recording->origin_clock_ns, waits, waits ? kWaitDeadlineMs : kExitDeadlineMs),
        recording.get());
  }
  return recording;
}

// An environment ended (a worker was terminated, or returned): its sessions
// must not keep the gate open. A file that was promised is still written.
void FinishOwnSessions(OwnSessions* sessions) {
  for (const auto& [id, output] : *sessions) {
    MergeInput input;
    if (!Recorder::Get().StopSession(id, &input).ok()) continue;
    const auto recording =
        MergeAndRelease(input, output.meta_json, output.has_gpu ? GpuStop::kExit : GpuStop::kNone);
    if (output.path.empty()) continue;
    const int fd = open(output.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) continue;  // nobody is left to be told
    uint64_t bytes = 0;
    std::vector<Warning> warnings;
    static_cast<void>(WriteRecording(*recording, output.format, fd, &bytes, &warnings));
    close(fd);
  }
  delete sessions;
}

// The session is no longer its environment's; true when it holds a share of the GPU back end.
bool TakeGpu(const Napi::CallbackInfo& info) {
  OwnSessions& sessions = SessionsOf(info);
  const auto found = sessions.find(SessionOf(info));
  if (found == sessions.end()) return false;
  const bool has_gpu = found->second.has_gpu;
  sessions.erase(found);
  return has_gpu;
}

Napi::Value StopSession(const Napi::CallbackInfo& info) {
  const GpuStop gpu = TakeGpu(info) ? GpuStop::kWait : GpuStop::kNone;
  auto input = std::make_shared<MergeInput>();
  const Status status = Recorder::Get().StopSession(SessionOf(info), input.get());
  if (!status.ok()) {
    ThrowIfBad(info.Env(), status);
    return info.Env().Undefined();
  }
  auto result = std::make_shared<std::shared_ptr<const Recording>>();
  std::string meta_json = info[1].As<Napi::String>();
  return RunOffThread(
      info.Env(),
      [input, result, meta_json, gpu]() mutable {
        *result = MergeAndRelease(*input, std::move(meta_json), gpu);
        return Status::Ok();
      },
      [result](Napi::Env env) { return WrapRecording(env, std::move(*result)); });
}

Napi::Value StopSessionSync(const Napi::CallbackInfo& info) {
  const GpuStop gpu = TakeGpu(info) ? GpuStop::kExit : GpuStop::kNone;
  MergeInput input;
  const Status status = Recorder::Get().StopSession(SessionOf(info), &input);
  if (!status.ok()) {
    ThrowIfBad(info.Env(), status);
    return info.Env().Undefined();
  }
  std::shared_ptr<const Recording> recording;
  const Status merged = CatchOutOfMemory([&] {
    recording = MergeAndRelease(input, info[1].As<Napi::String>(), gpu);
    return Status::Ok();
  });
  if (merged.ok()) return WrapRecording(info.Env(), std::move(recording));
  ThrowIfBad(info.Env(), merged);
  return info.Env().Undefined();
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

}  // namespace

void ExportSessions(Napi::Env env, Napi::Object exports, GpuSource& (*gpu_source)()) {
  g_gpu_source = gpu_source;
  auto* sessions = new OwnSessions;
  env.AddCleanupHook(&FinishOwnSessions, sessions);
  exports.Set("setPoolBytes", Napi::Function::New<SetPoolBytes>(env, "setPoolBytes"));
  exports.Set("startSession", Napi::Function::New<StartSession>(env, "startSession", sessions));
  exports.Set("startGpu", Napi::Function::New<StartGpu>(env, "startGpu"));
  exports.Set("pauseSession", Napi::Function::New<PauseSession>(env, "pauseSession"));
  exports.Set("resumeSession", Napi::Function::New<ResumeSession>(env, "resumeSession"));
  exports.Set("resetSession", Napi::Function::New<ResetSession>(env, "resetSession"));
  exports.Set("stopSession", Napi::Function::New<StopSession>(env, "stopSession", sessions));
  exports.Set("stopSessionSync", Napi::Function::New<StopSessionSync>(env, "stopSessionSync", sessions));
  exports.Set("recorderStats", Napi::Function::New<RecorderStats>(env, "recorderStats"));
}

}  // namespace opscope
