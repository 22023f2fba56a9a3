// Threads that work for a span which they did not open: enter and exit, up to the captures.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "core/recorder.h"
#include "doctest.h"
#include "raw_rows_builder.h"
#include "recorder_probe.h"

using namespace opscope;
using namespace opscope::test;

namespace {

// "A B": the spans that a thread worked for, one a row of the table.
std::string Contexts(const Recording& r) {
  std::string text;
  for (size_t i = 0; i < r.contexts.size(); ++i) {
    const ContextRow& row = r.contexts[i];
    CHECK(row.start_ns < row.end_ns);
    CHECK(row.end_ns <= r.duration_ns);
    if (i > 0 && r.contexts[i - 1].thread == row.thread) CHECK(r.contexts[i - 1].end_ns <= row.start_ns);
    text += (text.empty() ? "" : " ") + NameOf(r, static_cast<size_t>(row.span));
  }
  return text;
}

// A span with an id that is open, but not on the stack.
uint64_t Request(const char* name) {
  return Recorder::CurrentLog().OpenSpan(Name(name, Category::kSection), 0, false);
}
void Work() {
  { Scope work("work"); }
}

}  // namespace

TEST_CASE("what begins on an empty stack belongs to the span that the thread works for") {
  const int session = Recorder::Get().StartSession({});
  const uint64_t a = Request("A"), b = Request("B");
  std::thread([&] {
    ThreadLog& log = Recorder::CurrentLog();
    CHECK(log.Enter(a));
    Work();
    {
      Scope outer("outer");
      CHECK(log.Enter(b));
      Work();  // inside a span of its own thread
      log.Exit();
    }
    CHECK(log.Enter(b));
    Work();
    CHECK(log.Enter(0));
    Work();
    log.Exit();
    log.Exit();
    log.Exit();
    Work();
    CHECK(!log.Enter(0));
    log.Exit();  // nothing is left to exit
    CHECK(log.control().contexts.load() == 0);
  }).join();
  const auto r = Stop(session);
  CHECK(Tree(*r) == "A!(work outer(work)) B!(work) work work");
  CHECK(Contexts(*r) == "A B A B B A");
}

TEST_CASE("spans of categories that are off pass on what the thread works for") {
  SessionOptions options;
  options.category_mask = ~(1u << static_cast<uint32_t>(Category::kUser));
  const int session = Recorder::Get().StartSession(options);
  const uint64_t a = Request("A");
  ThreadLog& log = Recorder::CurrentLog();
  const int wide = Recorder::Get().StartSession({});
  CHECK(log.Enter(a));
  const uint32_t hidden = Name("hidden", Category::kUser);
  log.Begin(hidden);
  Work();
  log.End(hidden);
  log.Exit();
  CHECK(Tree(*Stop(session)) == "A!(work)");
  CHECK(Tree(*Stop(wide)) == "hidden(work)");  // where A is not in the recording
  CHECK(log.control().contexts.load() == 0);
}

TEST_CASE("a thread that works for a span up to its end or the stop does so no longer") {
  const int session = Recorder::Get().StartSession({});
  const uint64_t a = Request("A");
  std::thread([&] { Recorder::CurrentLog().Enter(a); }).join();
  std::thread([&] { Work(); }).join();
  ThreadLog& log = Recorder::CurrentLog();
  CHECK(log.Enter(a));
  const auto r = Stop(session);
  log.Exit();
  CHECK(Contexts(*r) == "A A");
  CHECK(r->contexts[0].end_ns == r->duration_ns);  // of this thread, whose log is the older one
  CHECK(r->contexts[1].end_ns < r->spans.start_ns[1]);
}

TEST_CASE("what a thread works for stays balanced over pauses, resets and sessions in between") {
  Recorder& recorder = Recorder::Get();
  ThreadLog& log = Recorder::CurrentLog();
  const int session = recorder.StartSession({});
  const uint64_t a = Request("A"), b = Request("B");
  CHECK(log.Enter(a));
  Work();
  REQUIRE(recorder.PauseSession(session).ok());
  CHECK(log.Enter(b));  // not recorded, so A is not told any more either
  REQUIRE(recorder.ResumeSession(session).ok());
  Work();
  CHECK(log.Enter(a));
  Work();
  log.Exit();
  log.Exit();
  Work();
  log.Exit();
  CHECK(log.Enter(b));
  Work();
  const int late = recorder.StartSession({});
  Work();
  log.Exit();
  REQUIRE(recorder.PauseSession(session).ok());
  REQUIRE(recorder.PauseSession(late).ok());
  CHECK(!log.Enter(a));
  REQUIRE(recorder.ResumeSession(session).ok());
  CHECK(log.Enter(b));
  Work();
  log.Exit();
  const auto r = Stop(session);
  CHECK(Tree(*r) == "A!(work work) B!(work work work) work work");
  CHECK(Contexts(*r) == "A A B B");
  const auto rest = Stop(late);
  CHECK(Tree(*rest) == "work");
  CHECK(rest->contexts.empty());

  const int reset = recorder.StartSession({});
  const uint64_t c = Request("C");
  CHECK(log.Enter(c));
  REQUIRE(recorder.ResetSession(reset).ok());
  const uint64_t d = Request("D");
  CHECK(log.Enter(d));
  log.Exit();
  Work();
  log.Exit();
  const auto after = Stop(reset);
  CHECK(Tree(*after) == "D! work");
  CHECK(Contexts(*after) == "D");
}

TEST_CASE("what finds no room is nobody's, and no exit is lost") {
  ChunkPool pool(Chunk::kBytes);  // one chunk
  ThreadLog log(1, &pool, 0);
  log.control().gate.store(~0u);
  const uint32_t name = Name("n");
  CHECK(log.Enter(7));
  CHECK(log.Enter(8));
  for (int i = 0; i < 5000; ++i) {
    log.Begin(name);
    log.End(name);
  }
  CHECK(log.CurrentSpan() == 8);
  while (log.counts().dropped_details.load() == 0) CHECK(log.Enter(9));
  CHECK(log.CurrentSpan() == 0);
  log.ExitTo(0);
  CHECK(log.CurrentSpan() == 0);
  const Chunk* chunk = log.first.load();
  uint64_t enters = 0, exits = 0;
  for (uint32_t at = 0; at < chunk->used.load(); at += WordsOf(KindOf(chunk->words[at]))) {
    enters += KindOf(chunk->words[at]) == Kind::kEnter;
    exits += KindOf(chunk->words[at]) == Kind::kExit;
    CHECK(exits <= enters);
  }
  CHECK(enters > 2);
  CHECK(enters == exits);
  pool.Give(const_cast<Chunk*>(chunk));
}

TEST_CASE("what is entered deeper than is kept is nobody's") {
  const int session = Recorder::Get().StartSession({});
  ThreadLog& log = Recorder::CurrentLog();
  const uint64_t a = Request("A");
  for (uint32_t i = 0; i < ThreadLog::kMaxContexts - 1; ++i) CHECK(log.Enter(a));
  CHECK(log.CurrentSpan() == a);
  for (int i = 0; i < 3; ++i) {
    CHECK(log.Enter(a));
    CHECK(log.CurrentSpan() == 0);
    Work();
  }
  for (int i = 0; i < 3; ++i) log.Exit();
  Work();
  log.ExitTo(0);
  const auto r = Stop(session);
  CHECK(Tree(*r) == "A!(work) work work work");
  CHECK(CountOf(*r, "dropped-details") == 3);
}

TEST_CASE("the current span is the innermost with an id, on the stack or worked for") {
  const int session = Recorder::Get().StartSession({});
  std::thread([] {  // a log without live spans of others
    ThreadLog& log = Recorder::CurrentLog();
    const uint32_t op = Name("op");
    CHECK(log.CurrentSpan() == 0);
    const uint64_t outer = log.OpenSpan(op, 0, true);
    log.Begin(op);
    CHECK(log.CurrentSpan() == outer);
    log.End(op);
    log.LeaveSpan(outer);
    CHECK(log.CurrentSpan() == 0);
    log.BeginChild(op, outer);
    log.Begin(op);
    CHECK(log.CurrentSpan() == outer);
    log.End(op);
    log.End(op);
    CHECK(log.CurrentSpan() == 0);
    log.BeginChild(op, 0);
    CHECK(log.CurrentSpan() == 0);
    log.End(op);
    log.BeginChild(op, outer);
    log.EndSpan(outer, false);
    log.End(op);
    log.Begin(op);
    Request("another");
    CHECK(log.CurrentSpan() == 0);  // not what an earlier op was begun in
    log.Enter(outer);
    CHECK(log.CurrentSpan() == outer);
    log.Exit();
    log.End(op);
  })
      .join();
  Stop(session);
}

TEST_CASE("a thousand random threads agree with a list of what was open and worked for") {
  ThreadLog& log = Recorder::CurrentLog();
  uint64_t state = 7;
  const auto below = [&state](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  for (int seed = 0; seed < 1000; ++seed) {
    const int session = Recorder::Get().StartSession({});
    std::vector<std::string> expected;  // the parent of each span
    std::vector<std::string> open, contexts;
    uint64_t ids[3] = {Request("0"), Request("1"), 0};
    const char* names[3] = {"0", "1", ""};
    for (uint64_t steps = below(40); steps-- > 0;) {
      const uint64_t which = below(3);
      switch (below(4)) {
        case 0:
          expected.push_back(!open.empty() ? open.back() : contexts.empty() ? "" : contexts.back());
          open.push_back("op" + std::to_string(open.size()));
          log.Begin(Name(open.back().c_str()));
          break;
        case 1:
          if (open.empty()) break;
          log.End(Name(open.back().c_str()));
          open.pop_back();
          break;
        case 2:
          if (log.Enter(ids[which])) contexts.push_back(names[which]);
          break;
        case 3:
          log.Exit();
          if (!contexts.empty()) contexts.pop_back();
          break;
      }
    }
    CHECK(log.control().contexts.load() == contexts.size());
    for (; !open.empty(); open.pop_back()) log.End(Name(open.back().c_str()));
    log.ExitTo(0);
    for (const uint64_t id : {ids[0], ids[1]}) log.EndSpan(id, false);
    const auto r = Stop(session);
    REQUIRE(r->spans.size() == expected.size() + 2);
    for (size_t i = 0; i < expected.size(); ++i) {
      const int32_t parent = r->spans.parent[i + 2];
      CHECK((parent == kNoParent ? "" : NameOf(*r, static_cast<size_t>(parent))) == expected[i]);
    }
    Contexts(*r);
  }
}
