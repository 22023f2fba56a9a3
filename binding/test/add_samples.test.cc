#include "core/add_samples.h"

#include <string>

#include "core/op_table.h"
#include "doctest.h"
#include "format/byte_sink.h"
#include "format/perfetto_reader.h"
#include "format/perfetto_writer.h"
#include "recording_equality.h"
#include "recording_samples.h"
#include "temporary_path.h"

namespace opscope {
namespace {

// main 10-90 with work 20-60 inside, both seen.
SampledFrames Frames(int32_t first_row, int32_t home) {
  SampledFrames frames;
  frames.thread = "main (JavaScript)";
  frames.names = {"main", "work"};
  const auto add = [&frames](uint32_t name, int64_t start, int64_t end, int32_t parent) {
    frames.name.Append(name);
    frames.start_ns.Append(start);
    frames.end_ns.Append(end);
    frames.parent.Append(parent);
  };
  add(0, 10, 90, home);
  add(1, 20, 60, first_row);
  return frames;
}

std::shared_ptr<const Recording> With(const Recording& recording, const SampledFrames& frames) {
  std::shared_ptr<const Recording> made;
  const Status status = AddSampledFrames(recording, frames, &made);
  REQUIRE_MESSAGE(status.ok(), status.detail);
  return made;
}

TEST_CASE("what is recorded stays as it is, in every table") {
  const auto odd = test::OddRecording();
  SampledFrames none;
  const auto made = std::const_pointer_cast<Recording>(With(*odd, none));
  CHECK(made->threads.back().row_count == 0);
  made->threads.pop_back();
  test::CheckEqual(*made, *odd);
}

TEST_CASE("frames follow on a thread of their own, under the row that they are given") {
  const auto odd = test::OddRecording();
  const auto rows = static_cast<int32_t>(odd->spans.size());
  SampledFrames frames = Frames(rows, 0);
  frames.warnings.push_back({"samples-thinned", "one of 2", 7});
  const auto made = With(*odd, frames);
  const ThreadEntry& thread = made->threads.back();
  CHECK(thread.name == "main (JavaScript)");
  CHECK(thread.first_row == odd->spans.size());
  CHECK(thread.row_count == 2);
  CHECK(thread.js_thread_id == -1);
  CHECK(made->spans.parent[odd->spans.size()] == 0);
  CHECK(made->spans.parent[odd->spans.size() + 1] == rows);
  CHECK(made->spans.duration_ns[odd->spans.size() + 1] == 40);
  CHECK(made->names[made->spans.name[odd->spans.size() + 1]].text == "work");
  CHECK(made->names[made->spans.name[odd->spans.size() + 1]].role == Role::kSample);
  CHECK(made->warnings.back().code == "samples-thinned");
  CHECK(made->warnings.size() == odd->warnings.size() + 1);
}

TEST_CASE("frames come back from a Perfetto file") {
  test::CaptureRowsBuilder b;
  const uint32_t main_thread = b.Thread("main", 7, 0);
  b.Span(main_thread, b.Name("op"), 0, 100, kNoParent);
  const auto plain = b.Build();
  const auto made = With(*plain, Frames(1, 0));
  ByteSink sink = ByteSink::ToMemory();
  std::vector<Warning> warnings;
  REQUIRE(WritePerfetto(*made, &sink, &warnings).ok());
  const test::TemporaryFile file(sink.view());
  std::shared_ptr<const Recording> loaded;
  REQUIRE(LoadPerfetto({file.path()}, &loaded).ok());
  test::CheckEqual(*loaded, *made);
}

TEST_CASE("frames that cannot be are refused") {
  const auto odd = test::OddRecording();
  const auto rows = static_cast<int32_t>(odd->spans.size());
  std::shared_ptr<const Recording> made;
  const auto refusal = [&](auto damage) {
    SampledFrames frames = Frames(rows, kNoParent);
    damage(frames);
    const Status status = AddSampledFrames(*odd, frames, &made);
    CHECK(status.code == Code::kBadRows);
    return status.detail;
  };
  CHECK(refusal([](SampledFrames& f) { f.end_ns.Truncate(1); }) ==
        "sampled frames: columns of different lengths");
  CHECK(refusal([](SampledFrames& f) { f.name[0] = 2; }) == "sampled frames: no such name");
  CHECK(refusal([](SampledFrames& f) { f.start_ns[1] = 9; }) == "sampled frames: not in order of starts");
  CHECK(refusal([](SampledFrames& f) { f.start_ns[0] = -1; }) == "sampled frames: not in order of starts");
  CHECK(refusal([](SampledFrames& f) { f.end_ns[1] = 19; }) == "sampled frames: ends before it begins");
  CHECK(refusal([=](SampledFrames& f) { f.parent[1] = rows + 1; }) == "sampled frames: no such parent");
  CHECK(refusal([](SampledFrames& f) { f.parent[0] = -2; }) == "sampled frames: no such parent");
  CHECK(made == nullptr);
}

}  // namespace
}  // namespace opscope
