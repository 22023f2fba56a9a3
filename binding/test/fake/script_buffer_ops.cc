// Buffers, losses and oddities.
#include "script_ops.h"

namespace fakegpu {
namespace {

int64_t TakeCount(ScriptLine& line) { return ParseAmount(line.TakeWord("a number")); }

void Flush(ScriptRun& run, ScriptLine& line) { run.gpu().Flush(line.TakeFlag("forced")); }

void Complete(ScriptRun& run, ScriptLine& line) { run.gpu().desk.CompleteCaller(line.TakeFlag("worker")); }

void Limit(ScriptRun& run, ScriptLine& line) {
  run.gpu().desk.SetByteLimit(static_cast<size_t>(TakeCount(line)));
}

void FullOn(ScriptRun& run, ScriptLine& line) {
  const std::string word = line.TakeWord("worker or caller");
  if (word != "worker" && word != "caller") throw ScriptError("fullon knows worker and caller");
  run.gpu().desk.SetCompletesOnWorker(word == "worker");
}

void Drop(ScriptRun& run, ScriptLine& line) {
  const int64_t count = TakeCount(line);
  const auto context = line.TakeNumber("ctx");
  const void* handle = context ? run.gpu().world.HandleOf(static_cast<uint32_t>(*context)) : nullptr;
  if (context && handle == nullptr) throw ScriptError("no such context");
  run.gpu().desk.AddDrops(handle, static_cast<uint64_t>(count));
}

void Garbage(ScriptRun& run, ScriptLine& line) {
  run.gpu().desk.WriteGarbage(static_cast<size_t>(TakeCount(line)));
  run.gpu().desk.CompleteCaller(true);
}

void Unknown(ScriptRun& run, ScriptLine& line) {
  const auto kind = static_cast<uint32_t>(TakeCount(line));
  const int64_t size = TakeCount(line);
  if (size < 8 || size > 512 || size % 8 != 0) throw ScriptError("a record has 8 to 512 bytes, in eights");
  run.WriteHost(Record(kind, static_cast<uint16_t>(size)));
}

void Duplicate(ScriptRun& run, ScriptLine&) { run.gpu().desk.Duplicate(); }
void Quiet(ScriptRun& run, ScriptLine&) { run.BeQuiet(); }
void Reorder(ScriptRun& run, ScriptLine&) { run.reorder_next = true; }
void LateApi(ScriptRun& run, ScriptLine&) { run.late_next = true; }
void Wrap(ScriptRun& run, ScriptLine&) { run.gpu().JumpBeforeWrap(); }

// For the next buffer that is completed; the worker must not have one in hand.
void Set(ScriptRun& run, const BufferOddities& oddities) {
  run.gpu().worker.Drain();
  run.gpu().desk.SetOddities(oddities);
}
void Truncate(ScriptRun& run, ScriptLine& line) {
  BufferOddities oddities;
  oddities.truncate_bytes = static_cast<uint32_t>(TakeCount(line));
  Set(run, oddities);
}
void CompleteTwice(ScriptRun& run, ScriptLine&) {
  BufferOddities oddities;
  oddities.complete_twice = true;
  Set(run, oddities);
}
void CompleteAfterDisable(ScriptRun& run, ScriptLine&) {
  BufferOddities oddities;
  oddities.hold_until_disable = true;
  Set(run, oddities);
}
void CallbackDuringUnsubscribe(ScriptRun& run, ScriptLine&) {
  BufferOddities oddities;
  oddities.hold_until_unsubscribe = true;
  Set(run, oddities);
}

constexpr ScriptOp kOps[] = {{"flush", Flush},
                             {"quiet", Quiet},
                             {"complete", Complete},
                             {"limit", Limit},
                             {"fullon", FullOn},
                             {"drop", Drop},
                             {"garbage", Garbage},
                             {"unknown", Unknown},
                             {"duplicate", Duplicate},
                             {"reorder", Reorder},
                             {"lateapi", LateApi},
                             {"wrap", Wrap},
                             {"truncate", Truncate},
                             {"completeTwice", CompleteTwice},
                             {"completeAfterDisable", CompleteAfterDisable},
                             {"callbackDuringUnsubscribe", CallbackDuringUnsubscribe}};

}  // namespace

std::span<const ScriptOp> BufferOps() { return kOps; }

}  // namespace fakegpu
