// Which call of the fake libraries fails, and which one takes its time.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "personality.h"

namespace fakegpu {

// Entries, separated by commas or blanks:
//   no-driver, no-device        CUPTI's answers on such a machine (spec section 1.4)
//   all=15                      every state-changing CUPTI call
//   cuda-all=34                 every driver call
//   cuptiSubscribe=39           one function
//   cuptiActivityEnable:38=27   one function for one kind, attribute or id
//   cuptiActivityFlushAll=999@3 from its third call on
//   delay:cuptiActivityEnable=500   it takes 500 ms first
// Any thread.
class ErrorPlan {
 public:
  void Clear();
  // Adds to the plan. False, with the entry in `bad`, when one is not understood.
  bool Add(std::string_view text, std::string* bad);
  // Sleeps if planned, then the code that the call must answer, if any.
  std::optional<int> Check(const char* function, int64_t argument, const Personality& personality);

 private:
  struct Entry {
    std::string function;
    int64_t argument = -1;
    int64_t value = 0;
    uint32_t from_call = 1;
    bool is_delay = false;
    uint32_t calls = 0;
  };
  bool AddEntry(std::string_view entry);
  bool Matches(Entry& entry, std::string_view function, int64_t argument) const;

  std::mutex mutex_;
  std::vector<Entry> entries_;
  bool no_driver_ = false;
  bool no_device_ = false;
};

}  // namespace fakegpu
