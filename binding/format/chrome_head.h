// What a Chrome trace tells before its events: its metadata.
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

 private:
  void AddProcesses();
  void AddThreads();
  void AddPauses();
  void AddWarnings();
  void AddGpuTables();
  template <typename Row, typename AddRow>
  void AddObjects(std::string_view key, const std::vector<Row>& rows, AddRow add_row);
  void WriteLongNames();

  JsonLines& out_;
  std::string& line_;
  const Recording& recording_;
};

}  // namespace opscope
