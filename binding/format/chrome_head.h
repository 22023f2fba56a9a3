// What a Chrome trace tells beside its events: its metadata.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chrome_lines.h"

namespace opscope {

class HeadLines {
 public:
  explicit HeadLines(JsonLines* out) : out_(*out), line_(out->line()), recording_(out->recording()) {}

  // The whole file up to its first event.
  void Write();
  // Of a recording that grows: what is known at its start, up to its first event.
  void WriteStart();

  // Members of the object that the line holds.
  void AddWarnings(const std::vector<Warning>& warnings);
  void AddGpuTables();

 private:
  void Open(std::string_view format);
  void AddProcesses();
  void AddThreads();
  void AddPauses();
  template <typename Row, typename AddRow>
  void AddObjects(std::string_view key, const std::vector<Row>& rows, AddRow add_row);
  void WriteLongNames();

  JsonLines& out_;
  std::string& line_;
  const Recording& recording_;
};

}  // namespace opscope
