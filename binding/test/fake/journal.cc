#include "journal.h"

#include <unistd.h>

namespace fakegpu {

namespace {
std::string Join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}
}  // namespace

bool& InBufferCallback() {
  thread_local bool inside = false;
  return inside;
}

void Journal::Call(const char* function, int64_t argument, int result) {
  std::string line = function;
  if (argument >= 0) line += ' ' + std::to_string(argument);
  line += " -> " + std::to_string(result);
  const std::lock_guard lock(mutex_);
  call_threads_.insert(gettid());
  if (calls_.size() < kLimit) calls_.push_back(std::move(line));
}

void Journal::Violation(std::string sentence) {
  const std::lock_guard lock(mutex_);
  if (violations_.size() < kLimit) violations_.push_back(std::move(sentence));
}

void Journal::Clear() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
  violations_.clear();
  call_threads_.clear();
  requests = completions = records = 0;
}

std::string Journal::Calls() const {
  const std::lock_guard lock(mutex_);
  return Join(calls_);
}
std::string Journal::Violations() const {
  const std::lock_guard lock(mutex_);
  return Join(violations_);
}
uint64_t Journal::ViolationCount() const {
  const std::lock_guard lock(mutex_);
  return violations_.size();
}
uint64_t Journal::CallThreadCount() const {
  const std::lock_guard lock(mutex_);
  return call_threads_.size();
}

}  // namespace fakegpu
