// Plays a plan under one scripted clock: spans through the recorder, CUDA calls
// and GPU work through the fake libraries and the real back end, and writes
// the capture. What a report prints of it is then exact to the ns.
//
//   player FILE < plan, in an environment that finds the fakes
//
//   begin NAME [op|phase|special|copy]   end   at NS   in order, NS since the start
//   meta JSON                                  of the capture; before the first begin
//   gpu LINE                                   a script of its own (script.h), so that work names its call
// Names are single words. Exit 1 with a message when anything is not as it should be.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "../fakecupti.h"
#include "core/clock.h"
#include "core/gpu_attach.h"
#include "core/merge.h"
#include "core/names.h"
#include "core/recorder.h"
#include "core/thread_log.h"
#include "format/byte_sink.h"
#include "format/perfetto_writer.h"
#include "gpu/gpu_source_cupti.h"

namespace {

using namespace opscope;

// Not 0, which would mean no time at all to the back end.
constexpr int64_t kStartNs = 1'000'000'000;

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "player: %s\n", message.c_str());
  std::exit(1);
}
void Script(const std::string& line) {
  if (fakecupti_run_text(line.c_str()) != 0) Fail(line + ": " + fakecupti_error());
}
void GoTo(int64_t ns) { Script("clock " + std::to_string(kStartNs + ns)); }

Role RoleOf(const std::string& word) {
  if (word == "phase") return Role::kPhase;
  if (word == "special") return Role::kSpecial;
  if (word == "copy") return Role::kCopy;
  return Role::kOp;
}

struct Played {
  std::string meta_json = "{}";
  int64_t end_ns = 0;
};

Played Play(std::istream& plan) {
  Played played;
  std::vector<uint32_t> open;
  ThreadLog& log = Recorder::CurrentLog();
  for (std::string line; std::getline(plan, line);) {
    std::istringstream words(line);
    std::string verb, rest, role;
    words >> verb;
    if (verb == "at") {
      words >> played.end_ns;
      GoTo(played.end_ns);
    } else if (verb == "begin") {
      words >> rest >> role;
      open.push_back(Recorder::Get().names().Intern(rest, Category::kCpuOp, RoleOf(role), ""));
      log.Begin(open.back());
    } else if (verb == "end") {
      if (open.empty()) Fail("an end without a begin");
      log.End(open.back());
      open.pop_back();
    } else if (verb == "meta" || verb == "gpu") {
      std::getline(words >> std::ws, rest);
      if (verb == "gpu") Script(rest);
      if (verb == "meta") played.meta_json = rest;
    } else if (!verb.empty()) {
      Fail("no such verb: " + line);
    }
  }
  return played;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) Fail("usage: player FILE < plan");
  Recorder::Get();  // chooses a clock of its own
  ScriptClock(&fakecupti_host_ns);
  GoTo(0);
  const GpuState gpu = CuptiSource().Start({});
  if (!gpu.available) Fail("no GPU: " + gpu.reason + ", " + gpu.detail);
  const int session = Recorder::Get().StartSession({});
  const Played played = Play(std::cin);
  MergeInput input;
  if (!Recorder::Get().StopSession(session, &input).ok()) Fail("the session did not stop");
  const std::shared_ptr<Recording> recording = MergeLogs(input);
  recording->meta_json = played.meta_json;
  AttachGpu(CuptiSource().Stop(recording->origin_clock_ns, true, 10'000), recording.get());
  Recorder::Get().ReleaseSession(session);
  if (*fakecupti_violations() != '\0') Fail(fakecupti_violations());

  const int fd = open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) Fail(std::string("cannot write ") + arguments[1]);
  ByteSink sink(fd);
  std::vector<Warning> warnings;
  if (!WritePerfetto(*recording, &sink, &warnings).ok()) Fail("the capture was not written");
  close(fd);
}
