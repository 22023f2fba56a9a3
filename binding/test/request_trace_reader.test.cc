#include "format/request_trace_reader.h"

#include <cmath>
#include <memory>

#include "doctest.h"

namespace opscope {

namespace {

constexpr std::string_view kFragments =
    R"([{"id":1,"timestamps":[{"name":"HTTP_RECV_START","ns":1000},{"name":"REQUEST_START","ns":2000}]},)"
    R"({"id":1,"model_name":"a\"\u00e9\\","model_version":3,"request_id":"r]}"},)"
    R"({"id":2,"model_name":"step","model_version":1,"parent_id":1},)"
    R"({"id":2,"timestamps":[{"name":"REQUEST_START","ns":17125842648608115}]}, {"id":2,"timestamps":)"
    R"([{"name":"own","ns":-5},{"ns":1}]},{"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"x","data":"1,2"}},)"
    R"({"id":1,"timestamps":[{"name":"REQUEST_END","ns":9000}]},{"oops],{"id":3,"timestamps":[{"name":"REQUEST_END","ns":7}]}])";

// All that a batch has, as text.
std::string TextOf(const RequestTracePiece& batch) {
  std::string text;
  for (size_t row = 0; row < batch.size(); ++row) {
    text += "id " + std::to_string(batch.ids[row]) + " of " + std::to_string(batch.parent_rows[row]) +
            " model " + std::to_string(batch.models[row]) + " flags " + std::to_string(batch.flags[row]) +
            " base " + std::to_string(batch.bases[row]);
    for (size_t slot = 0; slot < kSlotCount; ++slot) {
      const double ns = batch.stamps[row * kSlotCount + slot];
      if (!std::isnan(ns)) text += " " + std::to_string(slot) + ":" + std::to_string(ns);
    }
    text += " " + batch.request_ids[row] + "\n";
  }
  for (const auto& [row, tensor] : batch.tensors) text += std::to_string(row) + tensor.name + tensor.data;
  for (const TraceStamp& stamp : batch.all_stamps) text += " " + std::to_string(stamp.name);
  return text;
}

// Feeds copies of their own length, so that a sanitizer sees a read beyond.
std::string Read(std::string_view text, size_t first_piece, TraceCounts* counts) {
  RequestTraceReader reader({.all_stamps = true, .request_ids = true, .tensors = true});
  for (const std::string_view piece : {text.substr(0, first_piece), text.substr(first_piece)}) {
    const auto copy = std::make_unique<char[]>(piece.size());
    piece.copy(copy.get(), piece.size());
    reader.Feed({copy.get(), piece.size()});
  }
  reader.Finish();
  *counts = reader.counts();
  return TextOf(reader.Take());
}

}  // namespace

TEST_CASE("a request trace says the same wherever its pieces are cut") {
  TraceCounts counts;
  const std::string whole = Read(kFragments, kFragments.size(), &counts);
  CHECK(counts.fragments == 7);
  CHECK(counts.damaged == 1);
  CHECK(counts.damaged_stamps == 1);
  CHECK(whole.find("id 1 of -1 model 0") == 0);
  CHECK(whole.find("id 2 of 0 model 1") != std::string::npos);
  for (size_t cut = 0; cut < kFragments.size(); ++cut) {
    TraceCounts again;
    CHECK(Read(kFragments, cut, &again) == whole);
    CHECK(again.damaged == 1);
  }
}

TEST_CASE("a request trace gives what is whole of it, wherever it ends") {
  for (size_t end = 0; end < kFragments.size(); ++end) {
    TraceCounts counts;
    Read(kFragments.substr(0, end), end / 2, &counts);
    CHECK(counts.fragments <= 7);
  }
}

TEST_CASE("an object longer than any fragment is not collected") {
  RequestTraceReader reader({});
  reader.Feed("[{\"id\":1,\"x\":\"");
  const std::string piece(size_t{1} << 20, 'x');
  for (size_t fed = 0; fed <= 2 * RequestTraceReader::kLongestObject; fed += piece.size()) reader.Feed(piece);
  reader.Feed("\"},{\"id\":2,\"timestamps\":[{\"name\":\"REQUEST_END\",\"ns\":7}]}]");
  reader.Finish();
  CHECK(reader.counts().damaged == 1);
  CHECK(reader.counts().fragments == 1);
}

TEST_CASE("ids that were counted up are kept as intervals") {
  IdIntervals ids;
  for (const int64_t id : {5, 3, 4, 1, 7, 2}) ids.Add(id);
  for (const int64_t id : {1, 2, 3, 4, 5, 7}) CHECK(ids.Has(id));
  for (const int64_t id : {0, 6, 8, -1}) CHECK(!ids.Has(id));
  ids.Add(std::numeric_limits<int64_t>::max());
  ids.Add(std::numeric_limits<int64_t>::min());
  CHECK(ids.Has(std::numeric_limits<int64_t>::max()));
  CHECK(ids.Has(std::numeric_limits<int64_t>::min()));
}

}  // namespace opscope
