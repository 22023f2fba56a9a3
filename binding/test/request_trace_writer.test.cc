// Request traces on their way from a batch to a file.
#include "format/request_trace_writer.h"

#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

#include "doctest.h"
#include "format/request_trace_files.h"
#include "json_reader.h"
#include "temporary_path.h"

using namespace opscope;
using namespace opscope::test;

namespace {

uint64_t WordOf(double value) {
  uint64_t word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

struct Stamp {
  uint32_t name;
  uint64_t ns;
};

// Puts a trace of the model with name 0 at the end.
void Put(RequestTraceBatch* batch, double id, double parent_id, const std::string& request_id,
         const std::vector<Stamp>& stamps) {
  batch->words.insert(batch->words.end(), {WordOf(id), WordOf(parent_id), WordOf(7),
                                           uint64_t{stamps.size()} << 32, request_id.empty() ? 0u : 1u, 0});
  for (const Stamp& stamp : stamps) batch->words.insert(batch->words.end(), {stamp.name, stamp.ns});
  if (!request_id.empty()) {
    batch->text += request_id;
    batch->text_ends.push_back(batch->text.size());
  }
  ++batch->trace_count;
}

RequestTraceBatch BatchOf(int first_id, int count) {
  RequestTraceBatch batch;
  batch.names = {"model", "START"};
  for (int id = first_id; id < first_id + count; ++id) Put(&batch, id, 0, "r" + std::to_string(id), {{1, 5}});
  return batch;
}

Json Parsed(const std::string& text) {
  Json json;
  REQUIRE_MESSAGE(JsonReader(text).Read(&json), text);
  return json;
}

std::string TextOf(RequestTraceForm form, RequestTraceBatch batch) {
  RequestTraceJson json(form);
  json.Take(std::move(batch));
  std::string text;
  while (json.Next(&text)) {
  }
  if (!text.empty()) text[0] = '[';
  return text + "]";
}

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The ids of the fragments that name a model.
std::vector<int> IdsIn(const std::string& path) {
  std::vector<int> ids;
  for (const Json& fragment : Parsed(ContentOf(path)).items)
    if (fragment.Has("model_name")) ids.push_back(static_cast<int>(fragment["id"].number));
  return ids;
}

std::vector<int> Range(int first, int count) {
  std::vector<int> numbers(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) numbers[static_cast<size_t>(i)] = first + i;
  return numbers;
}

// Keeps the text, and fails when it is told to.
class ScriptedTarget final : public RequestTraceTarget {
 public:
  struct State {
    std::atomic<bool> is_broken{false};
    std::mutex mutex;
    std::string text;
    int finished = 0;
  };
  explicit ScriptedTarget(std::shared_ptr<State> state) : state_(std::move(state)) {}
  Status Append(std::string* text) override {
    if (state_->is_broken) return Status::Error(Code::kFileWrite, "broken");
    std::lock_guard lock(state_->mutex);
    state_->text += *text;
    text->clear();
    return Status::Ok();
  }
  Status Complete() override { return Status::Ok(); }
  Status Finish() override {
    ++state_->finished;
    return Status::Ok();
  }
  uint64_t size() const noexcept override { return state_->text.size(); }
  uint64_t bytes() const noexcept override { return size(); }
  uint64_t file_count() const noexcept override { return 1; }

 private:
  const std::shared_ptr<State> state_;
};

size_t TracesIn(const std::string& text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find("model_name", at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace

TEST_CASE("a trace reads back from both forms, whatever its names and times are") {
  RequestTraceBatch batch;
  batch.names = {"mo\"del\n", std::string("a\0b", 3), "\xED\xA0\x80"};
  Put(&batch, 1, 0, "\x01", {{1, 17125844332704508}, {2, UINT64_MAX}});
  Put(&batch, 9007199254740991, 1, "", {});
  const std::string stamps = R"("timestamps":[{"name":"a\u0000b","ns":17125844332704508},{"name":")"
                             "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
                             R"(","ns":-1}])";
  const std::string model = R"("model_name":"mo\"del\n","model_version":7)";
  CHECK(TextOf(RequestTraceForm::kFragments, batch) ==
        R"([{"id":1,)" + stamps + R"(},{"id":1,)" + model +
            R"(,"request_id":"\u0001"},{"id":9007199254740991,)" + model +
            R"(,"parent_id":1},{"id":9007199254740991,"timestamps":[]}])");
  CHECK(TextOf(RequestTraceForm::kWhole, batch) == "[{" + stamps + "," + model +
                                                       R"(,"id":1},{"timestamps":[],)" + model +
                                                       R"(,"id":9007199254740991,"parent_id":1}])");
}

TEST_CASE("a trace says what it was computed together with") {
  RequestTraceBatch batch = BatchOf(1, 1);
  batch.words[5] = uint64_t{4} << 32 | 9;
  CHECK(TextOf(RequestTraceForm::kFragments, batch) ==
        R"([{"id":1,"timestamps":[{"name":"START","ns":5}]},)"
        R"({"id":1,"model_name":"model","model_version":7,"request_id":"r1","batch_id":9,"batch_size":4}])");
}

TEST_CASE("a batch that says what is not so ends early") {
  const RequestTraceBatch whole = BatchOf(1, 3);
  for (size_t words = 0; words < whole.words.size(); ++words) {
    CAPTURE(words);
    RequestTraceBatch batch = whole;
    batch.words.resize(words);
    batch.text_ends.clear();
    batch.names.clear();
    const std::string text = TextOf(RequestTraceForm::kFragments, batch);
    CHECK(TracesIn(text) == words / 8);
    if (words >= 8) Parsed(text);
  }
}

TEST_CASE("names take the place of those that are forgotten") {
  RequestTraceJson json(RequestTraceForm::kWhole);
  RequestTraceBatch first;
  first.names = {"a", "b", "c"};
  json.Take(std::move(first));
  RequestTraceBatch second;
  second.first_name = 1;
  second.names = {"d"};
  Put(&second, 1, 0, "", {{0, 1}, {1, 2}, {2, 3}});
  json.Take(std::move(second));
  std::string text;
  REQUIRE(json.Next(&text));
  CHECK(text.starts_with(R"(,{"timestamps":[{"name":"a","ns":1},{"name":"d","ns":2},{"name":"","ns":3}])"));
}

TEST_CASE("every trace is in one file, in order, however many a file takes") {
  for (const int per_file : {1, 7, 1000, 0}) {
    CAPTURE(per_file);
    const TemporaryFolder folder;
    const std::string path = folder.path() + "/trace";
    RequestTraceWriterOptions options;
    options.traces_per_file = static_cast<uint64_t>(per_file);
    RequestTraceWriter writer(std::make_unique<RequestTraceFiles>(
                                  RequestTraceFilesOptions{.path = path, .is_numbered = per_file != 0}),
                              options);
    int id = 0;
    for (int batch = 1; batch <= 40; ++batch) {
      CHECK(writer.Add(BatchOf(id, batch)));
      id += batch;
      if (batch % 3 == 0) CHECK(writer.Flush().ok());
    }
    writer.Close();
    CHECK(writer.counts().written == static_cast<uint64_t>(id));
    if (per_file == 0) {
      CHECK(IdsIn(path) == Range(0, id));
      continue;
    }
    int number = 0;
    for (int first = 0; first < id; first += per_file, ++number)
      CHECK(IdsIn(path + "." + std::to_string(number)) == Range(first, std::min(per_file, id - first)));
    CHECK_FALSE(std::filesystem::exists(path + "." + std::to_string(number)));
  }
}

// A change of log_frequency leaves a writer with numbers to one without, which completes its files for their
// size.
TEST_CASE("writers of one path that complete files at the same time take each a number of their own") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/trace.json";
  constexpr int kFileCount = 400;
  auto complete_many = [&path](bool is_numbered) {
    RequestTraceFiles files({.path = path, .is_numbered = is_numbered});
    for (int i = 0; i < kFileCount; ++i) {
      std::string text = ",{}";
      CHECK(files.Append(&text).ok());
      CHECK(files.Complete().ok());
    }
    CHECK(files.Finish().ok());
  };
  std::thread numbered(complete_many, true);
  complete_many(false);
  numbered.join();
  int there = 0;
  while (std::filesystem::exists(path + "." + std::to_string(there))) {
    CHECK(std::filesystem::remove(path + "." + std::to_string(there)));
    ++there;
  }
  CHECK(there == 2 * kFileCount);
}

TEST_CASE("a file that cannot grow stays as it was, and what is missing comes with the next flush") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/trace";
  RequestTraceFiles files({.path = path});
  RequestTraceJson json(RequestTraceForm::kFragments);
  const auto append = [&](int first, int count, std::string* text) {
    json.Take(BatchOf(first, count));
    while (json.Next(text)) {
    }
    return files.Append(text);
  };
  std::string text;
  REQUIRE(append(0, 10, &text).ok());
  CHECK(text.empty());
  const std::string before = ContentOf(path);

  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  rlimit limit = old_limit;
  limit.rlim_cur = before.size() + 100;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const Status failed = append(10, 10, &text);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  signal(SIGXFSZ, old_handler);
  CHECK(failed.code == Code::kFileWrite);
  CHECK(ContentOf(path) == before);

  REQUIRE(files.Append(&text).ok());
  CHECK(IdsIn(path) == Range(0, 20));
  CHECK(files.bytes() == ContentOf(path).size());
}

TEST_CASE("a first write that fails leaves the folder, and the file of an earlier run, as they were") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/trace";
  for (const bool is_there : {false, true}) {
    if (is_there) std::ofstream(path) << "[]";
    RequestTraceFiles files({.path = path});
    std::string text;
    RequestTraceJson json(RequestTraceForm::kFragments);
    json.Take(BatchOf(0, 10));
    while (json.Next(&text)) {
    }
    const auto old_handler = signal(SIGXFSZ, SIG_IGN);
    rlimit old_limit;
    REQUIRE(getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
    rlimit limit = old_limit;
    limit.rlim_cur = 50;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    const Status failed = files.Append(&text);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &old_limit) == 0);
    signal(SIGXFSZ, old_handler);
    CHECK(failed.code == Code::kFileWrite);
    CHECK(ContentOf(path) == (is_there ? "[]" : ""));
    size_t entries = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++entries;
    CHECK(entries == (is_there ? 1 : 0));
    CHECK(files.file_count() == 0);
  }
}

TEST_CASE("what waits for a file is bounded, and every trace is written or counted as dropped") {
  const auto state = std::make_shared<ScriptedTarget::State>();
  RequestTraceWriterOptions options;
  options.max_pending_bytes = 100'000;
  options.interval = std::chrono::milliseconds(1);
  RequestTraceWriter writer(std::make_unique<ScriptedTarget>(state), options);
  state->is_broken = true;
  uint64_t added = 0, refused = 0;
  for (int i = 0; i < 200; ++i, added += 100) refused += writer.Add(BatchOf(i * 100, 100)) ? 0 : 100;
  // A trace has eight words, where its text ends, and some letters.
  CHECK(added - refused > 100'000 / 98);
  CHECK(added - refused < 100'000 / 72 + 5000);
  CHECK(writer.counts().dropped == refused);
  CHECK_FALSE(writer.Flush().ok());
  CHECK(writer.counts().trouble == "broken");
  state->is_broken = false;
  CHECK(writer.Flush().ok());
  CHECK(writer.counts().written == added - refused);

  state->is_broken = true;
  CHECK(writer.Add(BatchOf(0, 250)));
  writer.Close();
  CHECK_FALSE(writer.Add(BatchOf(0, 10)));
  CHECK(writer.counts().written == TracesIn(state->text));
  CHECK(writer.counts().dropped == refused + 250 + 10);
}

TEST_CASE("threads may add, flush, ask and close at the same time") {
  const auto state = std::make_shared<ScriptedTarget::State>();
  RequestTraceWriterOptions options;
  options.interval = std::chrono::milliseconds(1);
  RequestTraceWriter writer(std::make_unique<ScriptedTarget>(state), options);
  std::atomic<bool> is_over{false};
  std::thread flusher([&] {
    while (!is_over) {
      static_cast<void>(writer.Flush());
      CHECK(writer.counts().written <= 20'000);
    }
  });
  uint64_t added = 0;
  for (int i = 0; i < 200; ++i, added += 100) writer.Add(BatchOf(i * 100, 100));
  std::thread closer([&] { writer.Close(); });
  writer.Close();
  closer.join();
  is_over = true;
  flusher.join();
  CHECK(state->finished == 1);
  CHECK(writer.counts().written == added);
  CHECK(TracesIn(state->text) == added);
}
