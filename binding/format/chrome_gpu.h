// The GPU's part of a Chrome trace: API calls beside their threads, GPU rows on
// processes of their own, arrows between.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../core/columns.h"
#include "chrome_lines.h"

namespace opscope {

// One thread at a time; threads in their order, then the rows.
class GpuLines {
 public:
  explicit GpuLines(JsonLines* out)
      : out_(*out),
        line_(out->line()),
        recording_(out->recording()),
        launch_tids_(recording_.launches.size()) {}

  void WriteLaunches(uint32_t thread, const std::string& thread_name, int64_t sort_index);
  void WriteRows();

 private:
  JsonLines& out_;
  std::string& line_;
  const Recording& recording_;
  std::vector<int64_t> launch_tids_;
  size_t next_launch_ = 0;
};

}  // namespace opscope
