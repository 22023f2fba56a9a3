// Kernels, copies, fills and graphs.
#include <algorithm>

#include "callback_names.h"
#include "script_ops.h"

namespace fakegpu {
namespace {

template <size_t N>
uint8_t CodeOf(const std::string_view (&words)[N], std::string_view word, const char* what) {
  const auto found = std::find(std::begin(words), std::end(words), word);
  if (found == std::end(words)) throw ScriptError(std::string("no such ") + what + ": " + std::string(word));
  return static_cast<uint8_t>(found - std::begin(words));
}

struct GpuWords {
  GpuOp op;
  bool has_null_name = false;
  int64_t name_bytes = 0;
};

GpuWords TakeGpuOp(ScriptRun& run, ScriptLine& line) {
  GpuWords words;
  GpuOp& op = words.op;
  op.place = run.place;
  TakePlace(line, op.place);
  op.at_ns = run.TakeMoment(line);
  op.gap_ns = line.TakeNumber("gap");
  op.duration_ns = line.TakeNumber("dur", op.duration_ns);
  if (const auto correlation = line.TakeNumber("corr")) op.correlation = static_cast<uint32_t>(*correlation);
  op.node = static_cast<uint64_t>(line.TakeNumber("node", 0));
  op.graph = line.TakeSmall("graph", 0);
  op.is_incomplete = line.TakeFlag("incomplete");
  op.is_running = line.TakeFlag("running");
  op.has_zero_time = line.TakeFlag("zerotime");
  op.is_negative = line.TakeFlag("negative");
  op.is_twice = line.TakeFlag("twice");
  words.has_null_name = line.TakeFlag("nullname");
  words.name_bytes = line.TakeNumber("hugename", 0);
  return words;
}

void Kernel(ScriptRun& run, ScriptLine& line) {
  const GpuWords words = TakeGpuOp(run, line);
  KernelFields fields;
  line.TakeTriple("grid", fields.grid);
  line.TakeTriple("block", fields.block);
  line.TakeTriple("cluster", fields.cluster);
  fields.registers = static_cast<uint16_t>(line.TakeSmall("regs", fields.registers));
  fields.static_shared = line.TakeSmall("static", 0);
  fields.dynamic_shared = line.TakeSmall("dynamic", 0);
  fields.executed_shared = line.TakeSmall("executed", 0);
  fields.local_per_thread = line.TakeSmall("local", 0);
  fields.queued = static_cast<uint64_t>(line.TakeNumber("queued", 0));
  fields.submitted = static_cast<uint64_t>(line.TakeNumber("submitted", 0));
  std::string name = line.TakeWord("a name");
  line.Finish();
  name.append(static_cast<size_t>(std::max<int64_t>(0, words.name_bytes - static_cast<int64_t>(name.size()))),
              'x');
  const ScriptRun::Interval interval = run.Schedule(words.op);
  const uint32_t kind = run.gpu().session.KernelKind();
  if (kind == 0) return;
  fields.time = run.StampsOf(words.op, interval);
  fields.place = words.op.place;
  fields.correlation = interval.correlation;
  fields.name = words.has_null_name ? nullptr : run.gpu().Keep(name);
  fields.graph = words.op.graph;
  fields.graph_node = words.op.node;
  run.WriteGpu(KernelRecord(run.personality(), kind, fields), words.op, interval);
}

// What memcpy and peer share.
CopyFields TakeCopy(ScriptRun& run, ScriptLine& line, GpuOp* op) {
  *op = TakeGpuOp(run, line).op;
  CopyFields fields;
  fields.is_async = line.TakeFlag("async");
  fields.bytes = static_cast<uint64_t>(line.TakeNumber("bytes", 4096));
  fields.place = op->place;
  fields.graph = op->graph;
  fields.graph_node = op->node;
  return fields;
}

void WriteCopy(ScriptRun& run, uint32_t kind, CopyFields& fields, const GpuOp& op) {
  const ScriptRun::Interval interval = run.Schedule(op);
  if (!run.gpu().session.IsEnabled(kind)) return;
  fields.time = run.StampsOf(op, interval);
  fields.correlation = interval.correlation;
  const Personality& personality = run.personality();
  run.WriteGpu(kind == kMemcpy ? CopyRecord(personality, fields) : PeerCopyRecord(personality, fields), op,
               interval);
}

void Memcpy(ScriptRun& run, ScriptLine& line) {
  GpuOp op;
  CopyFields fields = TakeCopy(run, line, &op);
  fields.count = static_cast<uint64_t>(line.TakeNumber("count", 1));
  const std::string direction = line.TakeWord("a direction");
  fields.direction = CopyDirection(direction);
  // The memory that a letter of the direction usually means: host pageable, device, array.
  const auto usual = [&](char letter) -> std::string {
    return letter == 'h' ? "pageable" : letter == 'd' ? "device" : letter == 'a' ? "array" : "unknown";
  };
  const bool is_letters = direction.size() == 4;
  fields.from = MemoryCode(line.HasWord() ? line.TakeWord("") : usual(is_letters ? direction[0] : 'u'));
  fields.to = MemoryCode(line.HasWord() ? line.TakeWord("") : usual(is_letters ? direction[3] : 'u'));
  line.Finish();
  WriteCopy(run, kMemcpy, fields, op);
}

void Peer(ScriptRun& run, ScriptLine& line) {
  GpuOp op;
  CopyFields fields = TakeCopy(run, line, &op);
  fields.direction = CopyDirection("ptop");
  fields.from = fields.to = MemoryCode("device");
  fields.peer_from_device = static_cast<uint32_t>(ParseAmount(line.TakeWord("a device")));
  fields.peer_to_device = static_cast<uint32_t>(ParseAmount(line.TakeWord("another device")));
  fields.peer_from_context = fields.peer_to_context = op.place.context;
  line.Finish();
  WriteCopy(run, kMemcpy2, fields, op);
}

void Memset(ScriptRun& run, ScriptLine& line) {
  const GpuOp op = TakeGpuOp(run, line).op;
  FillFields fields;
  fields.is_async = line.TakeFlag("async");
  fields.bytes = static_cast<uint64_t>(line.TakeNumber("bytes", 4096));
  fields.value = line.TakeSmall("value", 0);
  fields.memory = MemoryCode(line.TakeText("memory").value_or("device"));
  line.Finish();
  const ScriptRun::Interval interval = run.Schedule(op);
  if (!run.gpu().session.IsEnabled(kMemset)) return;
  fields.time = run.StampsOf(op, interval);
  fields.place = op.place;
  fields.correlation = interval.correlation;
  fields.graph = op.graph;
  fields.graph_node = op.node;
  run.WriteGpu(FillRecord(run.personality(), fields), op, interval);
}

void GraphLaunch(ScriptRun& run, ScriptLine& line) {
  const std::string function = line.TakeText("api").value_or("cudaGraphLaunch");
  const int64_t nodes = line.TakeNumber("n", 0);
  const int64_t node_ns = line.TakeNumber("node-dur", 1000);
  const std::string name = line.TakeText("name").value_or("node");
  const uint32_t graph = line.TakeSmall("graph", 1);
  ApiCall call = TakeCall(run, line, function.c_str());
  if (call.callback_id == 0) throw ScriptError("no callback id known for " + function);
  line.Finish();
  run.Call(call);
  run.OpenGraph(graph);
  const uint32_t kind = run.gpu().session.KernelKind();
  for (int64_t node = 1; node <= nodes; ++node) {
    GpuOp op;
    op.place = run.place;
    op.duration_ns = node_ns;
    op.graph = graph;
    op.node = (uint64_t{graph} << 32) | static_cast<uint64_t>(node);
    const ScriptRun::Interval interval = run.Schedule(op);
    if (kind == 0) continue;
    KernelFields fields;
    fields.time = run.StampsOf(op, interval);
    fields.place = op.place;
    fields.correlation = interval.correlation;
    fields.name = run.gpu().Keep(name + std::to_string(node));
    fields.graph = graph;
    fields.graph_node = op.node;
    run.WriteGpu(KernelRecord(run.personality(), kind, fields), op, interval);
  }
}

void GraphEnd(ScriptRun& run, ScriptLine&) { run.CloseGraph(); }

void BurstOp(ScriptRun& run, ScriptLine& line) {
  const int64_t launches = ParseAmount(line.TakeWord("a number"));
  const uint32_t threads = line.TakeSmall("threads", 1);
  const int64_t duration_ns = line.TakeNumber("dur", 1000);
  const char* name = run.gpu().Keep(line.TakeText("name").value_or("burst"));
  line.Finish();
  if (threads <= 1) return Burst(run.gpu(), launches, name, duration_ns, run.place);
  for (uint32_t thread = 1; thread <= threads; ++thread) {
    AppThread(thread).Post([&gpu = run.gpu(), launches, name, duration_ns, place = run.place, thread] {
      Place own = place;
      own.stream = place.stream + thread;
      Burst(gpu, launches, name, duration_ns, own);
    });
  }
  for (uint32_t thread = 1; thread <= threads; ++thread) AppThread(thread).Drain();
}

void PlaceOp(ScriptRun& run, ScriptLine& line) { TakePlace(line, run.place); }

void Deliver(ScriptRun& run, ScriptLine& line) {
  constexpr std::string_view kWords[] = {"now", "worker", "flush"};
  run.delivery = static_cast<ScriptRun::Delivery>(CodeOf(kWords, line.TakeWord("a way"), "way to deliver"));
}

constexpr ScriptOp kOps[] = {{"kernel", Kernel}, {"memcpy", Memcpy},           {"peer", Peer},
                             {"memset", Memset}, {"graphlaunch", GraphLaunch}, {"graphend", GraphEnd},
                             {"burst", BurstOp}, {"place", PlaceOp},           {"deliver", Deliver}};

}  // namespace

std::span<const ScriptOp> GpuOps() { return kOps; }

uint8_t CopyDirection(std::string_view word) {
  constexpr std::string_view kWords[] = {"unknown", "htod", "dtoh", "htoa", "atoh", "atoa",
                                         "atod",    "dtoa", "dtod", "htoh", "ptop"};
  return CodeOf(kWords, word, "direction");
}

uint8_t MemoryCode(std::string_view word) {
  constexpr std::string_view kWords[] = {"unknown", "pageable", "pinned",        "device",
                                         "array",   "managed",  "device-static", "managed-static"};
  return CodeOf(kWords, word, "memory");
}

}  // namespace fakegpu
