#include "child_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "doctest.h"

extern char** environ;

namespace fakegpu {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The parent's variables, but for those of the libraries and the given ones.
std::vector<std::string> Environment(const std::vector<std::string>& variables) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool is_replaced =
        name == "OPSCOPE_CUPTI_PATH=" || name == "OPSCOPE_CUDA_PATH=" || name.substr(0, 4) == "FAKE";
    for (const std::string& variable : variables) is_replaced |= variable.substr(0, name.size()) == name;
    if (!is_replaced) all.push_back(text);
  }
  all.insert(all.end(), variables.begin(), variables.end());
  return all;
}

}  // namespace

ChildResult RunCase(const std::string& test_case, const std::vector<std::string>& variables, int seconds) {
  // Everything is prepared before the fork: other threads may hold locks then.
  std::vector<std::string> arguments = {"/proc/self/exe", "--no-skip", "--test-case=" + test_case};
  std::vector<std::string> environment = Environment(variables);
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], 1);
    dup2(pipe_ends[1], 2);
    execve("/proc/self/exe", argument_pointers.data(), environment_pointers.data());
    _exit(127);
  }
  close(pipe_ends[1]);

  ChildResult result;
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd end{pipe_ends[0], POLLIN, 0};
    if (left <= 0 || poll(&end, 1, static_cast<int>(left)) == 0) {
      result.output += "\nkilled after " + std::to_string(seconds) + " s";
      kill(child, SIGKILL);
      break;
    }
    char bytes[4096];
    const ssize_t count = read(pipe_ends[0], bytes, sizeof bytes);
    if (count <= 0) break;
    result.output.append(bytes, static_cast<size_t>(count));
  }
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  result.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  // A misspelled name must not pass as a success.
  if (result.output.find("| 0 passed | 0 failed |") != std::string::npos) {
    result.output += "there is no test case \"" + test_case + "\"\n";
    result.exit_status = 127;
  }
  return result;
}

void CheckAll(const std::vector<ChildCase>& cases) {
  std::vector<ChildResult> results(cases.size());
  std::atomic<size_t> next{0};
  const auto run = [&] {
    for (size_t i = next++; i < cases.size(); i = next++)
      results[i] = RunCase(cases[i].test_case, cases[i].variables, cases[i].seconds);
  };
  std::vector<std::thread> runners(std::min<size_t>(cases.size(), std::thread::hardware_concurrency() + 1));
  for (std::thread& runner : runners) runner = std::thread(run);
  for (std::thread& runner : runners) runner.join();
  for (size_t i = 0; i < cases.size(); ++i) {
    std::string variables;
    for (const std::string& variable : cases[i].variables) variables += ' ' + variable;
    CHECK_MESSAGE(results[i].exit_status == 0, cases[i].test_case, variables, "\n", results[i].output);
  }
}

}  // namespace fakegpu
