#include <map>
#include <string>
#include <vector>

#include "core/row_order.h"
#include "doctest.h"
#include "raw_rows_builder.h"

namespace opscope::test {
namespace {

// "0:a/b" for each row, in row order.
std::vector<std::string> Paths(const Recording& recording) {
  std::vector<std::string> paths;
  for (uint32_t thread = 0; thread < recording.threads.size(); ++thread) {
    const ThreadEntry& entry = recording.threads[thread];
    for (size_t row = entry.first_row; row < size_t{entry.first_row} + entry.row_count; ++row) {
      std::string path = recording.names[recording.spans.name[row]].text;
      for (int32_t at = recording.spans.parent[row]; at != kNoParent;
           at = recording.spans.parent[static_cast<size_t>(at)]) {
        path = recording.names[recording.spans.name[static_cast<size_t>(at)]].text + "/" + path;
      }
      paths.push_back(std::to_string(thread) + ":" + path);
    }
  }
  return paths;
}
using Texts = std::vector<std::string>;

TEST_CASE("nest: spans given in any order nest by containment, longer first") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "c", 20, 30);
  builder.Span(0, "b", 10, 40);
  builder.Span(0, "a", 10, 100);
  builder.Span(0, "d", 40, 40);
  builder.Span(0, "e", 100, 110);
  const auto recording = builder.Build();
  CHECK(Paths(*recording) == Texts{"0:a", "0:a/b", "0:a/b/c", "0:a/d", "0:e"});
  CHECK(recording->duration_ns == 110);
  CHECK(recording->warnings.empty());
}

TEST_CASE("nest: threads come by first event, marks included, and idle ones last") {
  RowsBuilder builder;
  builder.Thread("idle");
  builder.Thread("late");
  builder.Thread("marked");
  builder.Thread("early");
  builder.Span(1, "x", 50, 60);
  builder.Span(3, "y", 5, 10);
  builder.rows.marks.Append({20, builder.Name("m"), 2, 99});
  builder.rows.marks.Append({7, builder.Name("m"), 3, 99});
  const auto recording = builder.Build();
  Texts names;
  for (const ThreadEntry& thread : recording->threads) names.push_back(thread.name);
  CHECK(names == Texts{"early", "marked", "late", "idle"});
  CHECK(recording->threads[1].row_count == 0);
  CHECK(recording->threads[2].first_row == 1);
  REQUIRE(recording->marks.size() == 2);
  CHECK(recording->marks[0].span == 0);
  CHECK(recording->marks[1].span == kNoParent);
}

TEST_CASE("nest: a span that overlaps its neighbour becomes async beside it and is counted") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "root", 0, 100);
  builder.Span(0, "a", 10, 30);
  builder.Span(0, "b", 20, 40);
  builder.Span(0, "c", 22, 25);
  const auto recording = builder.Build();
  CHECK(Paths(*recording) == Texts{"0:root", "0:root/a", "0:root/b", "0:root/a/c"});
  CHECK(recording->spans.flags[2] == kAsync);
  REQUIRE(recording->asyncs.size() == 1);
  CHECK(recording->asyncs[0].return_ns == 20);
  CHECK(WarningCount(*recording, "overlapping-spans") == 1);
}

TEST_CASE("nest: an async span hangs under the span open at its start and holds none by time") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "a", 0, 10);
  const uint32_t async = builder.Span(0, "async", 5, 50, kAsync);
  builder.Return(async, 8);
  builder.Span(0, "in", 6, 7);
  builder.Span(0, "later", 20, 30);
  const auto recording = builder.Build();
  CHECK(Paths(*recording) == Texts{"0:a", "0:a/async", "0:a/in", "0:later"});
  CHECK(recording->asyncs[0].return_ns == 8);
}

TEST_CASE("nest: a parent id wins over time, also across threads, and stays as remote parent when unknown") {
  RowsBuilder builder;
  builder.Thread();
  builder.Thread();
  builder.Span(0, "root", 0, 100, 0, 11);
  builder.Span(0, "other", 10, 50, 0, 12);
  builder.Span(0, "child", 20, 30, 0, 13, 11);
  builder.Span(1, "work", 20, 30, 0, 0, 12);
  builder.Span(1, "inner", 22, 24);
  builder.Span(1, "foreign", 40, 50, 0, 14, 999);
  const auto recording = builder.Build();
  CHECK(Paths(*recording) == Texts{"0:root", "0:root/other", "0:root/child", "1:root/other/work",
                                   "1:root/other/work/inner", "1:foreign"});
  REQUIRE(recording->ids.size() == 4);
  CHECK(recording->ids[3].remote_parent_id == 999);
  CHECK(recording->ids[2].remote_parent_id == 0);
}

TEST_CASE("nest: a cycle of parent ids is cut and counted") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "a", 0, 10, 0, 1, 2);
  builder.Span(0, "b", 2, 5, 0, 2);  // inside a, which names b as its parent
  builder.Span(0, "self", 20, 30, 0, 3, 3);
  builder.Span(0, "x", 40, 41, 0, 4, 6);
  builder.Span(0, "y", 42, 43, 0, 5, 4);
  builder.Span(0, "z", 44, 45, 0, 6, 5);
  builder.Span(0, "below", 46, 47, 0, 0, 6);
  const auto recording = builder.Build();
  CHECK(WarningCount(*recording, "parent-cycles") == 3);
  CHECK(Paths(*recording) == Texts{"0:a", "0:a/b", "0:self", "0:x", "0:x/y", "0:x/y/z", "0:x/y/z/below"});
}

TEST_CASE(
    "nest: a parent that began after its child on the same thread moves ahead of it, and all tables follow") {
  RowsBuilder builder;
  builder.Thread();
  const uint32_t child = builder.Span(0, "child", 0, 10, 0, 1, 2);
  builder.Span(0, "parent", 20, 30, 0, 2);
  AttributeRow attribute{};
  attribute.integer = 5;
  attribute.row = child;
  attribute.key = builder.String("key");
  attribute.type = AttributeType::kInt;
  builder.rows.attributes.Append(attribute);
  builder.rows.links.Append({1, 2, 3, child});
  const auto recording = builder.Build();
  CHECK(Paths(*recording) == Texts{"0:parent", "0:parent/child"});
  CHECK(recording->attributes[0].row == 1);
  CHECK(recording->links[0].row == 1);
  CHECK(recording->ids[0].span_id == 2);
  CHECK(recording->ids[1].span_id == 1);
}

TEST_CASE("nest: unfinished spans last up to the end of the session and hold children") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "open", 10, kOpenEnd);
  builder.Span(0, "done", 20, 90);
  builder.rows.duration_ns = 80;
  const auto recording = builder.Build();
  CHECK(Paths(*recording) == Texts{"0:open", "0:open/done"});
  CHECK(recording->spans.flags[0] == kUnfinished);
  CHECK(recording->spans.duration_ns[0] == 70);
  CHECK(recording->unfinished == 1);
}

TEST_CASE("nest: a reversed span gets no length and is counted") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "a", 10, 5);
  const auto recording = builder.Build();
  CHECK(recording->spans.duration_ns[0] == 0);
  CHECK(WarningCount(*recording, "reversed-spans") == 1);
}

TEST_CASE("nest: rows that contradict each other are refused by name of table and row") {
  const auto detail_of = [](RowsBuilder* builder) {
    std::shared_ptr<const Recording> recording;
    const Status status = BuildRecording(std::move(builder->rows), &recording);
    CHECK(status.code == Code::kBadRows);
    CHECK(recording == nullptr);
    return status.detail;
  };
  {
    RowsBuilder builder;
    builder.Thread();
    builder.Span(0, "a", 0, 1);
    builder.Span(1, "a", 0, 1);
    CHECK(detail_of(&builder) == "span 1: no such thread");
  }
  {
    RowsBuilder builder;
    builder.Thread();
    builder.Span(0, "a", 0, 1);
    builder.rows.span_name[0] = 7;
    CHECK(detail_of(&builder) == "span 0: no such name");
  }
  {
    RowsBuilder builder;
    builder.Thread();
    builder.Span(0, "a", INT64_MIN + 1, INT64_MAX);
    CHECK(detail_of(&builder) == "span 0: a time is out of range");
  }
  {
    RowsBuilder builder;
    builder.Thread();
    builder.Return(0, 5);
    CHECK(detail_of(&builder) == "return 0: no such span");
  }
  {
    RowsBuilder builder;
    builder.Thread();
    builder.Span(0, "a", 0, 1);
    builder.rows.span_flags.Truncate(0);
    CHECK(detail_of(&builder) == "the columns of spans differ in size");
  }
  {
    RowsBuilder builder;
    builder.Thread();
    builder.Launch(0, "api", 0, 1, 1);
    builder.rows.launches[0].name = 1;
    CHECK(detail_of(&builder) == "launch 0: no such string");
  }
}

TEST_CASE("nest: no rows at all make an empty recording") {
  RowsBuilder builder;
  const auto recording = builder.Build();
  CHECK(recording->spans.size() == 0);
  CHECK(recording->duration_ns == 0);
}

TEST_CASE("nest: a million levels do not overflow any stack") {
  RowsBuilder builder;
  builder.Thread();
  constexpr int64_t kDepth = 1'000'000;
  const uint32_t name = builder.Name("deep");
  builder.rows.span_thread = Column<uint32_t>(kDepth);
  builder.rows.span_name = Column<uint32_t>(kDepth);
  builder.rows.span_start_ns = Column<int64_t>(kDepth);
  builder.rows.span_end_ns = Column<int64_t>(kDepth);
  builder.rows.span_flags = Column<uint8_t>(kDepth);
  for (int64_t i = 0; i < kDepth; ++i) {
    const auto row = static_cast<size_t>(kDepth - 1 - i);
    builder.rows.span_thread[row] = 0;
    builder.rows.span_name[row] = name;
    builder.rows.span_start_ns[row] = i;
    builder.rows.span_end_ns[row] = 3 * kDepth - i;
    builder.rows.span_flags[row] = 0;
  }
  const auto recording = builder.Build();
  CHECK(recording->spans.parent[kDepth - 1] == kDepth - 2);
  CHECK(recording->spans.parent[0] == kNoParent);
}

struct Given {
  bool has_parent_id, is_async;
};

// What columns.h promises, and nesting by time as its definition says it.
void CheckPromises(const Recording& recording, const std::map<std::string, Given>& given) {
  const SpanColumns& spans = recording.spans;
  const auto is_copy = [&](size_t row) { return recording.names[spans.name[row]].role == Role::kCopy; };
  const auto end_of = [&spans](size_t row) {
    return (spans.flags[row] & kUnfinished) != 0 ? INT64_MAX : spans.start_ns[row] + spans.duration_ns[row];
  };
  uint32_t first_row = 0;
  for (const ThreadEntry& thread : recording.threads) {
    CHECK(thread.first_row == first_row);
    const size_t first = first_row, last = first + thread.row_count;
    first_row += thread.row_count;
    // Rows that moved behind a parent by id were nested where they stood before.
    bool may_have_moved = !IsInBeginOrder(spans, first, last - first);
    for (size_t row = first; row < last; ++row) {
      const auto parent = static_cast<size_t>(spans.parent[row]);
      if (is_copy(row) || parent < first || parent >= last) continue;
      may_have_moved |= given.at(recording.names[spans.name[row]].text).has_parent_id &&
                        spans.start_ns[parent] == spans.start_ns[row];
    }
    for (size_t row = first; row < last; ++row) {
      const int32_t parent = spans.parent[row];
      CHECK(spans.duration_ns[row] >= 0);
      if (parent >= static_cast<int32_t>(first) && parent < static_cast<int32_t>(last))
        CHECK(parent < static_cast<int32_t>(row));
      if (is_copy(row) || may_have_moved) continue;
      const Given& as_given = given.at(recording.names[spans.name[row]].text);
      if (as_given.has_parent_id) continue;
      int32_t expected = kNoParent;
      for (size_t other = first; other < row; ++other) {
        if ((spans.flags[other] & kAsync) != 0 || is_copy(other) || end_of(other) <= spans.start_ns[row])
          continue;
        if (as_given.is_async || end_of(other) >= end_of(row)) expected = static_cast<int32_t>(other);
      }
      CHECK(parent == expected);
      if (as_given.is_async) CHECK((spans.flags[row] & kAsync) != 0);
    }
  }
  CHECK(first_row == spans.size());
  size_t asyncs = 0;
  for (size_t row = 0; row < spans.size(); ++row) asyncs += (spans.flags[row] & kAsync) != 0;
  CHECK(recording.asyncs.size() == asyncs);
}

TEST_CASE("nest: a thousand random sets of rows keep the promises of a recording") {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    RowsBuilder builder;
    builder.rows = RandomRows(seed);
    const size_t span_count = builder.rows.span_name.size();
    std::map<std::string, Given> given;
    for (size_t row = 0; row < span_count; ++row) {
      const std::string name = "span" + std::to_string(row);  // tells rows apart once they have moved
      builder.rows.span_name[row] = builder.Name(name);
      given[name] = {builder.rows.span_parent_id[row] != 0, (builder.rows.span_flags[row] & kAsync) != 0};
    }
    const auto recording = builder.Build();
    CheckPromises(*recording, given);
    std::map<std::string, int> seen;
    for (const uint32_t name : recording->spans.name) {
      if (recording->names[name].role != Role::kCopy) CHECK(++seen[recording->names[name].text] == 1);
    }
    CHECK(seen.size() == span_count);
  }
}

TEST_CASE("nest: ordering keys is stable, with few runs as with many") {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const auto count = static_cast<size_t>(1 + random.Below(seed % 10 == 0 ? 30000 : 500));
    std::vector<int64_t> keys(count);
    for (size_t i = 0; i < count; ++i) {
      const int64_t kinds[] = {random.Below(50) - 20, static_cast<int64_t>(i % (count / 3 + 1)),
                               random.Below(2) * (int64_t{1} << 60) - random.Below(9)};
      keys[i] = kinds[seed % 3];
    }
    std::vector<uint32_t> order(count);
    OrderByKey(keys.data(), count, order.data());
    for (size_t i = 1; i < count; ++i) {
      const bool is_right = keys[order[i - 1]] < keys[order[i]] ||
                            (keys[order[i - 1]] == keys[order[i]] && order[i - 1] < order[i]);
      REQUIRE(is_right);
    }
  }
}

TEST_CASE("nest: timed rows behind a thread's own rows move to their place") {
  RowsBuilder builder;
  builder.Thread();
  builder.Span(0, "a", 0, 100);
  builder.Span(0, "b", 50, 60);
  builder.Span(0, "timed", 70, 80);
  const auto built = builder.Build();
  Recording recording;
  recording.names = built->names;
  recording.threads = built->threads;
  for (const size_t row : {0u, 2u, 1u}) {
    recording.spans.start_ns.Append(built->spans.start_ns[row]);
    recording.spans.duration_ns.Append(built->spans.duration_ns[row]);
    recording.spans.name.Append(built->spans.name[row]);
    recording.spans.parent.Append(built->spans.parent[row]);
    recording.spans.flags.Append(0);
  }
  recording.ids.Append({7, 0, 0, 0, 1});
  PutInBeginOrder(&recording);
  CHECK(Paths(recording) == Texts{"0:a", "0:a/b", "0:a/timed"});
  CHECK(recording.ids[0].row == 2);
}

}  // namespace
}  // namespace opscope::test
