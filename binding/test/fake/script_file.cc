#include "script_file.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "fake_gpu.h"
#include "script.h"

namespace fakegpu {
namespace {

Worker& ScriptThread() {
  static Worker& thread = *new Worker("fake-script");
  return thread;
}

}  // namespace

void StartScriptFile() {
  const char* path = std::getenv("FAKECUPTI_SCRIPT");
  if (path == nullptr || *path == '\0') return;
  Journal& journal = FakeGpu::Get().journal;
  std::ifstream file(path);
  if (!file) return journal.Violation(std::string("cannot read the script ") + path);
  std::ostringstream text;
  text << file.rdbuf();
  ScriptThread().Post([&journal, text = text.str()] {
    std::string error;
    if (RunScript(text, &error) != 0) journal.Violation("script " + error);
  });
}

void AwaitScriptFile() { ScriptThread().Drain(); }

}  // namespace fakegpu
