#include "format/chrome_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "chrome_trace.h"
#include "doctest.h"
#include "format/byte_sink.h"
#include "format/json_text.h"
#include "gpu_samples.h"
#include "json_reader.h"
#include "recording_samples.h"
#include "temporary_path.h"

namespace opscope::test {
namespace {

std::string Text(const Recording& recording) {
  ByteSink sink = ByteSink::ToMemory();
  std::vector<Warning> warnings;
  REQUIRE(WriteChrome(recording, &sink, &warnings).ok());
  return std::string(sink.view());
}

Json Parsed(const Recording& recording) {
  Json json;
  REQUIRE(JsonReader(Text(recording)).Read(&json));
  return json;
}

std::string Micro(int64_t ns) {
  static const Micros micros;
  char text[Micros::kMaxBytes];
  return std::string(text, static_cast<size_t>(micros.Put(text, ns) - text));
}

// The rows that the header promises an importer, from the events alone.
struct ImportedRow {
  std::string name, category, role, instance;
  int64_t start_ns, end_ns;
  int64_t parent;
  int64_t tid;
};
std::vector<ImportedRow> Import(const Json& trace) {
  struct Open {
    int64_t end_ns, row;
  };
  std::map<int64_t, std::vector<Open>> stacks;
  std::map<std::string, int64_t> rows_by_id;
  std::vector<std::pair<size_t, std::string>> parent_ids;
  std::vector<ImportedRow> rows;
  int64_t last_async = -1;
  for (const Json& event : trace["traceEvents"].items) {
    const Json& args = event["args"];
    const std::string& phase = event["ph"].text;
    if (phase == "e" && !rows.empty()) rows.back().end_ns = NsOf(event["ts"]);
    if (phase != "X" && phase != "b") continue;
    if (event["pid"].number >= 5'000'000 || args.Has("correlation") || args.Has("pause") ||
        args.Has("overhead"))
      continue;
    const int64_t start = NsOf(event["ts"]);
    const int64_t end = phase == "X" ? start + NsOf(event["dur"]) : start;
    std::vector<Open>& stack = stacks[static_cast<int64_t>(event["tid"].number)];
    if (args.Has("sync_part")) {
      stack.push_back({end, last_async});
      continue;
    }
    const auto told = args.Has("parent_row") ? static_cast<int64_t>(args["parent_row"].number) : -2;
    while (!stack.empty() && stack.back().end_ns <= start) stack.pop_back();
    ImportedRow row{event["name"].text,
                    event["cat"].text,
                    args.Has("role") ? args["role"].text : "op",
                    args["instance"].text,
                    start,
                    end,
                    stack.empty() ? -1 : stack.back().row,
                    static_cast<int64_t>(event["tid"].number)};
    if (told != -2) row.parent = told;
    if (args.Has("parent_span_id") && told == -2) {
      parent_ids.emplace_back(rows.size(), args["parent_span_id"].text);
    }
    if (args.Has("span_id")) rows_by_id[args["span_id"].text] = static_cast<int64_t>(rows.size());
    if (phase == "X") stack.push_back({end, static_cast<int64_t>(rows.size())});
    if (phase == "b") last_async = static_cast<int64_t>(rows.size());
    rows.push_back(row);
  }
  for (const auto& [row, id] : parent_ids) {
    const auto found = rows_by_id.find(id);
    if (found != rows_by_id.end()) rows[row].parent = found->second;
  }
  return rows;
}

}  // namespace

TEST_CASE("nanoseconds are printed as microseconds with up to three decimals") {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "0"},
      {1, "0.001"},
      {10, "0.01"},
      {100, "0.1"},
      {999, "0.999"},
      {1000, "1"},
      {600'000, "600"},
      {100'001, "100.001"},
      {9'999'999, "9999.999"},
      {10'000'000, "10000"},
      {10'000'500, "10000.5"},
      {100'050'120, "100050.12"},
      {99'999'999'999, "99999999.999"},
      {100'000'000'000, "100000000"},
      {123'456'789'012'345'678, "123456789012345.678"},
      {INT64_MAX, "9223372036854775.807"},
      {-1, "-0.001"},
      {-1'500, "-1.5"},
      {-12'345'678, "-12345.678"},
      {INT64_MIN, "-9223372036854775.808"},
  };
  for (const auto& [ns, text] : cases) CHECK(Micro(ns) == text);
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto ns = static_cast<int64_t>(random() >> (1 + random() % 62));
    char expected[40];
    std::snprintf(expected, sizeof expected, "%lld.%03lld", static_cast<long long>(ns / 1000),
                  static_cast<long long>(ns % 1000));
    std::string text = expected;
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    REQUIRE(Micro(ns) == text);
  }
}

TEST_CASE("strings are escaped so that any parser takes them") {
  const auto quoted = [](std::string_view text) {
    std::string out;
    AppendJsonString(text, &out);
    return out;
  };
  CHECK(quoted("a\"b\\c/\n\x01\x7f") == R"("a\"b\\c/\n\u0001)"
                                        "\x7f\"");
  CHECK(quoted(std::string_view("\0", 1)) == R"("\u0000")");
  CHECK(quoted("é€😀") == "\"é€😀\"");
  CHECK(quoted("\xff") == "\"\xEF\xBF\xBD\"");
  CHECK(quoted("\xc3") == "\"\xEF\xBF\xBD\"");         // cut
  CHECK(quoted("\xc0\xaf").size() == 2 + 6);           // overlong
  CHECK(quoted("\xed\xa0\x80").size() == 2 + 9);       // a surrogate
  CHECK(quoted("\xf4\x90\x80\x80").size() == 2 + 12);  // beyond U+10FFFF
  CHECK(CutUtf8("aé", 2) == "a");
  CHECK(CutUtf8("aé", 3) == "aé");
}

TEST_CASE("doubles read back as the same number and never look like integers") {
  for (const double value : {0.0, 1.0, -2.5, 0.1, 1e300, 5e-324, 1.0 / 3, 123456789.125, 1e22}) {
    std::string text;
    AppendDouble(value, &text);
    CHECK(std::strtod(text.c_str(), nullptr) == value);
    CHECK(text.find_first_of(".e") != std::string::npos);
  }
  std::string text;
  AppendDouble(NAN, &text);
  CHECK(text == "\"NaN\"");
}

TEST_CASE("numbers are written as JavaScript writes them") {
  const auto text = [](double value) {
    std::string out;
    AppendScriptNumber(value, &out);
    return out;
  };
  // Number::toString of ECMAScript: up to 21 digits before the point and 6 zeros after it, else an exponent.
  CHECK(text(0) == "0");
  CHECK(text(-0.0) == "0");
  CHECK(text(1) == "1");
  CHECK(text(-0.5) == "-0.5");
  CHECK(text(123456789.125) == "123456789.125");
  CHECK(text(100) == "100");
  CHECK(text(1e20) == "100000000000000000000");
  CHECK(text(1e21) == "1e+21");
  CHECK(text(1.25e21) == "1.25e+21");
  CHECK(text(0.000001) == "0.000001");
  CHECK(text(0.00000123) == "0.00000123");
  CHECK(text(1e-7) == "1e-7");
  CHECK(text(-1.5e-7) == "-1.5e-7");
  CHECK(text(5e-324) == "5e-324");
  CHECK(text(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(text(0.1 + 0.2) == "0.30000000000000004");
  CHECK(text(std::nan("")) == "null");
  CHECK(text(-std::numeric_limits<double>::infinity()) == "null");
}

TEST_CASE("a plain span is one line of known text") {
  CaptureRowsBuilder b;
  b.rows.process_id = 100;
  b.Thread("main", 7, 0);
  b.Span(0, b.Name("mat\"mul", Role::kOp, Category::kCpuOp), 600'000, 700'001);
  const std::string text = Text(*b.Build());
  CHECK(text.find(R"({"ph":"X","pid":100,"tid":7,"ts":600,"dur":100.001,"name":"mat\"mul",)"
                  R"("cat":"cpu_op","args":{}})") != std::string::npos);
}

TEST_CASE("the container says ns and carries the capture's facts") {
  const auto recording = OddRecording();
  const Json trace = Parsed(*recording);
  CHECK(trace["displayTimeUnit"].text == "ns");
  const Json& meta = trace["metadata"];
  CHECK(meta["base_epoch_ns"].text == "1763780000000000123");
  CHECK(meta["meta"].text == recording->meta_json);
  CHECK(meta["warnings"].items[0]["code"].text == "dropped-spans");
  CHECK(meta["pauses"].items[1].items[0].number == 7000);
  REQUIRE(meta["threads"].items.size() == 3);
  CHECK(meta["threads"].items[2]["name"].text == "pool \"1\"\n");
  CHECK(meta["threads"].items[1]["js_thread_id"].number == 3);
}

TEST_CASE("every row comes back from the events, with its parent") {
  std::vector<std::shared_ptr<const Recording>> recordings = {OddRecording()};
  for (uint32_t seed = 1; seed < 6; ++seed) recordings.push_back(RandomRecording(seed, 3, 1000));
  for (const auto& recording : recordings) {
    const std::vector<ImportedRow> rows = Import(Parsed(*recording));
    const SpanColumns& spans = recording->spans;
    REQUIRE(rows.size() == spans.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      CAPTURE(i);
      const NameEntry& name = recording->names[spans.name[i]];
      REQUIRE(rows[i].name == name.text);
      REQUIRE(rows[i].category == CategoryName(name.category));
      REQUIRE(rows[i].instance == name.instance);
      REQUIRE((rows[i].role == "op") == (name.role == Role::kOp));
      REQUIRE(rows[i].parent == spans.parent[i]);
      // Doubles are exact to half a ns up to 26 days.
      if (spans.start_ns[i] < 1'000'000'000'000'000) {
        REQUIRE(rows[i].start_ns == spans.start_ns[i]);
        if ((spans.flags[i] & kUnfinished) == 0) {
          REQUIRE(rows[i].end_ns == spans.start_ns[i] + spans.duration_ns[i]);
        }
      }
    }
  }
}

TEST_CASE("X events nest on every track") {
  CheckNesting(Parsed(*RandomRecording(9, 4, 3000)));
  for (uint32_t seed = 1; seed <= 10; ++seed) CheckNesting(Parsed(*RandomGpuRecording(seed, 400)));
}

TEST_CASE("GPU rows have tracks of their device, lanes where they overlap, arrows from their launch") {
  const auto recording = OddRecording();
  const Json trace = Parsed(*recording);
  std::map<std::string, std::vector<const Json*>> by_phase;
  std::vector<const Json*> gpu;
  std::map<int64_t, std::string> tracks;
  for (const Json& event : trace["traceEvents"].items) {
    by_phase[event["ph"].text].push_back(&event);
    const bool is_gpu = event["pid"].number == 5'000'001;
    if (is_gpu && event["ph"].text == "X") gpu.push_back(&event);
    if (is_gpu && event["name"].text == "thread_name") {
      tracks[static_cast<int64_t>(event["tid"].number)] = event["args"]["name"].text;
    }
  }
  REQUIRE(gpu.size() == recording->gpu.size());
  CHECK((*gpu[0])["tid"].number == 7 * 16);
  CHECK((*gpu[1])["tid"].number == 7 * 16 + 1);
  CHECK(tracks[7 * 16] == "stream 7");
  CHECK(tracks[7 * 16 + 1] == "stream 7 +1");
  CHECK(tracks[13 * 16 + 15] == "stream 13 \"decoder\" sync");
  CHECK((*gpu[1])["cat"].text == "memcpy");
  CHECK((*gpu[1])["args"]["bytes"].number == 1u << 20);
  const auto& starts = by_phase["s"];
  const auto& ends = by_phase["f"];
  REQUIRE(starts.size() == 7);  // all but the orphan and the sync row
  REQUIRE(ends.size() == 7);
  for (size_t i = 0; i < starts.size(); ++i) {
    CHECK((*starts[i])["id"].number == static_cast<double>(i + 1));
    CHECK((*ends[i])["id"].number == static_cast<double>(i + 1));
    CHECK((*ends[i])["bp"].text == "e");
    CHECK((*ends[i])["ts"].number >= (*starts[i])["ts"].number);
  }
}

TEST_CASE("a kernel name beyond 1 KiB is cut, and told whole once") {
  CaptureRowsBuilder b;
  b.Thread("main", 1, 0);
  const std::string name = std::string(1023, 'k') + "é" + std::string(500, 'x');
  GpuRow row{};
  row.name = b.String(name);
  row.end_ns = 10;
  b.rows.gpu.Append(row);
  b.rows.gpu.Append(row);
  const Json trace = Parsed(*b.Build());
  CHECK(trace["metadata"]["long_names"]["0"].text == name);
  int count = 0;
  for (const Json& event : trace["traceEvents"].items) {
    if (event["ph"].text != "X") continue;
    CHECK(event["name"].text == std::string(1023, 'k'));
    CHECK(event["args"]["name_id"].text == "0");
    ++count;
  }
  CHECK(count == 2);
}

TEST_CASE("names of any length and an empty recording are valid JSON") {
  Parsed(Recording());
  CaptureRowsBuilder b;
  b.Thread("main", 1, 0);
  for (size_t size : {1u, 60u, 440u, 500u, 600u, 70'000u, 300'000u}) {
    b.Span(0, b.Name(std::string(size, 'n')), static_cast<int64_t>(size), 10'000'000);
  }
  const Json trace = Parsed(*b.Build());
  CHECK(Import(trace).back().name.size() == 300'000);
}

TEST_CASE("the first write that fails is the outcome") {
  const int full = ::open("/dev/full", O_WRONLY);
  REQUIRE(full >= 0);
  ByteSink sink(full);
  std::vector<Warning> warnings;
  const Status status = WriteChrome(*RandomRecording(2, 2, 20'000), &sink, &warnings);
  ::close(full);
  CHECK(status.code == Code::kFileWrite);
  CHECK(status.detail == "No space left on device");
  ByteSink closed(-1);
  CHECK(WriteChrome(Recording(), &closed, &warnings).code == Code::kFileWrite);
}

TEST_CASE("a file holds the same bytes as memory") {
  // Enough for the sink's own thread to come in.
  const auto recording = RandomRecording(4, 2, 60'000);
  const TemporaryFile file;
  const int fd = ::open(file.path().c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(fd >= 0);
  ByteSink sink(fd);
  std::vector<Warning> warnings;
  REQUIRE(WriteChrome(*recording, &sink, &warnings).ok());
  REQUIRE(sink.bytes() > (8u << 20));
  std::string read(sink.bytes(), '\0');
  REQUIRE(::pread(fd, read.data(), read.size(), 0) == static_cast<ssize_t>(read.size()));
  ::close(fd);
  CHECK(read == Text(*recording));
}

}  // namespace opscope::test
