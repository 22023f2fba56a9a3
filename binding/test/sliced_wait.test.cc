#include "compat/sliced_wait.h"

#include <errno.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "doctest.h"

using namespace opscope;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {
struct Waiter {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  bool is_ready = false;
  int wait_count = 0;

  // Waits until it is ready, at most so often. The status of the last wait.
  int WaitFor(milliseconds time, int most_waits) {
    timespec deadline{};
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += time.count() / 1000;
    deadline.tv_nsec += time.count() % 1000 * 1'000'000;
    if (deadline.tv_nsec >= 1'000'000'000) {
      deadline.tv_sec++;
      deadline.tv_nsec -= 1'000'000'000;
    }
    pthread_mutex_lock(&mutex);
    int status = 0;
    while (!is_ready && status == 0 && wait_count < most_waits) {
      wait_count++;
      status = SlicedWait(&condition, &mutex, CLOCK_MONOTONIC, &deadline);
    }
    pthread_mutex_unlock(&mutex);
    return status;
  }
};
}  // namespace

TEST_CASE("a sliced wait ends with ETIMEDOUT at its deadline on the steady clock, not before") {
  Waiter waiter;
  const auto start = steady_clock::now();
  CHECK(waiter.WaitFor(milliseconds(50), 1000) == ETIMEDOUT);
  CHECK(steady_clock::now() - start >= milliseconds(50));
}

TEST_CASE("a sliced wait ends its slice as if woken, far from its deadline") {
  Waiter waiter;
  const auto start = steady_clock::now();
  CHECK(waiter.WaitFor(milliseconds(60'000), 2) == 0);
  CHECK(waiter.wait_count == 2);
  CHECK(steady_clock::now() - start < milliseconds(30'000));
}

TEST_CASE("a sliced wait whose deadline has passed does not wait") {
  Waiter waiter;
  CHECK(waiter.WaitFor(milliseconds(-2000), 1000) == ETIMEDOUT);
  CHECK(waiter.wait_count == 1);
}

TEST_CASE("a sliced wait is woken by a notification long before its deadline") {
  Waiter waiter;
  const auto start = steady_clock::now();
  std::thread notifier([&] {
    pthread_mutex_lock(&waiter.mutex);
    waiter.is_ready = true;
    pthread_cond_signal(&waiter.condition);
    pthread_mutex_unlock(&waiter.mutex);
  });
  CHECK(waiter.WaitFor(milliseconds(60'000), 1'000'000) == 0);
  CHECK(steady_clock::now() - start < milliseconds(30'000));
  notifier.join();
}

// Built with OPSCOPE_STATIC_RUNTIME, the unwinder finds its tables through compat/glibc_floor.cc.
TEST_CASE("an exception is caught by the function above the one that throws") {
  CHECK_THROWS_AS([[maybe_unused]] const int number = std::stoi("no number"), std::invalid_argument);
}
