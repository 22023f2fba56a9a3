// Clock, threads, API calls and what else happens on the host.
#include <unistd.h>

#include <algorithm>

#include "callback_names.h"
#include "script_ops.h"

namespace fakegpu {
namespace {

uint32_t ParseSmall(const std::string& text) { return static_cast<uint32_t>(ParseAmount(text)); }

void Clock(ScriptRun& run, ScriptLine& line) {
  const std::string word = line.TakeWord("a moment or live");
  if (word == "live") {
    run.gpu().clock.GoLive();
  } else {
    run.gpu().clock.Set(ParseAmount(word));
  }
  run.Restart();
}

void Epoch(ScriptRun& run, ScriptLine& line) {
  run.gpu().clock.SetEpoch(ParseAmount(line.TakeWord("an offset")));
  run.ReadOffset();
}

void ClockStep(ScriptRun& run, ScriptLine& line) {
  run.gpu().clock.Step(ParseAmount(line.TakeWord("a step")));
  run.ReadOffset();
}

void Skew(ScriptRun& run, ScriptLine& line) {
  run.gpu().clock.SetSkew(ParseAmount(line.TakeWord("an offset")));
}

void Sleep(ScriptRun& run, ScriptLine& line) {
  const int64_t until_ns = run.HostNow() + ParseAmount(line.TakeWord("a time"));
  run.Pass(until_ns);
  run.gpu().clock.AdvanceTo(until_ns);
}

void Thread(ScriptRun& run, ScriptLine& line) { run.SetThread(ParseSmall(line.TakeWord("a number"))); }

void ThreadExit(ScriptRun& run, ScriptLine&) { run.gpu().desk.CompleteCaller(false); }

void Api(ScriptRun& run, ScriptLine& line) {
  const bool is_driver = line.TakeFlag("driver");
  const std::string name = line.TakeWord("a function");
  ApiCall call = TakeCall(run, line, nullptr);
  call.domain = is_driver ? kDriverDomain : kRuntimeDomain;
  call.callback_id =
      name.find_first_not_of("0123456789") == name.npos ? ParseSmall(name) : CallbackId(call.domain, name);
  if (call.callback_id == 0) throw ScriptError("no callback id known for " + name);
  line.Finish();
  run.Call(call);
}

void Sync(ScriptRun& run, ScriptLine& line) {
  struct Form {
    std::string_view word;
    const char* function;
    uint32_t type;
  };
  constexpr Form kForms[] = {{"device", "cudaDeviceSynchronize", 4},
                             {"context", "cudaDeviceSynchronize", 4},
                             {"stream", "cudaStreamSynchronize", 3},
                             {"event", "cudaEventSynchronize", 1},
                             {"wait", "cudaStreamWaitEvent", 2}};
  const std::string word = line.TakeWord("a form");
  const auto form =
      std::find_if(std::begin(kForms), std::end(kForms), [&](const Form& f) { return f.word == word; });
  if (form == std::end(kForms)) throw ScriptError("no such form of sync: " + word);
  SyncFields fields;
  Place place = run.place;
  TakePlace(line, place);
  const std::optional<int64_t> duration_ns = line.TakeNumber("dur");
  ApiCall call = TakeCall(run, line, form->function);
  line.Finish();
  const int64_t start_ns = call.at_ns.value_or(run.HostNow());
  const bool is_stream = form->type == 3;
  const int64_t done_ns = run.LatestGpuEnd(is_stream ? std::optional(place.stream) : std::nullopt) + 1000;
  call.duration_ns = duration_ns ? *duration_ns : std::max<int64_t>(1000, done_ns - start_ns);
  const ScriptRun::Interval interval = run.Call(call);
  if (!run.gpu().session.IsEnabled(kSynchronization)) return;
  fields.type = form->type;
  fields.time = {run.HostStamp(interval.start_ns), run.HostStamp(interval.end_ns)};
  fields.correlation = interval.correlation;
  fields.context = place.context;
  fields.stream = form->type == 2 || is_stream ? place.stream : 0xFFFFFFFFu;
  fields.event = form->type <= 2 ? 1 : 0xFFFFFFFFu;
  run.WriteHost(SyncRecord(run.personality(), fields));
}

void Marker(ScriptRun& run, ScriptLine& line) {
  static std::atomic<uint32_t> next_id{1};
  const std::string name = line.TakeWord("a name");
  const int64_t start_ns = run.TakeMoment(line).value_or(run.HostNow());
  const int64_t duration_ns = line.TakeNumber("dur", 1000);
  const std::string domain = line.TakeText("domain").value_or("");
  const uint32_t id = line.TakeSmall("id", next_id++);
  line.Finish();
  FakeGpu& gpu = run.gpu();
  const auto write = [&](uint32_t flags, int64_t at_ns, const char* text) {
    if (!gpu.session.IsEnabled(kMarker)) return;
    run.WriteHost(MarkerRecord(run.personality(), flags, run.HostStamp(at_ns), id,
                               static_cast<uint32_t>(getpid()), run.OsThread(), text,
                               domain.empty() ? nullptr : gpu.Keep(domain)));
  };
  if (duration_ns == 0) return write(kMarkerInstant, start_ns, gpu.Keep(name));
  write(kMarkerStart, start_ns, gpu.Keep(name));
  write(kMarkerEnd, start_ns + duration_ns, nullptr);  // only the start carries the name
  run.Pass(start_ns + duration_ns);
}

void Overhead(ScriptRun& run, ScriptLine& line) {
  const uint32_t kind = ParseSmall(line.TakeWord("a kind"));
  const int64_t start_ns = run.TakeMoment(line).value_or(run.HostNow());
  const int64_t duration_ns = line.TakeNumber("dur", 1000);
  line.Finish();
  if (!run.gpu().session.IsEnabled(kOverhead)) return;
  const Stamps time{run.HostStamp(start_ns), run.HostStamp(start_ns + duration_ns)};
  run.WriteHost(
      OverheadRecord(run.personality(), kind, time, static_cast<uint32_t>(getpid()), run.OsThread()));
}

void External(ScriptRun& run, ScriptLine& line) {
  const uint32_t kind = ParseSmall(line.TakeWord("a kind"));
  run.external_next.emplace_back(kind, static_cast<uint64_t>(ParseAmount(line.TakeWord("an id"))));
}

void Memory(ScriptRun& run, ScriptLine& line) {
  const std::string word = line.TakeWord("alloc or free");
  if (word != "alloc" && word != "free") throw ScriptError("memory knows alloc and free");
  MemoryFields fields;
  fields.is_async = line.TakeFlag("async");
  fields.place = run.place;
  TakePlace(line, fields.place);
  fields.operation = word == "alloc" ? 1 : 2;
  fields.memory = MemoryCode(line.TakeText("kind").value_or("device"));
  fields.bytes = static_cast<uint64_t>(line.TakeNumber("bytes", 4096));
  fields.address = static_cast<uint64_t>(line.TakeNumber("address", 0x7F00'0000'0000));
  fields.process = static_cast<uint32_t>(getpid());
  const ScriptRun::Interval interval =
      run.Call(TakeCall(run, line, word == "alloc" ? "cudaMalloc" : "cudaFree"));
  line.Finish();
  if (!run.gpu().session.IsEnabled(kMemory2)) return;
  fields.correlation = interval.correlation;
  fields.time = run.HostStamp(interval.end_ns);
  run.WriteHost(MemoryRecord(run.personality(), fields));
}

constexpr ScriptOp kOps[] = {
    {"clock", Clock},  {"epoch", Epoch},   {"clockstep", ClockStep},   {"skew", Skew},
    {"sleep", Sleep},  {"thread", Thread}, {"threadexit", ThreadExit}, {"api", Api},
    {"sync", Sync},    {"marker", Marker}, {"overhead", Overhead},     {"external", External},
    {"memory", Memory}};

}  // namespace

std::span<const ScriptOp> HostOps() { return kOps; }

ApiCall TakeCall(ScriptRun& run, ScriptLine& line, const char* function) {
  ApiCall call;
  if (function != nullptr) call.callback_id = CallbackId(kRuntimeDomain, function);
  call.at_ns = run.TakeMoment(line);
  call.duration_ns = line.TakeNumber("dur", call.duration_ns);
  if (const auto correlation = line.TakeNumber("corr"))
    call.correlation = static_cast<uint32_t>(*correlation);
  if (const auto thread = line.TakeNumber("tid")) call.thread_id = static_cast<uint32_t>(*thread);
  call.result = line.TakeSmall("result", 0);
  return call;
}

void TakePlace(ScriptLine& line, Place& place) {
  place.device = line.TakeSmall("device", place.device);
  place.context = line.TakeSmall("ctx", place.context);
  place.stream = line.TakeSmall("stream", place.stream);
}

}  // namespace fakegpu
