// Two pieces of work at a time.
#pragma once

#include <system_error>
#include <thread>

namespace opscope {

// Runs `aside` on a thread of its own while `here` runs on the caller's, or both
// in turn where no thread can be had or `is_worth_it` is false. `aside` must not
// throw, nor touch what `here` writes.
template <typename Here, typename Aside>
void RunBeside(bool is_worth_it, Here here, Aside aside) {
  std::thread other;
  if (is_worth_it) {
    try {
      other = std::thread(aside);
    } catch (const std::system_error&) {
    }
  }
  struct Join {
    std::thread& thread;
    ~Join() {
      if (thread.joinable()) thread.join();
    }
  };
  const bool is_beside = other.joinable();
  const Join join{other};
  here();
  if (!is_beside) aside();
}

}  // namespace opscope
