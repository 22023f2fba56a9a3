#include "format/page_columns.h"

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "doctest.h"
#include "recording_samples.h"

namespace opscope::test {
namespace {

struct Packed {
  PageColumns page;
  std::string bytes;
};

Packed Pack(const Recording& recording) {
  Packed packed;
  ByteSink sink = ByteSink::ToMemory();
  REQUIRE(WritePageColumns(recording, &sink, &packed.page).ok());
  packed.bytes = sink.view();
  return packed;
}

// The bytes of one column.
std::string BytesOf(const Packed& packed, std::string_view path) {
  size_t at = 0;
  for (const PackedColumn& column : packed.page.columns) {
    if (column.path == path) return packed.bytes.substr(at, column.bytes);
    at += column.bytes;
  }
  FAIL("no such column");
  return "";
}

Recording OfSpans(const std::vector<int64_t>& starts, const std::vector<int32_t>& parents) {
  Recording recording;
  recording.names.push_back({"op", "", Category::kUser, Role::kOp});
  recording.threads.push_back({"main", 7, 0, 0, static_cast<uint32_t>(starts.size())});
  SpanColumns& spans = recording.spans;
  for (size_t row = 0; row < starts.size(); ++row) {
    spans.start_ns.Append(starts[row]);
    spans.duration_ns.Append(1);
    spans.name.Append(0);
    spans.parent.Append(parents[row]);
    spans.flags.Append(kTimed);
  }
  return recording;
}

AttributeRow NumberAttribute(double number) {
  AttributeRow attribute;
  attribute.number = number;
  attribute.row = 0;
  attribute.key = 0;
  attribute.type = AttributeType::kDouble;
  return attribute;
}

}  // namespace

TEST_CASE("columns of a page lie one after another, each as long as it says") {
  const std::shared_ptr<const Recording> recording = RandomRecording(1, 3, 1'000);
  const Packed packed = Pack(*recording);
  size_t bytes = 0;
  for (const PackedColumn& column : packed.page.columns) bytes += column.bytes;
  CHECK(bytes == packed.bytes.size());
  CHECK(packed.page.columns.front().count == recording->spans.size());
}

TEST_CASE("starts on a page are the differences, however they go, and parents the distances") {
  const Packed packed = Pack(OfSpans({5, 69, 69, 5}, {kNoParent, 0, 3, kNoParent}));
  // Zigzag: 5 is 10, 64 is 128 (two bytes), 0 is 0, -64 is 127.
  CHECK(BytesOf(packed, "spans.startNs") == std::string("\x0a\x80\x01\x00\x7f", 5));
  // None, one row up (2), one row down (1).
  CHECK(BytesOf(packed, "spans.parent") == std::string("\x00\x02\x01\x00", 4));
  CHECK(BytesOf(packed, "spans.flags") == "\x08\x08\x08\x08");
}

TEST_CASE("a page that packs more rows than fit in one piece has them all") {
  std::vector<int64_t> starts(10'000, std::numeric_limits<int64_t>::max() / 2);
  const std::vector<int32_t> parents(starts.size(), kNoParent);
  for (size_t row = 0; row < starts.size(); row += 2) starts[row] = 0;
  const Packed packed = Pack(OfSpans(starts, parents));
  // The longest differences there are: nine bytes each, after the one at 0.
  CHECK(BytesOf(packed, "spans.startNs").size() == 1 + 9 * 9'999);
}

TEST_CASE("what ends before it begins has no length on a page") {
  Recording recording = OfSpans({}, {});
  recording.strings.push_back("cudaLaunchKernel");
  recording.launches.Append({100, 90, 1, 0, 0, kNoParent});
  CHECK(BytesOf(Pack(recording), "launches.durationNs") == std::string(1, '\0'));
}

TEST_CASE("strings of a page are those in use, and numbers of attributes as JavaScript writes them") {
  Recording recording = OfSpans({0}, {kNoParent});
  recording.strings = {"key", "not used"};
  const double values[] = {1e21, 1e6, 0.1, -0.0, std::nan(""), -std::numeric_limits<double>::infinity(), 0.1};
  for (const double value : values) recording.attributes.Append(NumberAttribute(value));
  const Packed packed = Pack(recording);
  CHECK(packed.page.strings ==
        std::vector<std::string>{"key", "1e+21", "1000000", "0.1", "0", "NaN", "-Infinity"});
  CHECK(BytesOf(packed, "attributes.value") == "\x01\x02\x03\x04\x05\x06\x03");
  CHECK(packed.page.left_out_attributes == 0);
}

}  // namespace opscope::test
