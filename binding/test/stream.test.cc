// A session's file while the session goes on: what comes back from it is what the logs hold.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/recorder.h"
#include "core/session_writer.h"
#include "doctest.h"
#include "format/perfetto_reader.h"
#include "format/perfetto_stream.h"
#include "format/stream_file.h"
#include "recorder_probe.h"
#include "recording_equality.h"
#include "stream_actors.h"

using namespace opscope;
using namespace opscope::test;

namespace {

std::shared_ptr<const Recording> Load(const std::string& path) {
  std::shared_ptr<const Recording> recording;
  const Status status = LoadPerfetto({path}, &recording);
  REQUIRE_MESSAGE(status.ok(), status.detail);
  return recording;
}

}  // namespace

TEST_CASE("a session that went to its file comes back as the logs have it, whatever was recorded") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    std::unique_ptr<Stream<PerfettoStream>> stream;
    const std::shared_ptr<Recording> expected = PlaySession(seed, &stream, false, [] {});
    const std::shared_ptr<const Recording> loaded = Load(stream->file().path());
    CheckEqual(*loaded, *expected);
  }
}

TEST_CASE("a stream that is cut anywhere gives what is whole, and damage costs no more than itself") {
  const int session = Recorder::Get().StartSession(Streamed());
  Stream<PerfettoStream> stream(session);
  Play(77, 2, 6, [&](int) { stream.Flush(); });
  MergeInput input;
  REQUIRE(Recorder::Get().StopSession(session, &input).ok());
  stream.Flush();
  Recorder::Get().ReleaseSession(session);
  const std::string bytes = stream.file().Content();
  const size_t spans = Load(stream.file().path())->spans.size();
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
  Stream<PerfettoStream> stream(session);
  {
    Scope outer("outer");
    { Scope inner("inner"); }
    stream.Flush();
    { Scope late("late"); }
  }
  const auto loaded = Load(stream.file().path());
  CHECK(Tree(*loaded) == "outer!(inner)");
  CHECK(CountOf(*loaded, "recording-cut") == 0);  // no byte is lost
  CHECK(loaded->warnings.back().code == "recording-cut");
  Stop(session);
  CHECK(Tree(*Load(stream.file().path())) == "outer!(inner)");
}

TEST_CASE("memory that went to the file is used again, and the file holds the whole recording") {
  SessionOptions options = Streamed();
  options.is_recycled = true;
  options.recycle_bytes = 1;
  const int session = Recorder::Get().StartSession(options);
  Stream<PerfettoStream> stream(session);
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
  const auto loaded = Load(stream.file().path());
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
  Stream<PerfettoStream> stream(session);
  for (int i = 0; i < 20'000; ++i) Scope op("kept");
  stream.Flush();
  CHECK(Stop(other)->spans.size() == 20'000);
  Stop(session);
}

TEST_CASE("a reset begins the file anew") {
  const int session = Recorder::Get().StartSession(Streamed());
  Stream<PerfettoStream> stream(session);
  { Scope op("old"); }
  stream.Flush();
  CHECK(Recorder::Get().ResetSession(session).ok());
  { Scope op("new"); }
  stream.Flush();
  CHECK(Tree(*Load(stream.file().path())) == "new");
  Stop(session);
}

TEST_CASE("a forked child that calls exit leaves the file to its parent") {
  const TemporaryFile file;
  const int session = Recorder::Get().StartSession(Streamed());
  {
    const int fd = ::open(file.path().c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    SessionWriterOptions options;
    options.interval = std::chrono::seconds(100);
    SessionWriter writer(session, std::make_unique<PerfettoStream>(fd, "{}"), options);
    // Its thread flushes at once, then not for long.
    for (int i = 0; i < 1000 && file.Content().empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    { Scope op("flushed"); }
    REQUIRE(writer.Flush().ok());
    { Scope op("pending"); }
    const std::string before = file.Content();
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      alarm(20);  // a child that waits for its parent's lock would wait forever
      std::exit(0);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(file.Content() == before);
    REQUIRE(writer.Flush().ok());
    CHECK(Tree(*Load(file.path())) == "flushed pending");
  }
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
