// A GPU back end driven against the fake: start, run a script, stop, and what
// came out in a form that a test can compare.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/gpu_source.h"
#include "random_script.h"

namespace fakegpu {

// Deadline of a stop where none is tested: decoding a million records takes
// seconds on a machine that does much else.
constexpr uint64_t kPatienceMs = 60'000;

struct Windows {
  int64_t start_ns = 0;
  opscope::GpuRecords records;
};

// Variables of a child process that finds the fakes: `cupti` is a folder of
// them, "cupti-13"; `more` may name other ones.
std::vector<std::string> FakeVariables(const std::string& cupti, std::vector<std::string> more = {});

// Starts (which must work), runs the script, stops. The window begins after the start.
Windows Capture(opscope::GpuSource& source, const std::string& script,
                const opscope::GpuOptions& options = {}, bool synchronize = true);

uint64_t WarningCount(const opscope::GpuRecords& records, const std::string& code);
std::string WarningText(const opscope::GpuRecords& records);  // "code=count ..." for messages
std::string NameOf(const opscope::GpuRecords& records, const opscope::GpuRow& row);
uint64_t CountRows(const opscope::GpuRecords& records, opscope::GpuKind kind);
// "" or the first difference. Times are exact to `tolerance_ns` at the start; durations always are.
std::string Compare(const Windows& window, const ExpectedRecords& expected, int64_t tolerance_ns);

}  // namespace fakegpu
