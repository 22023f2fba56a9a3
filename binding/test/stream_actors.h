// Threads that record whatever can be recorded, and a session's file to which it goes.
#pragma once

#include <fcntl.h>

#include <barrier>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/recorder.h"
#include "core/stream_sink.h"
#include "doctest.h"
#include "recorder_probe.h"
#include "temporary_path.h"

namespace opscope::test {

constexpr char kMetaJson[] = "{\"state\":\"CPU\"}";

// The stream of one session, flushed by hand.
template <typename Sink>
class Stream {
 public:
  explicit Stream(int session) : session_(session) {
    const int fd = ::open(file_.path().c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    sink_ = std::make_unique<Sink>(fd, kMetaJson);
  }
  void Flush() {
    StreamBatch batch;
    do {
      REQUIRE(Recorder::Get().TakeStream(session_, &batch).ok());
      sink_->Add(batch, {});
      Recorder::Get().ReleaseStream(session_, batch);
      const Status status = sink_->Flush();
      REQUIRE_MESSAGE(status.ok(), status.detail);
    } while (batch.has_more);
  }
  const TemporaryFile& file() const noexcept { return file_; }

 private:
  const int session_;
  TemporaryFile file_;
  std::unique_ptr<Sink> sink_;
};

inline SessionOptions Streamed() {
  SessionOptions options;
  options.is_streamed = true;
  return options;
}

// What any thread may do, in any order, right or wrong. A tidy one ends its ops in order.
class Actor {
 public:
  Actor(uint64_t seed, std::vector<uint64_t>* shared, bool is_tidy)
      : random_(seed), shared_(*shared), is_tidy_(is_tidy) {}

  void Act(int count) {
    for (int i = 0; i < count; ++i) ActOnce();
  }

 private:
  uint64_t Pick(uint64_t count) { return random_() % count; }
  uint32_t AnyName() {
    static constexpr const char* kTexts[] = {"conv", "gemm", "request \"ä\"", "relu"};
    static constexpr Category kCategories[] = {Category::kCpuOp, Category::kSection, Category::kUser};
    return Name(kTexts[Pick(4)], kCategories[Pick(3)]);
  }
  uint64_t AnySpan() {
    if (Pick(4) == 0 && !shared_.empty()) return shared_[Pick(shared_.size())];
    return spans_.empty() ? 0 : spans_[Pick(spans_.size())];
  }
  void ActOnce() {
    ThreadLog& log = Recorder::CurrentLog();
    switch (Pick(16)) {
      case 0:
      case 1:
      case 2:
        open_.push_back(AnyName());
        log.Begin(open_.back());
        break;
      case 3:
      case 4:
      case 5:
        if (open_.empty()) break;
        // Now and then not the innermost.
        if (!is_tidy_ && Pick(8) == 0) std::swap(open_[Pick(open_.size())], open_.back());
        for (; is_tidy_ && !pushed_.empty() && pushed_.back().second == open_.size(); pushed_.pop_back())
          log.LeaveSpan(pushed_.back().first);
        log.End(open_.back());
        open_.pop_back();
        break;
      case 6:
        open_.push_back(AnyName());
        log.BeginChild(open_.back(), AnySpan());
        break;
      case 7: {
        const bool is_pushed = Pick(2) == 0;
        const uint64_t id =
            log.OpenSpan(AnyName(), Pick(2) == 0 ? AnySpan() : 0, is_pushed, Pick(4) == 0, Pick(4) == 0);
        if (id != 0) spans_.push_back(id);
        if (id != 0 && is_pushed) pushed_.emplace_back(id, open_.size());
        break;
      }
      case 8:
        if (const uint64_t id = AnySpan()) log.LeaveSpan(id);
        break;
      case 9:
        if (spans_.empty()) break;
        log.EndSpan(spans_.back(), Pick(3) == 0);
        spans_.pop_back();
        break;
      case 10:
        log.TimedSpan(AnyName(), static_cast<int64_t>(MonotonicNs()) - 5000,
                      static_cast<int64_t>(MonotonicNs()), AnySpan(), Pick(2) == 0);
        break;
      case 11:
        log.Attribute(AnySpan(), Name("batch"), AttributeType::kInt, Pick(100));
        log.TextAttribute(AnySpan(), Name("model"), Pick(2) == 0 ? "resnet50 – v2" : "");
        break;
      case 12:
        if (const uint64_t id = AnySpan()) log.Link(id, 1, 2, 3);
        if (const uint64_t id = AnySpan()) log.TraceId(id, 0xABCDEF, 7, Pick(2) == 0 ? 0 : 99);
        break;
      case 13:
        log.Mark(AnyName());
        if (const uint64_t id = AnySpan()) log.SpanMark(AnyName(), id);
        log.Counter(AnyName(), static_cast<double>(Pick(1000)) / 7);
        break;
      case 14:
        log.Enter(AnySpan());
        break;
      case 15:
        if (log.control().contexts.load() != 0) log.Exit();
        break;
    }
  }

  std::mt19937_64 random_;
  std::vector<uint64_t>& shared_;
  const bool is_tidy_;
  std::vector<uint32_t> open_;
  std::vector<uint64_t> spans_;
  std::vector<std::pair<uint64_t, size_t>> pushed_;  // with how many ops are below
};

// Threads act in rounds; between two rounds nobody acts and `between` is called.
inline void Play(uint64_t seed, int thread_count, int rounds, const std::function<void(int)>& between,
                 bool is_tidy = false) {
  std::vector<uint64_t> shared;
  {
    const uint64_t id = Recorder::CurrentLog().OpenSpan(Name("shared", Category::kSection), 0, false);
    if (id != 0) shared.push_back(id);
  }
  std::barrier acted(thread_count + 1), go(thread_count + 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      Actor actor(seed * 100 + static_cast<uint64_t>(t), &shared, is_tidy);
      for (int round = 0; round < rounds; ++round) {
        actor.Act(40);
        acted.arrive_and_wait();
        go.arrive_and_wait();
      }
    });
  }
  for (int round = 0; round < rounds; ++round) {
    acted.arrive_and_wait();
    between(round);
    go.arrive_and_wait();
  }
  for (std::thread& thread : threads) thread.join();
}

// A session with pauses, resets and records of others around it. Flushes now and
// then, calls `flushed` after it, and returns what the logs hold of the session.
template <typename Sink>
std::shared_ptr<Recording> PlaySession(uint64_t seed, std::unique_ptr<Stream<Sink>>* stream, bool is_tidy,
                                       const std::function<void()>& flushed) {
  std::mt19937_64 random(seed);
  Recorder& recorder = Recorder::Get();
  // Also records of another session are in the logs, older ones and such of other categories.
  const int before = recorder.StartSession({});
  Play(
      seed + 1000, 1, 1, [](int) {}, is_tidy);
  Recorder::CurrentLog().Begin(Name("around"));
  SessionOptions options = Streamed();
  if (seed % 3 == 0) options.category_mask = CategoryBit(Name("x", Category::kCpuOp));
  const int session = recorder.StartSession(options);
  *stream = std::make_unique<Stream<Sink>>(session);
  const auto flush = [&] {
    (*stream)->Flush();
    flushed();
  };
  const auto between = [&](int) {
    switch (random() % 4) {
      case 0:
      case 1:
        return flush();
      case 2:
        CHECK(recorder.PauseSession(session).ok());
        break;
      default:
        CHECK(recorder.ResumeSession(session).ok());
        if (seed % 5 == 0 && random() % 3 == 0) CHECK(recorder.ResetSession(session).ok());
    }
  };
  Play(seed, 3, 12, between, is_tidy);
  Recorder::CurrentLog().End(Name("around"));
  MergeInput input;
  REQUIRE(recorder.StopSession(session, &input).ok());
  CHECK_FALSE(input.session.is_partial);
  std::shared_ptr<Recording> expected = MergeLogs(input);
  expected->meta_json = kMetaJson;
  flush();
  recorder.ReleaseSession(session);
  Stop(before);
  return expected;
}

}  // namespace opscope::test
