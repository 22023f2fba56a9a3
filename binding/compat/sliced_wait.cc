#include "compat/sliced_wait.h"

#include <errno.h>
#include <stdint.h>

namespace opscope {

namespace {
constexpr int64_t kSecondNs = 1'000'000'000;
// As often as the control thread wakes up by itself while a session runs.
constexpr int64_t kSliceNs = 20'000'000;

int64_t NowNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}
}  // namespace

int SlicedWait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* deadline) {
  const int64_t deadline_ns = deadline->tv_sec * kSecondNs + deadline->tv_nsec;
  const int64_t left_ns = deadline_ns - NowNs(clock);
  if (left_ns <= 0) return ETIMEDOUT;
  const int64_t slice_end_ns = NowNs(CLOCK_REALTIME) + (left_ns < kSliceNs ? left_ns : kSliceNs);
  const timespec slice_end{slice_end_ns / kSecondNs, slice_end_ns % kSecondNs};
  const int status = pthread_cond_timedwait(condition, mutex, &slice_end);
  if (status != ETIMEDOUT) return status;
  return NowNs(clock) < deadline_ns ? 0 : ETIMEDOUT;
}

}  // namespace opscope
