// Windows whose beginning moves, and what is merged of sessions that go on.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "core/ended_spans.h"
#include "core/merge.h"
#include "core/recorder.h"
#include "core/slow_spans.h"
#include "doctest.h"
#include "recorder_probe.h"

using namespace opscope;
using namespace opscope::test;

namespace {

constexpr uint64_t kMs = 1'000'000;

void SleepMs(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

std::shared_ptr<Recording> Snapshot(int session) {
  MergeInput input;
  REQUIRE(Recorder::Get().TakeSnapshot(session, &input).ok());
  auto recording = MergeLogs(input);
  Recorder::Get().ReleaseSnapshot(session, input.session.start_ticks);
  return recording;
}

// Begins within the batch's window.
size_t BeginsIn(const StreamBatch& batch) {
  size_t begins = 0;
  for (const StreamBatch::Log& log : batch.logs) {
    for (const LogPiece& piece : log.pieces) {
      const uint64_t* const end = piece.words + piece.count;
      for (const uint64_t* record = piece.words; record < end; record += RecordWords(record)) {
        const uint64_t ticks = TicksOf(record[0]);
        begins += KindOf(record[0]) == Kind::kBegin && ticks >= batch.session.start_ticks &&
                  ticks <= batch.session.stop_ticks;
      }
    }
  }
  return begins;
}

}  // namespace

TEST_CASE("a snapshot is the recording so far, and the session goes on") {
  const int session = Recorder::Get().StartSession({});
  Scope outer("outer");
  { Scope first("first"); }
  const auto snapshot = Snapshot(session);
  CHECK(Tree(*snapshot) == "outer!(first)");
  { Scope second("second"); }
  CHECK(Tree(*Stop(session)) == "outer!(first second)");
}

TEST_CASE("a moving window keeps what began within its length, and its start is a moment of the wall clock") {
  SessionOptions options;
  options.is_moving = true;
  options.keep_ns = 40 * kMs;
  const int session = Recorder::Get().StartSession(options);
  { Scope old("old"); }
  SleepMs(60);
  { Scope recent("recent"); }
  const auto snapshot = Snapshot(session);
  CHECK(Tree(*snapshot) == "recent");
  CHECK(snapshot->duration_ns <= static_cast<int64_t>(40 * kMs + 1000));
  CHECK(snapshot->duration_ns >= static_cast<int64_t>(39 * kMs));
  const auto stopped = Stop(session);
  CHECK(Tree(*stopped) == "recent");
  // Both tell the same moment of the span.
  const int64_t before = snapshot->origin_epoch_ns + snapshot->spans.start_ns[0];
  const int64_t after = stopped->origin_epoch_ns + stopped->spans.start_ns[0];
  CHECK(std::abs(before - after) < 1000);
  CHECK(CountOf(*stopped, "window-shortened") == 0);
}

TEST_CASE("a moving window gives old memory back while it goes on") {
  SessionOptions options;
  options.is_moving = true;
  options.keep_ns = kMs;
  const int session = Recorder::Get().StartSession(options);
  const size_t before = Recorder::Get().pool().used_bytes();
  for (int i = 0; i < 100'000; ++i) Scope op("forgotten");  // 37 chunks
  // The control thread looks every second.
  for (int i = 0; i < 300 && Recorder::Get().pool().used_bytes() > before + 2 * Chunk::kBytes; ++i)
    SleepMs(10);
  CHECK(Recorder::Get().pool().used_bytes() <= before + 2 * Chunk::kBytes);
  Stop(session);
}

TEST_CASE("what a snapshot needs stays until it is released") {
  SessionOptions options;
  options.is_moving = true;
  options.keep_ns = 40 * kMs;
  const int session = Recorder::Get().StartSession(options);
  for (int i = 0; i < 10'000; ++i) Scope op("pinned");
  const size_t used = Recorder::Get().pool().used_bytes();
  MergeInput input;
  REQUIRE(Recorder::Get().TakeSnapshot(session, &input).ok());
  SleepMs(60);
  // It lies before the window of a second one, whose release gives back what it can.
  CHECK(Snapshot(session)->spans.size() == 0);
  CHECK(Recorder::Get().pool().used_bytes() == used);
  CHECK(MergeLogs(input)->spans.size() > 0);
  // A stop in between waits for it too.
  MergeInput last;
  REQUIRE(Recorder::Get().StopSession(session, &last).ok());
  Recorder::Get().ReleaseSession(session);
  CHECK(Recorder::Get().session_count() == 1);
  Recorder::Get().ReleaseSnapshot(session, input.session.start_ticks);
  CHECK(Recorder::Get().session_count() == 0);
}

TEST_CASE("a stream that is cut goes on without losing or doubling a begin") {
  SessionOptions options;
  options.is_streamed = true;
  const int session = Recorder::Get().StartSession(options);
  constexpr size_t kSpans = 200'000;
  std::thread worker([] {
    for (size_t i = 0; i < kSpans; ++i) Scope op("cut");
  });
  size_t begins = 0;
  uint64_t last_stop = 0;
  StreamBatch batch;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(Recorder::Get().TakeStream(session, &batch).ok());
    // No moment is in two windows.
    CHECK(batch.session.start_ticks > last_stop);
    begins += BeginsIn(batch);
    Recorder::Get().ReleaseStream(session, batch);
    REQUIRE(Recorder::Get().CutStream(session, &batch).ok());
    last_stop = batch.session.stop_ticks;
    begins += BeginsIn(batch);
    Recorder::Get().ReleaseSnapshot(session, batch.session.start_ticks);
  }
  worker.join();
  do {
    REQUIRE(Recorder::Get().TakeStream(session, &batch).ok());
    begins += BeginsIn(batch);
    Recorder::Get().ReleaseStream(session, batch);
  } while (batch.has_more);
  CHECK(begins == kSpans);
  Stop(session);
}

TEST_CASE("a cut takes all that came before it, more than a batch holds too") {
  SessionOptions options;
  options.is_streamed = true;
  const int session = Recorder::Get().StartSession(options);
  constexpr size_t kSpans = 1'200'000;
  for (size_t i = 0; i < kSpans; ++i) Scope op("cut");
  StreamBatch batch;
  REQUIRE(Recorder::Get().TakeStream(session, &batch).ok());
  CHECK(batch.has_more);  // else there are too few of them to tell
  const size_t begins = BeginsIn(batch);
  Recorder::Get().ReleaseStream(session, batch);
  REQUIRE(Recorder::Get().CutStream(session, &batch).ok());
  CHECK(begins + BeginsIn(batch) == kSpans);
  Recorder::Get().ReleaseSnapshot(session, batch.session.start_ticks);
  Stop(session);
}

TEST_CASE("slow spans are noticed once, ended or not, sync or async, and ops are not looked at") {
  SessionOptions options;
  options.is_streamed = true;
  const int session = Recorder::Get().StartSession(options);
  SlowSpans slow(static_cast<int64_t>(20 * kMs));
  const auto look = [&] {
    StreamBatch batch;
    REQUIRE(Recorder::Get().TakeStream(session, &batch).ok());
    slow.Add(batch, {});
    Recorder::Get().ReleaseStream(session, batch);
    return slow.Take();
  };
  ThreadLog& log = Recorder::CurrentLog();
  CHECK_FALSE(look());
  log.Begin(Name("op", Category::kCpuOp));
  log.Begin(Name("section", Category::kSection));
  SleepMs(25);
  log.End(Name("section", Category::kSection));
  log.End(Name("op", Category::kCpuOp));
  auto found = look();
  REQUIRE(found);
  CHECK(found->name == "section");
  CHECK(found->duration_ns >= static_cast<int64_t>(25 * kMs));
  CHECK_FALSE(look());

  const uint64_t hangs = log.OpenSpan(Name("request", Category::kRequest), 0, false);
  const uint64_t quick = log.OpenSpan(Name("quick", Category::kRequest), 0, false);
  log.EndSpan(quick, false);
  CHECK_FALSE(look());
  SleepMs(25);
  found = look();
  REQUIRE(found);
  CHECK(found->name == "request");
  log.EndSpan(hangs, false);
  CHECK_FALSE(look());
  Stop(session);
}

TEST_CASE(
    "spans are added up when they end, however long they were open, and requests inside of requests apart") {
  SessionOptions options;
  options.is_streamed = true;
  options.is_moving = true;
  options.keep_ns = 1;
  ThreadLog& log = Recorder::CurrentLog();
  const uint64_t before = log.OpenSpan(Name("before", Category::kRequest), 0, false);
  const int session = Recorder::Get().StartSession(options);
  EndedSpans ended;
  const auto look = [&] {
    StreamBatch batch;
    REQUIRE(Recorder::Get().TakeStream(session, &batch).ok());
    ended.Add(batch, {});
    Recorder::Get().ReleaseStream(session, batch);
    return ended.Take();
  };
  const auto find = [](const std::vector<EndedGroup>& groups, const std::string& name, bool is_inner) {
    const auto at = std::find_if(groups.begin(), groups.end(), [&](const EndedGroup& group) {
      return group.name == name && group.is_inner == is_inner;
    });
    REQUIRE(at != groups.end());
    return *at;
  };

  const uint64_t request = log.OpenSpan(Name("request", Category::kRequest), 0, false);
  log.Begin(Name("op", Category::kCpuOp));
  log.End(Name("op", Category::kCpuOp));
  const uint64_t stage = log.OpenSpan(Name("stage", Category::kRequest), request, false);
  const uint64_t section = log.OpenSpan(Name("section", Category::kSection), stage, false);
  const uint64_t deep = log.OpenSpan(Name("deep", Category::kRequest), section, false);
  SleepMs(5);
  log.EndSpan(deep, false);
  log.EndSpan(section, false);
  log.EndSpan(stage, true);
  std::vector<EndedGroup> groups = look();
  CHECK(groups.size() == 4);
  const EndedGroup open = find(groups, "request", false);
  CHECK(open.calls == 0);
  CHECK(open.open == 1);
  CHECK(open.oldest_ns >= static_cast<int64_t>(5 * kMs));
  CHECK(find(groups, "stage", true).calls == 1);
  CHECK(find(groups, "deep", true).durations_ns.size() == 1);
  CHECK(find(groups, "section", true).category == Category::kSection);

  // It began two looks ago, before all that the window keeps.
  CHECK(look().size() == 1);
  log.EndSpan(request, false);
  log.EndSpan(before, false);
  groups = look();
  CHECK(groups.size() == 1);
  const EndedGroup done = find(groups, "request", false);
  CHECK(done.calls == 1);
  CHECK(done.open == 0);
  CHECK(done.max_ns >= static_cast<int64_t>(5 * kMs));
  CHECK(done.total_ns == done.max_ns);
  CHECK(look().empty());
  Stop(session);
}

TEST_CASE("what ended is kept in bounded memory, and counted beyond") {
  SessionOptions options;
  options.is_streamed = true;
  const int session = Recorder::Get().StartSession(options);
  EndedSpans ended;
  ThreadLog& log = Recorder::CurrentLog();
  constexpr size_t kSpans = 70'000;
  for (size_t i = 0; i < kSpans; ++i) {
    log.Begin(Name("section", Category::kSection));
    log.End(Name("section", Category::kSection));
  }
  StreamBatch batch;
  do {
    REQUIRE(Recorder::Get().TakeStream(session, &batch).ok());
    ended.Add(batch, {});
    Recorder::Get().ReleaseStream(session, batch);
  } while (batch.has_more);
  const std::vector<EndedGroup> groups = ended.Take();
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].calls == kSpans);
  CHECK(groups[0].durations_ns.size() == 65'536);
  Stop(session);
}
