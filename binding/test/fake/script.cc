#include "script.h"

#include <algorithm>

#include "script_ops.h"

namespace fakegpu {
namespace {

const ScriptOp* FindOp(std::string_view name) {
  for (const std::span<const ScriptOp> group : {HostOps(), GpuOps(), WorldOps(), BufferOps()}) {
    for (const ScriptOp& op : group) {
      if (op.name == name) return &op;
    }
  }
  return nullptr;
}

void RunLine(ScriptRun& run, std::string_view text) {
  ScriptLine line(text);
  if (line.op().empty()) return;
  const ScriptOp* op = FindOp(line.op());
  if (op == nullptr) throw ScriptError("there is no op \"" + line.op() + "\"");
  if (op->name == "flush" || op->name == "complete") run.WriteLateCalls();
  if (op->name == "burst") {  // uses several threads itself
    op->run(run, line);
  } else {
    run.OnThread(op->run, line);
  }
  line.Finish();
}

}  // namespace

int RunScript(std::string_view text, std::string* error) {
  ScriptRun run;
  int number = 0;
  int bad_line = 0;
  while (!text.empty() && bad_line == 0) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    try {
      RunLine(run, text.substr(0, end));
    } catch (const ScriptError& e) {
      *error = "line " + std::to_string(number) + ": " + e.what();
      bad_line = number;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  run.Finish();
  return bad_line;
}

}  // namespace fakegpu
