#pragma once

#include <pthread.h>
#include <time.h>

namespace opscope {

// pthread_cond_clockwait for glibc before 2.30, which waits on the wall clock only: in slices, so that a wall
// clock that is set moves the end by one slice at most. The end of a slice is a spurious wakeup (0), which
// every caller of a condition variable must expect; ETIMEDOUT means that `deadline` has passed on `clock`.
int SlicedWait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
               const struct timespec* deadline);

}  // namespace opscope
