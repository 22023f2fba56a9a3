// The recorder and the merge together: what threads record is what captures hold.
#include "core/recorder.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "doctest.h"
#include "recorder_probe.h"

using namespace opscope;
using namespace opscope::test;

TEST_CASE("spans nest as they were begun and ended") {
  const int session = Recorder::Get().StartSession({});
  {
    Scope outer("outer");
    { Scope inner("inner"); }
    { Scope other("other"); }
  }
  { Scope next("next"); }
  const auto r = Stop(session);
  CHECK(Tree(*r) == "outer(inner other) next");
  CHECK(r->unfinished == 0);
  for (size_t row = 0; row < r->spans.size(); ++row) {
    CHECK(r->spans.start_ns[row] >= 0);
    CHECK(r->spans.start_ns[row] + r->spans.duration_ns[row] <= r->duration_ns);
  }
}

TEST_CASE("a span open at the stop is unfinished, and its late end disturbs nothing") {
  const int first = Recorder::Get().StartSession({});
  const uint32_t open = Name("open");
  Recorder::CurrentLog().Begin(open);
  { Scope inner("inner"); }
  const auto before = Stop(first);
  CHECK(Tree(*before) == "open!(inner)");
  CHECK(before->unfinished == 1);

  const int second = Recorder::Get().StartSession({});
  { Scope inside("inside"); }
  Recorder::CurrentLog().End(open);
  { Scope after("after"); }
  const auto r = Stop(second);
  CHECK(Tree(*r) == "inside after");
  CHECK(CountOf(*r, "unmatched-ends") == 0);
}

TEST_CASE("a span begun while nothing is recorded is not ended in the next session") {
  const uint32_t early = Name("early");
  Recorder::CurrentLog().Begin(early);
  const int session = Recorder::Get().StartSession({});
  { Scope inside("inside"); }
  Recorder::CurrentLog().End(early);
  const auto r = Stop(session);
  CHECK(Tree(*r) == "inside");
  CHECK(CountOf(*r, "unmatched-ends") == 1);
}

TEST_CASE("an end inside a pause belongs to its own begin, also when an op of the same name ran in between") {
  Recorder& recorder = Recorder::Get();
  const int session = recorder.StartSession({});
  const uint32_t name = Name("recursive");
  ThreadLog& log = Recorder::CurrentLog();
  log.Begin(name);
  REQUIRE(recorder.PauseSession(session).ok());
  log.Begin(name);  // not recorded
  log.End(name);
  REQUIRE(recorder.ResumeSession(session).ok());
  { Scope child("child"); }
  log.End(name);
  { Scope after("after"); }
  const auto r = Stop(session);
  CHECK(Tree(*r) == "recursive(child) after");
  CHECK(r->pauses.size() == 1);
}

TEST_CASE("a reset forgets what was, and keeps what follows in the right place") {
  Recorder& recorder = Recorder::Get();
  const int session = recorder.StartSession({});
  ThreadLog& log = Recorder::CurrentLog();
  const uint32_t outer = Name("outer");
  { Scope warm_up("warm up"); }
  log.Begin(outer);
  REQUIRE(recorder.ResetSession(session).ok());
  { Scope child("child"); }
  log.End(outer);
  { Scope after("after"); }
  CHECK(Tree(*Stop(session)) == "child after");
}

TEST_CASE("ends out of order close the right spans and are counted") {
  const int session = Recorder::Get().StartSession({});
  ThreadLog& log = Recorder::CurrentLog();
  const uint32_t a = Name("a"), b = Name("b");
  log.Begin(a);
  log.Begin(b);
  log.End(a);
  { Scope c("c"); }
  log.End(b);
  log.End(b);  // one too many
  { Scope d("d"); }
  const auto r = Stop(session);
  CHECK(Tree(*r) == "a(b(c)) d");
  CHECK(CountOf(*r, "disordered-ends") == 1);
  CHECK(CountOf(*r, "unmatched-ends") == 1);
  CHECK(r->spans.start_ns[0] + r->spans.duration_ns[0] <= r->spans.start_ns[2]);  // a ended before c began
}

TEST_CASE("a category that is off hides the span but not its children") {
  SessionOptions options;
  options.category_mask = 1u << static_cast<uint32_t>(Category::kCpuOp);
  const int session = Recorder::Get().StartSession(options);
  ThreadLog& log = Recorder::CurrentLog();
  const uint32_t hidden = Name("hidden", Category::kSection);
  {
    Scope outer("outer");
    log.Begin(hidden);
    { Scope inner("inner"); }
    log.End(hidden);
  }
  CHECK(Tree(*Stop(session)) == "outer(inner)");
}

TEST_CASE("each of two sessions sees its own window and categories") {
  Recorder& recorder = Recorder::Get();
  const int wide = recorder.StartSession({});
  { Scope before("before"); }
  SessionOptions options;
  options.category_mask = 1u << static_cast<uint32_t>(Category::kSection);
  const int narrow = recorder.StartSession(options);
  ThreadLog& log = Recorder::CurrentLog();
  {
    Scope op("op");
    const uint32_t part = Name("part", Category::kSection);
    log.Begin(part);
    log.End(part);
  }
  CHECK(Tree(*Stop(narrow)) == "part");
  { Scope after("after"); }
  CHECK(Tree(*Stop(wide)) == "before op(part) after");
}

TEST_CASE("a span with an id that was left is async, and may end on another thread") {
  const int session = Recorder::Get().StartSession({});
  ThreadLog& log = Recorder::CurrentLog();
  const uint64_t span = log.OpenSpan(Name("request", Category::kSection), 0, true);
  { Scope inside("inside"); }
  log.LeaveSpan(span);
  { Scope outside("outside"); }
  log.BeginChild(Name("later"), span);
  log.End(Name("later"));
  std::thread([span] { Recorder::CurrentLog().EndSpan(span, true); }).join();
  const auto r = Stop(session);
  CHECK(Tree(*r) == "request(inside later) outside");
  REQUIRE(r->asyncs.size() == 1);
  CHECK(r->spans.flags[0] == (kAsync | kError));
  CHECK(r->asyncs[0].return_ns <= r->spans.start_ns[2]);  // left before "outside"
  CHECK(r->spans.start_ns[0] + r->spans.duration_ns[0] >= r->spans.start_ns[3]);
  CHECK(r->unfinished == 0);
}

TEST_CASE("a root has no parent, whatever is open, unless one is given") {
  const int session = Recorder::Get().StartSession({});
  ThreadLog& log = Recorder::CurrentLog();
  const uint32_t name = Name("root", Category::kSection), other = Name("given", Category::kSection);
  {
    Scope outer("outer");
    const uint64_t root = log.OpenSpan(name, 0, true, false, true);
    { Scope inside("inside"); }
    log.LeaveSpan(root);
    { Scope after("after"); }
    log.EndSpan(log.OpenSpan(other, root, false, false, true), false);
    log.EndSpan(root, false);
  }
  CHECK(Tree(*Stop(session)) == "outer(after) root(inside given)");
}

TEST_CASE("a mark of a span belongs to it from any thread, and goes where its span is not kept") {
  Recorder& recorder = Recorder::Get();
  ThreadLog& log = Recorder::CurrentLog();
  const uint32_t mark = Name("mark"), span_name = Name("request", Category::kSection);
  SessionOptions options;
  options.category_mask = 1u << static_cast<uint32_t>(Category::kCpuOp);
  const int all = recorder.StartSession({});
  const int ops = recorder.StartSession(options);
  const uint64_t span = log.OpenSpan(span_name, 0, false);
  log.SpanMark(mark, span);
  log.Mark(mark);
  std::thread([mark, span] { Recorder::CurrentLog().SpanMark(mark, span); }).join();
  log.EndSpan(span, false);
  log.SpanMark(mark, span);
  const auto of_ops = Stop(ops);
  CHECK(of_ops->marks.size() == 1);
  const auto r = Stop(all);
  REQUIRE(r->marks.size() == 4);
  std::string spans;
  for (const MarkRow& row : r->marks)
    spans += std::to_string(row.thread) + ":" + std::to_string(row.span) + " ";
  CHECK(spans == "0:0 0:-1 0:0 1:0 ");
}

TEST_CASE("a mark of a past moment is kept if that was in the window") {
  const auto early = static_cast<int64_t>(MonotonicNs());
  const int session = Recorder::Get().StartSession({});
  ThreadLog& log = Recorder::CurrentLog();
  const auto inside = static_cast<int64_t>(MonotonicNs());
  const uint32_t mark = Name("mark");
  log.Mark(mark);
  log.TimedMark(mark, early);
  log.TimedMark(mark, inside);
  const auto r = Stop(session);
  REQUIRE(r->marks.size() == 2);
  CHECK(r->marks[0].at_ns == inside - r->origin_clock_ns);
  CHECK(r->marks[0].at_ns <= r->marks[1].at_ns);
}

TEST_CASE("a bracket is flagged, and one without a row tells when it was in flight") {
  Recorder& recorder = Recorder::Get();
  ThreadLog& log = Recorder::CurrentLog();
  const uint32_t name = Name("run"), other = Name("other", Category::kSection);
  SessionOptions options;
  options.category_mask = 1u << static_cast<uint32_t>(Category::kCpuOp);
  const int outer = recorder.StartSession({});
  const uint64_t before = log.OpenSpan(name, 0, true, true);
  const int session = recorder.StartSession(options);
  const uint64_t bracket = log.OpenSpan(name, 0, true, true);
  log.EndSpan(bracket, false);
  const uint64_t hidden = log.OpenSpan(other, 0, true, true);
  log.EndSpan(hidden, false);
  log.EndSpan(before, false);
  const auto now = static_cast<int64_t>(MonotonicNs());
  CHECK(log.TimedSpan(name, now - 5, now, 0, false, true) != 0);
  const uint64_t open = log.OpenSpan(other, 0, true, true);
  const auto r = Stop(session);
  REQUIRE(r->spans.size() == 2);
  CHECK(r->spans.flags[0] == kBracket);
  CHECK(r->spans.flags[1] == (kBracket | kTimed));
  REQUIRE(r->unseen_brackets.size() == 3);
  const int64_t begun = r->spans.start_ns[0], ended = begun + r->spans.duration_ns[0];
  CHECK(r->unseen_brackets[0].start_ns == 0);  // begun before the window
  CHECK(r->unseen_brackets[1].start_ns >= ended);
  CHECK(r->unseen_brackets[1].end_ns <= r->unseen_brackets[0].end_ns);
  CHECK(r->unseen_brackets[2].start_ns >= r->unseen_brackets[0].end_ns);
  CHECK(r->unseen_brackets[2].end_ns == r->duration_ns);  // open at the stop
  CHECK(Stop(outer)->spans.size() == 5);
  log.EndSpan(open, false);
}

TEST_CASE("a bracket that began unrecorded counts as in flight up to its end, a pause, or the stop") {
  Recorder& recorder = Recorder::Get();
  ThreadLog& log = Recorder::CurrentLog();
  log.control().unseen_brackets = 1;
  const int session = recorder.StartSession({});
  { Scope before("before"); }
  log.EndUnseenBracket();
  REQUIRE(recorder.PauseSession(session).ok());
  log.EndUnseenBracket();  // in a pause: not recorded
  log.control().unseen_brackets = 0;
  REQUIRE(recorder.ResumeSession(session).ok());
  const auto r = Stop(session);
  REQUIRE(r->unseen_brackets.size() == 2);
  const BracketRow &until_end = r->unseen_brackets[0], &until_pause = r->unseen_brackets[1];
  CHECK(std::max(until_end.start_ns, until_pause.start_ns) == 0);
  CHECK(std::min(until_end.end_ns, until_pause.end_ns) >= r->spans.start_ns[0] + r->spans.duration_ns[0]);
  CHECK(std::max(until_end.end_ns, until_pause.end_ns) == r->pauses[0].start_ns);

  log.control().unseen_brackets = 1;
  const auto open = Stop(recorder.StartSession({}));
  log.control().unseen_brackets = 0;
  REQUIRE(open->unseen_brackets.size() == 1);
  CHECK(open->unseen_brackets[0].end_ns == open->duration_ns);
  CHECK(Stop(recorder.StartSession({}))->unseen_brackets.empty());
}

TEST_CASE("attributes, links, marks, counters and timed spans find their rows") {
  const int session = Recorder::Get().StartSession({});
  ThreadLog& log = Recorder::CurrentLog();
  const uint32_t key = Recorder::Get().names().Intern("batch", Category::kUser, Role::kOp, {});
  const uint64_t span = log.OpenSpan(Name("run", Category::kSection), 0, true);
  log.Attribute(span, key, AttributeType::kInt, 8);
  log.TextAttribute(span, key, "eight bytes and more");
  log.Link(span, 1, 2, 3);
  log.Mark(Name("moment", Category::kUser));
  log.Counter(Name("queue", Category::kUser), 2.5);
  const auto now = static_cast<int64_t>(MonotonicNs());
  const uint64_t node = log.TimedSpan(Name("node"), now - 500, now, span, false);
  CHECK(log.TimedSpan(Name("kernel"), now - 400, now - 100, node, false) != 0);
  log.EndSpan(span, false);
  const auto r = Stop(session);
  CHECK(Tree(*r) == "run(node(kernel))");
  REQUIRE(r->attributes.size() == 2);
  CHECK(r->strings[r->attributes[0].key] == "batch");
  CHECK(r->attributes[0].integer == 8);
  CHECK(r->strings[static_cast<size_t>(r->attributes[1].integer)] == "eight bytes and more");
  REQUIRE(r->links.size() == 1);
  CHECK(r->links[0].span_id == 3);
  REQUIRE(r->marks.size() == 1);
  CHECK(r->marks[0].span == 0);
  REQUIRE(r->counters.size() == 1);
  CHECK(r->counters[0].value == 2.5);
  CHECK(r->spans.flags[1] == kTimed);
  CHECK(r->spans.duration_ns[1] == 500);
}

TEST_CASE("when memory is out, whole spans are dropped and counted, and no open one loses its end") {
  ChunkPool pool(Chunk::kBytes);  // one chunk
  ThreadLog log(1, &pool, 0);
  log.control().gate.store(~0u);
  const uint32_t name = Name("n");
  uint64_t tokens = 0;
  for (int depth = 0; depth < 100; ++depth) tokens += log.Begin(name);
  for (int i = 0; i < 5000; ++i) {
    tokens += log.Begin(name);
    log.End(name);
  }
  for (int depth = 0; depth < 100; ++depth) log.End(name);
  CHECK(tokens == 5100);
  const Chunk* chunk = log.first.load();
  uint64_t begins = 0, ends = 0;
  for (uint32_t at = 0; at < chunk->used.load(); at += WordsOf(KindOf(chunk->words[at]))) {
    begins += KindOf(chunk->words[at]) == Kind::kBegin;
    ends += KindOf(chunk->words[at]) == Kind::kEnd;
  }
  CHECK(begins == ends);
  CHECK(begins + log.counts().dropped_spans.load() == tokens);
  CHECK(log.counts().unmatched_ends.load() == 0);
  pool.Give(const_cast<Chunk*>(chunk));
}

TEST_CASE("spans deeper than the stack are dropped and counted, and the stack is whole again after") {
  const int session = Recorder::Get().StartSession({});
  ThreadLog& log = Recorder::CurrentLog();
  const uint32_t name = Name("deep");
  for (uint32_t i = 0; i < ThreadLog::kMaxDepth + 10; ++i) log.Begin(name);
  for (uint32_t i = 0; i < ThreadLog::kMaxDepth + 10; ++i) log.End(name);
  { Scope after("after"); }
  const auto r = Stop(session);
  CHECK(r->spans.size() == ThreadLog::kMaxDepth + 1);
  CHECK(r->dropped == 10);
  CHECK(r->spans.parent[r->spans.size() - 1] == kNoParent);
}

TEST_CASE("a thread that ended before the stop is in the capture, and its memory comes back") {
  const size_t used = Recorder::Get().pool().used_bytes();
  const int session = Recorder::Get().StartSession({});
  std::thread([] { Scope op("in a thread"); }).join();
  const auto r = Stop(session);
  CHECK(Tree(*r) == "in a thread");
  CHECK(Recorder::Get().pool().used_bytes() <= used);
}

TEST_CASE(
    "threads that record while sessions start and stop: every begin that saw an open gate is accounted for") {
  // Catches a record published after its session had read the logs.
  constexpr int kThreads = 4;
  constexpr int kSessions = 40;
  std::atomic<uint64_t> tokens{0};
  std::atomic<bool> is_done{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      ThreadLog& log = Recorder::CurrentLog();
      const uint32_t outer = Name("outer"), inner = Name("inner");
      uint64_t mine = 0;
      while (!is_done.load(std::memory_order_relaxed)) {
        mine += log.Begin(outer);
        mine += log.Begin(inner);
        log.End(inner);
        log.End(outer);
      }
      tokens += mine;
    });
  }
  uint64_t rows = 0, dropped = 0;
  for (int i = 0; i < kSessions; ++i) {
    const int session = Recorder::Get().StartSession({});
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    const auto r = Stop(session);
    rows += r->spans.size();
    dropped += r->dropped;
  }
  is_done = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(rows > 0);
  CHECK(rows + dropped == tokens.load());
}

TEST_CASE("names are made storable and told apart by category, role and instance") {
  NameTable names;
  CHECK(names.Intern("a", Category::kUser, Role::kOp, {}) ==
        names.Intern("a", Category::kUser, Role::kOp, {}));
  CHECK(names.Intern("a", Category::kUser, Role::kOp, {}) !=
        names.Intern("a", Category::kCpuOp, Role::kOp, {}));
  CHECK(names.Intern("a", Category::kUser, Role::kInstance, "x") !=
        names.Intern("a", Category::kUser, Role::kInstance, "y"));
  const auto text_of = [&](std::string_view given) {
    const uint32_t id = names.Intern(given, Category::kUser, Role::kOp, {});
    return names.Entries()[id & kNameIndexMask].text;
  };
  CHECK(text_of("") == "(unnamed)");
  CHECK(text_of("bad \xFF\xC0 bytes") == "bad \xEF\xBF\xBD\xEF\xBF\xBD bytes");
  CHECK(text_of("surrogate \xED\xA0\x80") == "surrogate \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  const std::string huge(5000, 'x');
  CHECK(text_of(huge).size() <= NameTable::kMaxNameBytes);
  CHECK(text_of(huge).substr(text_of(huge).size() - 3) == "\xE2\x80\xA6");
  CHECK(text_of(std::string(NameTable::kMaxNameBytes, 'y')) == std::string(NameTable::kMaxNameBytes, 'y'));
  CHECK(names.changed_count() == 4);
}
