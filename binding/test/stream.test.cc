// A session's file while the session goes on: what comes back from it is what the logs hold.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <csignal>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/recorder.h"
#include "doctest.h"
#include "format/perfetto_reader.h"
#include "format/perfetto_stream.h"
#include "format/stream_file.h"
#include "recorder_probe.h"
#include "recording_equality.h"
#include "temporary_path.h"

using namespace opscope;
using namespace opscope::test;

namespace {

// The stream of one session, flushed by hand.
class Stream {
 public:
  explicit Stream(int session) : session_(session) {
    const int fd = ::open(file_.path().c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    sink_ = std::make_unique<PerfettoStream>(fd, "{\"state\":\"CPU\"}");
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
  std::shared_ptr<const Recording> Load() const {
    std::shared_ptr<const Recording> recording;
    const Status status = LoadPerfetto({file_.path()}, &recording);
    REQUIRE_MESSAGE(status.ok(), status.detail);
    return recording;
  }
  const TemporaryFile& file() const noexcept { return file_; }

 private:
  const int session_;
  TemporaryFile file_;
  std::unique_ptr<PerfettoStream> sink_;
};

SessionOptions Streamed() {
  SessionOptions options;
  options.is_streamed = true;
  return options;
}

// What any thread may do, in any order, right or wrong.
class Actor {
 public:
  explicit Actor(uint64_t seed, std::vector<uint64_t>* shared) : random_(seed), shared_(*shared) {}

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
        if (Pick(8) == 0) std::swap(open_[Pick(open_.size())], open_.back());
        log.End(open_.back());
        open_.pop_back();
        break;
      case 6:
        open_.push_back(AnyName());
        log.BeginChild(open_.back(), AnySpan());
        break;
      case 7: {
        const uint64_t id = log.OpenSpan(AnyName(), Pick(2) == 0 ? AnySpan() : 0, Pick(2) == 0, Pick(4) == 0,
                                         Pick(4) == 0);
        if (id != 0) spans_.push_back(id);
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
  std::vector<uint32_t> open_;
  std::vector<uint64_t> spans_;
};

// Threads act in rounds; between two rounds nobody acts and `between` is called.
void Play(uint64_t seed, int thread_count, int rounds, const std::function<void(int)>& between) {
  std::vector<uint64_t> shared;
  {
    const uint64_t id = Recorder::CurrentLog().OpenSpan(Name("shared", Category::kSection), 0, false);
    if (id != 0) shared.push_back(id);
  }
  std::barrier acted(thread_count + 1), go(thread_count + 1);
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      Actor actor(seed * 100 + static_cast<uint64_t>(t), &shared);
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

}  // namespace

TEST_CASE("a session that went to its file comes back as the logs have it, whatever was recorded") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    Recorder& recorder = Recorder::Get();
    // Also records of another session are in the logs, older ones and such of other categories.
    SessionOptions other;
    const int before = recorder.StartSession(other);
    Play(seed + 1000, 1, 1, [](int) {});
    Recorder::CurrentLog().Begin(Name("around"));
    SessionOptions options = Streamed();
    if (seed % 3 == 0) options.category_mask = CategoryBit(Name("x", Category::kCpuOp));
    const int session = recorder.StartSession(options);
    Stream stream(session);
    Play(seed, 3, 12, [&](int) {
      switch (random() % 4) {
        case 0:
        case 1:
          stream.Flush();
          break;
        case 2:
          CHECK(recorder.PauseSession(session).ok());
          break;
        default:
          CHECK(recorder.ResumeSession(session).ok());
          if (seed % 5 == 0 && random() % 3 == 0) CHECK(recorder.ResetSession(session).ok());
      }
    });
    Recorder::CurrentLog().End(Name("around"));
    MergeInput input;
    REQUIRE(recorder.StopSession(session, &input).ok());
    CHECK_FALSE(input.session.is_partial);
    const std::shared_ptr<Recording> expected = MergeLogs(input);
    expected->meta_json = "{\"state\":\"CPU\"}";
    stream.Flush();
    recorder.ReleaseSession(session);
    const std::shared_ptr<const Recording> loaded = stream.Load();
    CheckEqual(*loaded, *expected);
    Stop(before);
  }
}

TEST_CASE("a stream that is cut anywhere gives what is whole, and damage costs no more than itself") {
  const int session = Recorder::Get().StartSession(Streamed());
  Stream stream(session);
  Play(77, 2, 6, [&](int) { stream.Flush(); });
  MergeInput input;
  REQUIRE(Recorder::Get().StopSession(session, &input).ok());
  stream.Flush();
  Recorder::Get().ReleaseSession(session);
  const std::string bytes = stream.file().Content();
  const size_t spans = stream.Load()->spans.size();
  std::mt19937_64 random(1);
  for (int i = 0; i < 300; ++i) {
    const size_t length = random() % bytes.size();
    const TemporaryFile cut(std::string_view(bytes).substr(0, length));
    std::shared_ptr<const Recording> loaded;
    if (!LoadPerfetto({cut.path()}, &loaded).ok()) {
      CHECK(length < 2000);  // within the head
      continue;
    }
    CHECK(loaded->spans.size() <= spans);
    CHECK(CountOf(*loaded, "recording-cut") + CountOf(*loaded, "file-cut") <= bytes.size());
  }
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    for (int flips = 0; flips < 3; ++flips) damaged[random() % bytes.size()] = static_cast<char>(random());
    const TemporaryFile file(damaged);
    std::shared_ptr<const Recording> loaded;
    static_cast<void>(LoadPerfetto({file.path()}, &loaded));
  }
}

TEST_CASE("what a flush brought to the file is there, and the session need not have been stopped") {
  const int session = Recorder::Get().StartSession(Streamed());
  Stream stream(session);
  {
    Scope outer("outer");
    { Scope inner("inner"); }
    stream.Flush();
    { Scope late("late"); }
  }
  const auto loaded = stream.Load();
  CHECK(Tree(*loaded) == "outer!(inner)");
  CHECK(CountOf(*loaded, "recording-cut") == 0);  // no byte is lost
  CHECK(loaded->warnings.back().code == "recording-cut");
  Stop(session);
  CHECK(Tree(*stream.Load()) == "outer!(inner)");
}

TEST_CASE("memory that went to the file is used again, and the file holds the whole recording") {
  SessionOptions options = Streamed();
  options.is_recycled = true;
  options.recycle_bytes = 1;
  const int session = Recorder::Get().StartSession(options);
  Stream stream(session);
  constexpr int kRounds = 20, kSpans = 20'000;  // seven chunks a round
  size_t most_bytes = 0;
  const size_t before = Recorder::Get().pool().used_bytes();
  for (int round = 0; round < kRounds; ++round) {
    std::thread([] {
      for (int i = 0; i < kSpans; ++i) Scope op("recycled");
    }).join();
    most_bytes = std::max(most_bytes, Recorder::Get().pool().used_bytes());
    stream.Flush();
  }
  CHECK(most_bytes - before <= 10 * Chunk::kBytes);
  MergeInput input;
  REQUIRE(Recorder::Get().StopSession(session, &input).ok());
  CHECK(input.session.is_partial);
  stream.Flush();
  Recorder::Get().ReleaseSession(session);
  const auto loaded = stream.Load();
  CHECK(loaded->spans.size() == size_t{kRounds} * kSpans);
  CHECK(loaded->threads.size() == kRounds);
  CHECK(loaded->dropped == 0);
}

TEST_CASE("another session keeps the records that it needs from being given back") {
  const int other = Recorder::Get().StartSession({});
  SessionOptions options = Streamed();
  options.is_recycled = true;
  options.recycle_bytes = 1;
  const int session = Recorder::Get().StartSession(options);
  Stream stream(session);
  for (int i = 0; i < 20'000; ++i) Scope op("kept");
  stream.Flush();
  CHECK(Stop(other)->spans.size() == 20'000);
  Stop(session);
}

TEST_CASE("a reset begins the file anew") {
  const int session = Recorder::Get().StartSession(Streamed());
  Stream stream(session);
  { Scope op("old"); }
  stream.Flush();
  CHECK(Recorder::Get().ResetSession(session).ok());
  { Scope op("new"); }
  stream.Flush();
  CHECK(Tree(*stream.Load()) == "new");
  Stop(session);
}

TEST_CASE("a stream that finds the disk full keeps what it has, and goes on when there is room") {
  const TemporaryFile file;
  const int fd = ::open(file.path().c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(fd >= 0);
  StreamFile stream(fd);
  stream.pending().Append("first");
  REQUIRE(stream.Flush("]").ok());
  CHECK(file.Content() == "first]");
  stream.pending().Append(",second");
  rlimit before{}, none{7, RLIM_INFINITY};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  none.rlim_max = before.rlim_max;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
  const Status full = stream.Flush("]");
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(full.code == Code::kFileWrite);
  CHECK(file.Content() == "first]");
  stream.pending().Append(",third");
  CHECK(stream.Flush("]").ok());
  CHECK(file.Content() == "first,second,third]");
}
