// The fake libraries as a test finds and drives them.
#pragma once

#include <cstdint>
#include <string>

namespace fakegpu {

// Where the fakes were built: OPSCOPE_TEST_FAKES, or beside the folder of the
// test program ("build/test" -> "build/test-fakes").
std::string FakesFolder();
// "cupti-13/libcupti.so.13" -> its absolute path.
std::string FakePath(const std::string& name);

// The controls (fakecupti.h) of the instance that the libraries of this
// process share; opened on first use. Ends the process where it is not built.
struct Controls {
  int (*run_text)(const char*);
  const char* (*error)();
  const char* (*violations)();
  const char* (*calls)();
  uint64_t (*count)(const char*);
  uint64_t (*host_ns)();
  uint64_t (*device_ns)();
  void (*reset)();
  void (*free_texts)();

  static const Controls& Get();
};

// Runs a script; "" or what is wrong with it.
std::string RunFake(const std::string& script);
std::string FakeViolations();
// How many lines of the journal are exactly this one.
uint64_t CountCalls(const std::string& line);
// The number of the line in the journal, from 0; -1 where it is missing.
int64_t PlaceOfCall(const std::string& line, bool last = false);

}  // namespace fakegpu
