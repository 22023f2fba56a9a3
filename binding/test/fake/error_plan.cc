#include "error_plan.h"

#include <charconv>
#include <chrono>
#include <thread>

namespace fakegpu {
namespace {

bool ParseNumber(std::string_view text, int64_t* value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && stop == end;
}

bool IsCupti(std::string_view function) { return function.substr(0, 5) == "cupti"; }

// On a machine without driver or device: 15 up to 12.x, 999 from 13.0 on, and
// two calls that answer differently.
int AnswerWithoutDevice(std::string_view function, bool has_driver, const Personality& personality) {
  const int refusal = personality.IsVersion13() ? kUnknown : kNotInitialized;
  if (function == "cuptiFinalize") return kSuccess;
  if (function == "cuptiActivityRegisterCallbacks") return has_driver ? refusal : kSuccess;
  if (function == "cuptiActivityGetNumDroppedRecords" && personality.IsVersion13()) return kSuccess;
  if (function == "cuptiUnsubscribe" || function == "cuptiEnableCallback") return kInvalidParameter;
  return refusal;
}

}  // namespace

void ErrorPlan::Clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  no_driver_ = no_device_ = false;
}

bool ErrorPlan::Add(std::string_view text, std::string* bad) {
  const std::lock_guard lock(mutex_);
  while (true) {
    const size_t start = text.find_first_not_of(", \t");
    if (start == std::string_view::npos) return true;
    text.remove_prefix(start);
    const std::string_view entry = text.substr(0, text.find_first_of(", \t"));
    text.remove_prefix(entry.size());
    if (!AddEntry(entry)) {
      *bad = entry;
      return false;
    }
  }
}

bool ErrorPlan::AddEntry(std::string_view text) {
  if (text == "no-driver") return no_driver_ = true;
  if (text == "no-device") return no_device_ = true;
  Entry entry;
  constexpr std::string_view kDelay = "delay:";
  if (text.substr(0, kDelay.size()) == kDelay) {
    entry.is_delay = true;
    text.remove_prefix(kDelay.size());
  }
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  std::string_view function = text.substr(0, equals);
  std::string_view value = text.substr(equals + 1);
  if (const size_t at = value.find('@'); at != std::string_view::npos) {
    int64_t from = 0;
    if (!ParseNumber(value.substr(at + 1), &from) || from < 1) return false;
    entry.from_call = static_cast<uint32_t>(from);
    value = value.substr(0, at);
  }
  if (const size_t colon = function.find(':'); colon != std::string_view::npos) {
    if (!ParseNumber(function.substr(colon + 1), &entry.argument)) return false;
    function = function.substr(0, colon);
  }
  if (function != "all" && function != "cuda-all" && function.substr(0, 2) != "cu") return false;
  if (!ParseNumber(value, &entry.value)) return false;
  entry.function = function;
  entries_.push_back(entry);
  return true;
}

bool ErrorPlan::Matches(Entry& entry, std::string_view function, int64_t argument) const {
  const bool is_named = entry.function == function || (entry.function == "all" && IsCupti(function)) ||
                        (entry.function == "cuda-all" && !IsCupti(function));
  if (!is_named || (entry.argument >= 0 && entry.argument != argument)) return false;
  return ++entry.calls >= entry.from_call;
}

std::optional<int> ErrorPlan::Check(const char* function, int64_t argument, const Personality& personality) {
  int64_t delay_ms = 0;
  std::optional<int> code;
  {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : entries_) {
      if (!Matches(entry, function, argument)) continue;
      if (entry.is_delay) {
        delay_ms += entry.value;
      } else if (!code) {
        code = static_cast<int>(entry.value);
      }
    }
    if (!code && IsCupti(function) && (no_driver_ || no_device_)) {
      const int answer = AnswerWithoutDevice(function, no_device_, personality);
      if (answer != kSuccess) code = answer;
    }
  }
  if (delay_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
  return code;
}

}  // namespace fakegpu
