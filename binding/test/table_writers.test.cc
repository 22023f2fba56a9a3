#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>

#include "doctest.h"
#include "format/arrow_batch.h"
#include "format/arrow_writer.h"
#include "format/byte_sink.h"
#include "format/csv_writer.h"
#include "format/flat_buffer.h"

namespace opscope::test {
namespace {

// One thread of spans, each 10 ns long, all of one name.
Recording ManySpans(size_t count) {
  Recording recording;
  recording.names.push_back({"op", "", Category::kUser, Role::kOp});
  recording.threads.push_back({"main", 7, 0, 0, static_cast<uint32_t>(count)});
  SpanColumns& spans = recording.spans;
  spans.start_ns.Reset(count);
  spans.duration_ns.Reset(count);
  spans.name.Reset(count);
  spans.parent.Reset(count);
  spans.flags.Reset(count);
  for (size_t row = 0; row < count; ++row) spans.start_ns[row] = static_cast<int64_t>(row) * 10;
  spans.duration_ns.Fill(10);
  spans.name.Fill(0);
  spans.parent.Fill(kNoParent);
  spans.flags.Fill(0);
  return recording;
}

template <typename T>
T At(std::string_view bytes, size_t offset) {
  T value;
  REQUIRE(offset + sizeof(T) <= bytes.size());
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace

TEST_CASE("an Arrow file has its messages and their bodies at multiples of 64 bytes, and ends in a footer") {
  const Recording recording = ManySpans(150'000);
  ByteSink sink = ByteSink::ToMemory();
  REQUIRE(WriteArrow(recording, false, &sink).ok());
  const std::string_view file = sink.view();
  CHECK(file.substr(0, 8) == std::string_view("ARROW1\0\0", 8));
  CHECK(file.substr(file.size() - 6) == "ARROW1");
  // A message: 0xFFFFFFFF, the length of its metadata, metadata, body. The body's length is in the metadata;
  // here the next message is looked for instead.
  size_t messages = 0;
  for (size_t at = 8; At<uint32_t>(file, at) == 0xFFFFFFFFu;) {
    const auto metadata = At<uint32_t>(file, at + 4);
    if (metadata == 0) break;
    ++messages;
    const size_t body = at + 8 + metadata;
    CHECK(body % 64 == 0);
    at = body;
    while (At<uint32_t>(file, at) != 0xFFFFFFFFu || At<uint32_t>(file, at + 4) > 1u << 16) at += 64;
  }
  CHECK(messages == 1 + 4 + 3);  // schema, dictionaries, batches of 65536 rows
  const auto footer = At<uint32_t>(file, file.size() - 10);
  CHECK(footer % 8 == 0);
  CHECK(At<uint32_t>(file, file.size() - 10 - footer) < footer);
}

TEST_CASE("a table takes no more memory the more batches it has") {
  const Recording recording = ManySpans(200'000);
  const TraceTable table(recording, false);
  std::vector<ArrowColumn> columns;
  REQUIRE(FillArrowColumns(table, 0, 65'536, &columns).ok());
  const auto bytes_of = [&columns] {
    size_t bytes = 0;
    for (const ArrowColumn& column : columns)
      bytes += column.values.capacity() + column.validity.capacity() + column.offsets.capacity() * 4;
    return bytes;
  };
  const size_t first = bytes_of();
  REQUIRE(FillArrowColumns(table, 65'536, 65'536, &columns).ok());
  CHECK(bytes_of() == first);
}

#ifdef __linux__
TEST_CASE("a full disk is told by both writers of tables") {
  const Recording recording = ManySpans(100'000);
  const int fd = ::open("/dev/full", O_WRONLY);
  REQUIRE(fd >= 0);
  ByteSink arrow(fd), csv(fd);
  CHECK(WriteArrow(recording, false, &arrow).code == Code::kFileWrite);
  CHECK(WriteCsv(recording, false, &csv).code == Code::kFileWrite);
  ::close(fd);
}
#endif

TEST_CASE("a flat buffer's vectors of structs lie at multiples of their alignment from its end") {
  for (size_t text = 0; text < 20; ++text) {
    FlatBuffer buffer;
    buffer.String(std::string(text, 'x'));
    const int64_t numbers[] = {1, -2, 3};
    const FlatBuffer::Ref vector = buffer.Structs(numbers, 3, 8, 8);
    buffer.StartTable();
    buffer.Scalar(1, uint8_t{9});
    buffer.Child(0, vector);
    const std::string_view bytes = buffer.Finish(buffer.EndTable());
    REQUIRE(bytes.size() % 8 == 0);
    const size_t table = At<uint32_t>(bytes, 0);
    const size_t positions = table - static_cast<size_t>(At<int32_t>(bytes, table));
    REQUIRE(At<uint16_t>(bytes, positions) == 8);  // two fields
    CHECK(At<uint8_t>(bytes, table + At<uint16_t>(bytes, positions + 6)) == 9);
    const size_t field = table + At<uint16_t>(bytes, positions + 4);
    const size_t count_at = field + At<uint32_t>(bytes, field);
    CHECK(At<uint32_t>(bytes, count_at) == 3);
    CHECK((count_at + 4) % 8 == 0);
    CHECK(At<int64_t>(bytes, count_at + 12) == -2);
  }
}

}  // namespace opscope::test
