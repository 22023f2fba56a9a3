// Which process of a recording things belong to. A plain recording is one process.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "columns.h"

namespace opscope {

inline size_t ProcessCount(const std::vector<ProcessEntry>& processes) noexcept {
  return processes.empty() ? 1 : processes.size();
}

// Of a GPU row or allocation.
inline uint32_t ProcessOfContext(const std::vector<ProcessEntry>& processes, uint32_t context) noexcept {
  const auto after = std::upper_bound(
      processes.begin(), processes.end(), context,
      [](uint32_t wanted, const ProcessEntry& process) { return wanted < process.first_context; });
  return after == processes.begin() ? 0 : static_cast<uint32_t>(after - processes.begin()) - 1;
}

// When the process's session stopped; `duration_ns` is the recording's.
inline int64_t SessionEndNs(const std::vector<ProcessEntry>& processes, uint32_t process,
                            int64_t duration_ns) noexcept {
  if (processes.empty()) return duration_ns;
  return processes[process].start_ns + processes[process].duration_ns;
}

// Addresses of GPU memory are a process's own: makes those of several different. Of the first they stay.
constexpr uint64_t AddressKey(uint64_t address, uint32_t process) noexcept {
  return address ^ uint64_t { process } * 0x9E3779B97F4A7C15u;
}

}  // namespace opscope
