// A Chrome trace as an importer sees it that knows what chrome_stream.h says.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "doctest.h"
#include "json_reader.h"

namespace opscope::test {

inline int64_t NsOf(const Json& micros) { return std::llround(micros.number * 1000); }

// X events of one track lie in each other, or apart.
inline void CheckNesting(const Json& trace) {
  std::map<std::pair<int64_t, int64_t>, std::vector<std::pair<int64_t, int64_t>>> tracks;
  for (const Json& event : trace["traceEvents"].items) {
    if (event["ph"].text != "X") continue;
    const int64_t start = NsOf(event["ts"]);
    tracks[{static_cast<int64_t>(event["pid"].number), static_cast<int64_t>(event["tid"].number)}]
        .emplace_back(start, -(start + NsOf(event["dur"])));
  }
  for (auto& [track, slices] : tracks) {
    std::stable_sort(slices.begin(), slices.end());
    std::vector<int64_t> open;
    for (const auto& [start, minus_end] : slices) {
      while (!open.empty() && open.back() <= start) open.pop_back();
      REQUIRE((open.empty() || -minus_end <= open.back()));
      open.push_back(-minus_end);
    }
  }
}

struct StreamedRow {
  std::string name, category;
  int64_t start_ns = 0, end_ns = 0, tid = 0;
  int64_t parent = -1;
  const Json* args = nullptr;  // of the trace, which outlives this
};

// The span rows of a trace that grew, in the order of the file.
inline std::vector<StreamedRow> StreamedRowsOf(const Json& trace) {
  std::vector<StreamedRow> rows;
  std::map<int64_t, std::vector<size_t>> waiting;  // by tid: whose parent is still to come
  std::map<std::string, size_t> by_id;
  std::map<int64_t, size_t> by_number;
  for (const Json& event : trace["traceEvents"].items) {
    const Json& args = event["args"];
    const std::string& phase = event["ph"].text;
    if (phase == "e") rows.back().end_ns = NsOf(event["ts"]);
    if ((phase != "X" && phase != "b") || args.Has("pause") || args.Has("sync_part")) continue;
    if (event["pid"].number >= 5'000'000 || args.Has("correlation") || args.Has("overhead")) continue;
    StreamedRow row;
    row.name = event["name"].text;
    row.category = event["cat"].text;
    row.tid = static_cast<int64_t>(event["tid"].number);
    row.start_ns = NsOf(event["ts"]);
    row.end_ns = row.start_ns + NsOf(event["dur"]);
    row.args = &args;
    const size_t index = rows.size();
    if (phase == "X") {
      std::vector<size_t>& open = waiting[row.tid];
      while (!open.empty()) {
        StreamedRow& child = rows[open.back()];
        const bool is_inside = child.start_ns > row.start_ns ||
                               (child.start_ns == row.start_ns && child.end_ns > child.start_ns);
        if (!is_inside) break;
        child.parent = static_cast<int64_t>(index);
        open.pop_back();
      }
      if (!args.Has("parent_row") && !args.Has("parent_span_id")) open.push_back(index);
    }
    if (args.Has("span_id")) by_id[args["span_id"].text] = index;
    if (args.Has("row")) by_number[static_cast<int64_t>(args["row"].number)] = index;
    rows.push_back(std::move(row));
  }
  for (StreamedRow& row : rows) {
    const auto number = by_number.find(static_cast<int64_t>((*row.args)["parent_row"].number));
    auto id = by_id.find((*row.args)["parent_span_id"].text);
    if (id == by_id.end()) id = by_id.find((*row.args)["within_span_id"].text);
    if (id != by_id.end()) {
      row.parent = static_cast<int64_t>(id->second);
    } else if (number != by_number.end()) {
      row.parent = static_cast<int64_t>(number->second);
    }
  }
  return rows;
}

}  // namespace opscope::test
