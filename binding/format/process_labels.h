// What viewers call the processes of a recording, the same in every format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../core/columns.h"

namespace opscope {

struct ProcessLabel {
  // The system's where it is known and no other process of the recording has it: hosts may share numbers.
  // Else made up.
  int64_t id;
  std::string name;  // server.mjs · host-a
};
// Made-up numbers lie above any pid that Linux gives (pid_max 4194304), below those of GPUs in Chrome traces.
constexpr int64_t kFirstMadeUpProcessId = 4'900'000;

// At least one; of a plain recording "node" under its own number.
std::vector<ProcessLabel> ProcessLabels(const Recording& recording);

}  // namespace opscope
