// Devices, contexts, streams, names; the client's surroundings.
#include <unistd.h>

#include "callback_names.h"
#include "script_ops.h"

namespace fakegpu {
namespace {

uint32_t TakeId(ScriptLine& line) { return static_cast<uint32_t>(ParseAmount(line.TakeWord("an id"))); }

// Tells a client that asked for it, on the thread that does it.
void TellOfContext(ScriptRun& run, uint32_t callback_id, uint32_t context) {
  const auto [callback, user] = run.gpu().session.CallbackOf(kResourceDomain, callback_id);
  if (callback == nullptr) return;
  const ResourceData data{const_cast<void*>(run.gpu().world.HandleOf(context)), nullptr, nullptr};
  callback(user, kResourceDomain, callback_id, &data);
}

void Context(ScriptRun& run, ScriptLine& line) {
  const uint32_t id = TakeId(line);
  const uint32_t device = line.TakeSmall("device", 0);
  const uint16_t null_stream = static_cast<uint16_t>(line.TakeSmall("null", 7));
  FakeGpu& gpu = run.gpu();
  gpu.world.AddContext(id, device, null_stream);
  TellOfContext(run, kContextCreated, id);
  if (gpu.session.IsEnabled(kContext)) {
    run.WriteHost(ContextRecord(run.personality(), id, device, null_stream));
  }
}

void Stream(ScriptRun& run, ScriptLine& line) {
  FakeStream stream;
  stream.id = TakeId(line);
  stream.context = line.TakeSmall("ctx", run.place.context);
  stream.flag = line.TakeSmall("flag", 1);
  run.gpu().world.AddStream(stream);
  if (run.gpu().session.IsEnabled(kStream)) {
    run.WriteHost(StreamRecord(run.personality(), stream.context, stream.id, stream.flag));
  }
}

void Device(ScriptRun& run, ScriptLine& line) {
  FakeGpu& gpu = run.gpu();
  const uint32_t id = TakeId(line);
  DeviceFields fields = gpu.world.Device(id);
  fields.id = id;
  fields.is_mig = line.TakeFlag("mig");
  if (const auto name = line.TakeText("name")) fields.name = gpu.device_names.Keep(*name);
  if (fields.name == nullptr) fields.name = gpu.device_names.Keep("Fake H200");
  fields.multiprocessors = line.TakeSmall("sms", fields.multiprocessors);
  fields.major = line.TakeSmall("major", fields.major);
  fields.minor = line.TakeSmall("minor", fields.minor);
  fields.memory_bytes =
      static_cast<uint64_t>(line.TakeNumber("memory", static_cast<int64_t>(fields.memory_bytes)));
  gpu.world.SetDevice(fields);
  if (gpu.session.IsEnabled(kDevice)) run.WriteHost(DeviceRecord(run.personality(), fields));
}

void Name(ScriptRun& run, ScriptLine& line) {
  const std::string word = line.TakeWord("stream, context, device or thread");
  const uint32_t id = TakeId(line);
  const std::string text = line.TakeWord("a text");
  Place place = run.place;
  TakePlace(line, place);
  line.Finish();
  uint32_t ids[3] = {place.device, place.context, place.stream};
  uint32_t object = 0;
  if (word == "stream") {
    object = kObjectStream;
    ids[2] = id;
  } else if (word == "context") {
    object = kObjectContext;
    ids[1] = id;
  } else if (word == "device") {
    object = kObjectDevice;
    ids[0] = id;
  } else if (word == "thread") {
    object = kObjectThread;
    ids[0] = static_cast<uint32_t>(getpid());
    ids[1] = id;
  } else {
    throw ScriptError("name knows stream, context, device and thread");
  }
  if (!run.gpu().session.IsEnabled(kName)) return;
  run.WriteHost(NameRecord(run.personality(), object, ids, run.gpu().Keep(text)));
}

void NoContexts(ScriptRun& run, ScriptLine&) { run.gpu().world.Clear(); }

void ContextDestroy(ScriptRun& run, ScriptLine& line) {
  const uint32_t id = TakeId(line);
  TellOfContext(run, kContextDestroyStarting, id);
  run.gpu().held.Lose({id});
  run.gpu().world.DestroyContext(id);
}

// Records that are not in a buffer yet die with the device's contexts; a client
// that has asked to be called back can flush first.
void DeviceReset(ScriptRun& run, ScriptLine& line) {
  const uint32_t device = TakeId(line);
  ApiCall call;
  call.callback_id = CallbackId(kRuntimeDomain, "cudaDeviceReset");
  run.Call(call);
  for (const FakeContext& context : run.gpu().world.LiveContexts()) {
    if (context.device == device) TellOfContext(run, kContextDestroyStarting, context.id);
  }
  run.gpu().held.Lose(run.gpu().world.ResetDevice(device));
}

void Finish(ScriptRun& run, ScriptLine& line) { run.gpu().Synchronize(line.TakeSmall("ctx", 0)); }

void Errors(ScriptRun& run, ScriptLine& line) {
  if (!line.HasWord()) return run.gpu().errors.Clear();
  while (line.HasWord()) {
    std::string bad;
    if (!run.gpu().errors.Add(line.TakeWord(""), &bad)) throw ScriptError("no such error entry: " + bad);
  }
}

void Holder(ScriptRun& run, ScriptLine& line) {
  run.gpu().session.SetHolder(line.HasWord() ? line.TakeWord("") : "");
}

constexpr ScriptOp kOps[] = {{"context", Context},         {"stream", Stream},
                             {"device", Device},           {"name", Name},
                             {"nocontexts", NoContexts},   {"contextdestroy", ContextDestroy},
                             {"devicereset", DeviceReset}, {"finish", Finish},
                             {"errors", Errors},           {"holder", Holder}};

}  // namespace

std::span<const ScriptOp> WorldOps() { return kOps; }

}  // namespace fakegpu
