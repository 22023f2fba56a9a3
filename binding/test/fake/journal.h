// What the client did: calls in order, misuse, counts. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace fakegpu {

class Journal {
 public:
  // `argument` < 0: none.
  void Call(const char* function, int64_t argument, int result);
  void Violation(std::string sentence);
  void Clear();

  std::string Calls() const;
  std::string Violations() const;
  uint64_t ViolationCount() const;
  uint64_t CallThreadCount() const;

  std::atomic<uint64_t> requests{0};
  std::atomic<uint64_t> completions{0};
  std::atomic<uint64_t> records{0};

 private:
  static constexpr size_t kLimit = 20'000;  // a back end that flushes for ever must not eat the memory
  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
  std::vector<std::string> violations_;
  std::set<int64_t> call_threads_;
};

// True on a thread while it runs one of the client's buffer callbacks.
bool& InBufferCallback();

}  // namespace fakegpu
