// A session's Chrome trace while the session goes on: valid after every flush, and at the end what the logs
// hold.
#include "format/chrome_stream.h"

#include <signal.h>
#include <sys/resource.h>

#include <set>

#include "chrome_trace.h"
#include "stream_actors.h"

using namespace opscope;
using namespace opscope::test;

namespace {

Json Parsed(const std::string& text) {
  Json trace;
  REQUIRE_MESSAGE(JsonReader(text).Read(&trace), text);
  return trace;
}

// A row as text, with its parent as text where that is asked for.
std::string TextOf(const std::string& name, const char* category, int64_t start_ns, int64_t end_ns,
                   uint8_t flags) {
  return name + ' ' + category + ' ' + std::to_string(start_ns) + ' ' + std::to_string(end_ns) + ' ' +
         std::to_string(flags);
}
std::string TextOf(const StreamedRow& row) {
  const Json& args = *row.args;
  const std::pair<const char*, uint8_t> names[] = {{"async", kAsync},
                                                   {"unfinished", kUnfinished},
                                                   {"error", kError},
                                                   {"timed", kTimed},
                                                   {"bracket", kBracket}};
  int flags = 0;
  for (const auto& [name, flag] : names) flags |= args.Has(name) ? flag : 0;
  return TextOf(row.name, row.category.c_str(), row.start_ns, row.end_ns, static_cast<uint8_t>(flags));
}
std::string TextOf(const Recording& recording, size_t row) {
  const SpanColumns& spans = recording.spans;
  const NameEntry& name = recording.names[spans.name[row]];
  return TextOf(name.text, CategoryName(name.category), spans.start_ns[row],
                spans.start_ns[row] + spans.duration_ns[row], spans.flags[row]);
}

std::multiset<std::string> RowsOf(const Json& trace, bool with_parents) {
  std::multiset<std::string> texts;
  const std::vector<StreamedRow> rows = StreamedRowsOf(trace);
  for (const StreamedRow& row : rows) {
    std::string text = TextOf(row);
    if (with_parents)
      text += row.parent < 0 ? " <- none" : " <- " + TextOf(rows[static_cast<size_t>(row.parent)]);
    texts.insert(std::move(text));
  }
  return texts;
}
std::multiset<std::string> RowsOf(const Recording& recording, bool with_parents) {
  std::multiset<std::string> texts;
  for (size_t row = 0; row < recording.spans.size(); ++row) {
    std::string text = TextOf(recording, row);
    const int32_t parent = recording.spans.parent[row];
    if (with_parents)
      text += parent < 0 ? " <- none" : " <- " + TextOf(recording, static_cast<size_t>(parent));
    texts.insert(std::move(text));
  }
  return texts;
}

void CheckEqual(const std::multiset<std::string>& told, const std::multiset<std::string>& expected) {
  std::vector<std::string> extra, missing;
  std::set_difference(told.begin(), told.end(), expected.begin(), expected.end(), std::back_inserter(extra));
  std::set_difference(expected.begin(), expected.end(), told.begin(), told.end(),
                      std::back_inserter(missing));
  CHECK((extra.empty() ? "" : extra.front()) == (missing.empty() ? "" : missing.front()));
}

// A mark of a span that the session does not keep is nobody's.
size_t MarkCountOf(const Json& trace) {
  std::set<std::string> ids{""};
  for (const StreamedRow& row : StreamedRowsOf(trace)) ids.insert((*row.args)["span_id"].text);
  size_t count = 0;
  for (const Json& event : trace["traceEvents"].items)
    count += event["ph"].text == "i" && ids.contains(event["args"]["span_id"].text) ? 1 : 0;
  return count;
}

size_t CountOf(const Json& trace, const char* phase) {
  size_t count = 0;
  for (const Json& event : trace["traceEvents"].items) count += event["ph"].text == phase ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a Chrome trace is valid after every flush, and holds at the end what the logs hold") {
  for (const bool is_tidy : {false, true}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      CAPTURE(is_tidy);
      std::unique_ptr<Stream<ChromeStream>> stream;
      size_t flushes = 0;
      Json trace;
      const std::shared_ptr<Recording> expected = PlaySession(seed, &stream, is_tidy, [&] {
        ++flushes;
        trace = Parsed(stream->file().Content());
        CheckNesting(trace);
        size_t unfinished = 0;
        for (const StreamedRow& row : StreamedRowsOf(trace))
          unfinished += row.args->Has("unfinished") ? 1 : 0;
        const size_t open = static_cast<size_t>(trace["opscope"]["unfinished"].number);
        // Of a deep stack not all are told.
        if (open < 64) CHECK(unfinished == open);
        CHECK(trace["opscope"]["spans"].number == static_cast<double>(StreamedRowsOf(trace).size()));
      });
      CHECK(flushes > 1);
      CHECK(trace["opscope"]["stopped"].truth);
      CHECK(trace["metadata"]["meta"].text == kMetaJson);
      CHECK(trace["opscope"]["duration_ns"].number == static_cast<double>(expected->duration_ns));
      CHECK(MarkCountOf(trace) == expected->marks.size());
      CHECK(CountOf(trace, "C") == expected->counters.size());
      // Of what ended out of order, lines do not tell all that was in it.
      CheckEqual(RowsOf(trace, is_tidy), RowsOf(*expected, is_tidy));
    }
  }
}

TEST_CASE("the end of a growing Chrome trace stays small, whatever is open") {
  Recorder& recorder = Recorder::Get();
  const int session = recorder.StartSession(Streamed());
  Stream<ChromeStream> stream(session);
  std::vector<uint64_t> spans;
  for (int i = 0; i < 1500; ++i) {
    spans.push_back(
        Recorder::CurrentLog().OpenSpan(Name(i < 900 ? "old" : "new", Category::kSection), 0, false));
  }
  for (int i = 0; i < 100; ++i) Recorder::CurrentLog().Begin(Name(i < 50 ? "outer" : "inner"));
  stream.Flush();
  const Json open = Parsed(stream.file().Content());
  std::map<std::string, int> counts;
  for (const StreamedRow& row : StreamedRowsOf(open)) ++counts[row.name];
  // 1000 in all: the innermost 64 of the stack, then the oldest of the others.
  CHECK(counts ==
        std::map<std::string, int>{{"inner", 50}, {"outer", 14}, {"old", 900}, {"new", 1000 - 64 - 900}});
  CHECK(open["opscope"]["unfinished"].number == 1600);
  CHECK_FALSE(open["opscope"]["stopped"].truth);

  // The end gets shorter, the file does not get torn.
  for (int i = 100; i-- > 0;) Recorder::CurrentLog().End(Name(i < 50 ? "outer" : "inner"));
  for (const uint64_t span : spans) Recorder::CurrentLog().EndSpan(span, false);
  stream.Flush();
  const Json ended = Parsed(stream.file().Content());
  CHECK(ended["opscope"]["unfinished"].number == 0);
  CHECK(StreamedRowsOf(ended).size() == 1600);
  Stop(session);
}

TEST_CASE(
    "what belongs to a span is told with it, also if it comes from another thread before the span does") {
  Recorder& recorder = Recorder::Get();
  // The log that is read first: what it says of a span is seen before the span's begin.
  ThreadLog& first = Recorder::CurrentLog();
  const int session = recorder.StartSession(Streamed());
  Stream<ChromeStream> stream(session);
  first.Mark(Name("start"));
  uint64_t span = 0;
  std::thread([&] {
    ThreadLog& log = Recorder::CurrentLog();
    span = log.OpenSpan(Name("request", Category::kSection), 0, false);
    log.Attribute(span, Name("batch"), AttributeType::kInt, 8);
  }).join();
  first.TextAttribute(span, Name("model"), "res\"net");
  first.Link(span, 1, 2, 3);
  first.TraceId(span, 10, 11, 12);
  first.EndSpan(span, true);
  first.Begin(Name("op"));
  first.Attribute(0, Name("rows"), AttributeType::kInt, 3);
  first.End(Name("op"));
  const uint64_t timed = first.TimedSpan(Name("node"), static_cast<int64_t>(MonotonicNs()) - 500,
                                         static_cast<int64_t>(MonotonicNs()), span, false);
  first.Attribute(timed, Name("index"), AttributeType::kInt, 7);
  stream.Flush();
  const Json trace = Parsed(stream.file().Content());
  const std::vector<StreamedRow> rows = StreamedRowsOf(trace);
  REQUIRE(rows.size() == 3);
  std::map<std::string, const Json*> args;
  for (const StreamedRow& row : rows) args[row.name] = row.args;
  const Json& request = *args["request"];
  CHECK(request["attributes"]["batch"].number == 8);
  CHECK(request["attributes"]["model"].text == "res\"net");
  CHECK(request["links"].items[0]["trace_id"].text == "00000000000000010000000000000002");
  CHECK(request["links"].items[0]["span_id"].text == "0000000000000003");
  CHECK(request["trace_id"].text == "000000000000000a000000000000000b");
  CHECK(request["remote_parent_span_id"].text == "000000000000000c");
  CHECK(request["error"].truth);
  CHECK_FALSE(request.Has("unfinished"));
  CHECK((*args["op"])["attributes"]["rows"].number == 3);
  CHECK((*args["node"])["attributes"]["index"].number == 7);
  CHECK((*args["node"])["parent_span_id"].text == request["span_id"].text);
  Stop(session);
}

TEST_CASE("a Chrome trace that cannot grow stays as it was, and what is missing comes with the next flush") {
  Recorder& recorder = Recorder::Get();
  const int session = recorder.StartSession(Streamed());
  TemporaryFile file;
  ChromeStream sink(::open(file.path().c_str(), O_RDWR | O_CLOEXEC), kMetaJson);
  const auto take = [&] {
    StreamBatch batch;
    REQUIRE(recorder.TakeStream(session, &batch).ok());
    sink.Add(batch, {});
    recorder.ReleaseStream(session, batch);
    return sink.Flush();
  };
  { const Scope scope("first"); }
  Recorder::CurrentLog().Begin(Name("open"));
  REQUIRE(take().ok());
  const std::string before = file.Content();
  CHECK(StreamedRowsOf(Parsed(before)).size() == 2);

  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit;
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  rlimit limit = old_limit;
  limit.rlim_cur = before.size() + 100;
  for (int i = 0; i < 100; ++i) const Scope scope("second");
  Recorder::CurrentLog().End(Name("open"));
  REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const Status failed = take();
  REQUIRE(setrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  signal(SIGXFSZ, old_handler);
  CHECK(failed.code == Code::kFileWrite);
  CHECK(file.Content() == before);

  REQUIRE(take().ok());
  CHECK(StreamedRowsOf(Parsed(file.Content())).size() == 102);
  Stop(session);
}

namespace {

// A batch without records: times are ns of CLOCK_MONOTONIC, and the session began at 1000.
StreamBatch BatchAt(uint64_t now_ns) {
  StreamBatch batch;
  batch.clock_points = {{1000, 1000}, {now_ns, now_ns}};
  batch.session.start_ticks = 1000;
  batch.session.start_epoch_ns = 77;
  batch.process_id = 42;
  return batch;
}

GpuRow RowOf(GpuKind kind, int64_t start_ns, uint64_t correlation_id, uint32_t name) {
  GpuRow row{};
  row.start_ns = start_ns;
  row.end_ns = start_ns + 500;
  row.correlation_id = correlation_id;
  row.name = name;
  row.context = 1;
  row.stream = 7;
  row.kind = kind;
  return row;
}

}  // namespace

TEST_CASE("GPU rows are told batch by batch, with an arrow from a call that came before") {
  TemporaryFile file;
  ChromeStream sink(::open(file.path().c_str(), O_RDWR | O_CLOEXEC), kMetaJson);
  const std::string long_name(5000, 'k');
  StreamBatch batch = BatchAt(100'000);
  batch.is_first = true;
  batch.session.pauses = {{60'000, 70'000}};
  GpuRecords gpu;
  gpu.strings = {"cudaLaunchKernel", long_name, "Memcpy HtoD"};
  gpu.calls.Append({11'000, 12'000, 1, 501, 0, 0});
  gpu.calls.Append({13'000, 14'000, 2, 501, 0, 0});
  gpu.calls.Append({61'000, 62'000, 3, 501, 0, 0});  // in the pause
  gpu.rows.Append(RowOf(GpuKind::kKernel, 15'000, 1, 1));
  KernelRow kernel{};
  kernel.grid_x = 8;
  gpu.kernels.Append(kernel);
  sink.Add(batch, gpu);
  REQUIRE(sink.Flush().ok());

  GpuRecords later;
  later.strings = {"cudaLaunchKernel", long_name, "Memcpy HtoD"};
  later.rows.Append(RowOf(GpuKind::kKernel, 63'000, 3, 1));
  later.rows.Append(RowOf(GpuKind::kKernel, 20'000, 2, 1));
  later.rows.Append(RowOf(GpuKind::kCopy, 20'100, 2, 2));  // not apart from the kernel
  KernelRow second{};
  second.row = 1;
  second.grid_x = 9;
  later.kernels.Append(second);
  GpuDevice device;
  device.name = "H100";
  later.devices.push_back(device);
  StreamBatch end = BatchAt(200'000);
  end.session.pauses = batch.session.pauses;
  end.session.stop_ticks = 200'000;
  sink.Add(end, later);
  REQUIRE(sink.Flush().ok());

  const Json trace = Parsed(file.Content());
  CheckNesting(trace);
  std::vector<const Json*> rows, calls;
  std::map<std::string, int> arrows;
  std::string long_names;
  for (const Json& event : trace["traceEvents"].items) {
    const Json& args = event["args"];
    if (event["ph"].text == "s" || event["ph"].text == "f") ++arrows[event["id"].text];
    if (event["ph"].text != "X" || args.Has("pause")) continue;
    (event["pid"].number == 5'000'000 ? rows : calls).push_back(&event);
    long_names += args["long_name"].text;
  }
  CHECK(calls.size() == 2);
  REQUIRE(rows.size() == 3);
  CHECK(NsOf((*rows[0])["ts"]) == 14'000);
  CHECK((*rows[0])["args"]["grid"].items[0].number == 8);
  CHECK((*rows[1])["args"]["grid"].items[0].number == 9);
  CHECK((*rows[2])["args"]["kind"].text == "copy");
  CHECK((*rows[1])["tid"].number != (*rows[2])["tid"].number);
  CHECK((*rows[0])["name"].text.size() == 1024);
  CHECK(long_names == long_name);  // once
  // An s and an f each.
  CHECK(arrows == std::map<std::string, int>{{"1", 2}, {"2", 2}, {"3", 2}});
  CHECK(trace["opscope"]["gpu_devices"].items[0]["name"].text == "H100");
  CHECK(trace["opscope"]["duration_ns"].number == 199'000);
}
