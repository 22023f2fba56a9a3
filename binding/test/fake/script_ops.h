// The ops of the script language, by group; script.cc finds them by name.
#pragma once

#include <span>
#include <string_view>

#include "script_run.h"

namespace fakegpu {

struct ScriptOp {
  std::string_view name;
  void (*run)(ScriptRun&, ScriptLine&);
};
std::span<const ScriptOp> HostOps();
std::span<const ScriptOp> GpuOps();
std::span<const ScriptOp> WorldOps();
std::span<const ScriptOp> BufferOps();

// Shared by groups: words of the language to CUPTI's numbers; they throw.
uint8_t CopyDirection(std::string_view word);
uint8_t MemoryCode(std::string_view word);
ApiCall TakeCall(ScriptRun& run, ScriptLine& line, const char* function);
void TakePlace(ScriptLine& line, Place& place);
// N launches, each with a kernel, without parsing anything.
void Burst(FakeGpu& gpu, int64_t launches, const char* name, int64_t duration_ns, const Place& place);

}  // namespace fakegpu
