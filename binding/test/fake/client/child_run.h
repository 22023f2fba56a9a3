// One test case in a process of its own: libraries are loaded once a process,
// and a test that needs another one, or other variables, needs another process.
#pragma once

#include <string>
#include <vector>

namespace fakegpu {

struct ChildResult {
  int exit_status = -1;  // 128 + n: ended by signal n
  std::string output;    // stdout and stderr
};

// Runs the named test case of this very program with these variables set
// ("NAME=value"), and kills it after `seconds`. Such a case carries
// doctest::skip(), so that it does not run by itself.
ChildResult RunCase(const std::string& test_case, const std::vector<std::string>& variables,
                    int seconds = 300);

struct ChildCase {
  std::string test_case;
  std::vector<std::string> variables;
  int seconds = 300;
};
// Runs them all, some at a time, as many wait for a deadline or a clock, and checks that each passes.
void CheckAll(const std::vector<ChildCase>& cases);

}  // namespace fakegpu
