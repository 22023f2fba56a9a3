// What only native code can do to a process that is profiled.
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#define HOST_EXPORT extern "C" __attribute__((visibility("default")))

// A child that touches nothing of CUDA and ends by itself. Its exit code, or -1 when it hangs for ten
// seconds.
HOST_EXPORT int host_fork() {
  const pid_t child = fork();
  if (child < 0) return -2;
  if (child == 0) _exit(7);
  for (int i = 0; i < 1000; ++i) {
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : -3;
    if (ended < 0 && errno != EINTR) return -4;
    usleep(10'000);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return -1;
}

// Mean cost of reading the clock that times launches, in ns.
HOST_EXPORT double host_clock_cost(int count) {
  timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (int i = 0; i < count; ++i) clock_gettime(CLOCK_MONOTONIC, &now);
  return (static_cast<double>(now.tv_sec - begin.tv_sec) * 1e9 +
          static_cast<double>(now.tv_nsec - begin.tv_nsec)) /
         count;
}
