#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "doctest.h"
#include "gpu/activity_buffers.h"

using namespace opscope::gpu;

namespace {

size_t CountCompleted(ActivityBufferPool* pool) {
  size_t count = 0;
  for (ActivityBuffer* buffer = pool->TakeCompleted(); buffer != nullptr; ++count) {
    ActivityBuffer* next = buffer->next;
    pool->Recycle(buffer);
    buffer = next;
  }
  return count;
}

}  // namespace

TEST_CASE("buffers are zeroed, aligned and given again after they were recycled") {
  ActivityBufferPool pool(4, -1);
  pool.Prepare(1);
  size_t bytes = 0;
  uint8_t* first = pool.Request(&bytes);
  REQUIRE(first != nullptr);
  CHECK(bytes == ActivityBufferPool::kBufferBytes);
  CHECK(reinterpret_cast<uintptr_t>(first) % 64 == 0);
  std::memset(first, 0xA5, bytes);
  pool.Complete(nullptr, 0, first, 1000);
  CHECK(CountCompleted(&pool) == 1);
  uint8_t* again = pool.Request(&bytes);
  CHECK(again == first);
  CHECK(std::all_of(again, again + bytes, [](uint8_t byte) { return byte == 0; }));
  CHECK(pool.late_count() == 0);
}

TEST_CASE("completed buffers come in order, with what was said of them") {
  ActivityBufferPool pool(4, -1);
  size_t bytes = 0;
  int context = 0;
  uint8_t* one = pool.Request(&bytes);
  uint8_t* two = pool.Request(&bytes);
  pool.Complete(&context, 7, one, 40);
  pool.Complete(nullptr, 0, two, bytes + 1);
  ActivityBuffer* first = pool.TakeCompleted();
  REQUIRE(first != nullptr);
  CHECK(first->memory() == one);
  CHECK(first->valid_bytes == 40);
  CHECK(first->context == &context);
  CHECK(first->stream == 7);
  REQUIRE(first->next != nullptr);
  CHECK(first->next->valid_bytes == bytes);  // never more than there is
  CHECK(first->next->next == nullptr);
  CHECK(pool.TakeCompleted() == nullptr);
}

TEST_CASE("at the limit an old CUPTI gets a buffer to throw away, a new one gets none") {
  ActivityBufferPool pool(2, -1);
  size_t bytes = 0;
  CHECK(pool.Request(&bytes) != nullptr);
  CHECK(pool.Request(&bytes) != nullptr);
  uint8_t* discard = pool.Request(&bytes);
  REQUIRE(discard != nullptr);
  CHECK(bytes == ActivityBufferPool::kDiscardBytes);
  pool.Complete(nullptr, 0, discard, 80);
  ActivityBuffer* completed = pool.TakeCompleted();
  REQUIRE(completed != nullptr);
  CHECK(completed->is_discard);
  pool.Recycle(completed);
  CHECK(pool.Request(&bytes) == discard);
  pool.set_null_crashes(false);
  CHECK(pool.Request(&bytes) == nullptr);
  CHECK(bytes == 0);
  CHECK(pool.refused_count() == 1);
  CHECK(pool.made_count() == 2);
}

TEST_CASE("a buffer that is completed twice, or was never lent, is ignored and counted") {
  ActivityBufferPool pool(2, -1);
  size_t bytes = 0;
  uint8_t* buffer = pool.Request(&bytes);
  pool.Complete(nullptr, 0, buffer, 40);
  pool.Complete(nullptr, 0, buffer, 40);
  CHECK(pool.stray_count() == 1);
  CHECK(CountCompleted(&pool) == 1);
  pool.Complete(nullptr, 0, buffer, 40);
  pool.Complete(nullptr, 0, nullptr, 40);
  CHECK(pool.stray_count() == 2);
  CHECK(CountCompleted(&pool) == 0);
}

TEST_CASE("memory of another client is ignored and counted, whatever lies in front of it") {
  ActivityBufferPool pool(4, -1);
  size_t bytes = 0;
  uint8_t* ours = pool.Request(&bytes);
  // A header would be read from the first page, and the program would die.
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto* pages = static_cast<uint8_t*>(mmap(nullptr, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  REQUIRE(mprotect(pages, page, PROT_NONE) == 0);
  pool.Complete(nullptr, 0, pages + page, 64);
  CHECK(pool.stray_count() == 1);
  pool.Complete(nullptr, 0, ours, 64);
  CHECK(CountCompleted(&pool) == 1);
  munmap(pages, 2 * page);
}

TEST_CASE("the first completion of a batch wakes the reader, later ones do not write again") {
  const int wake_fd = eventfd(0, EFD_NONBLOCK);
  ActivityBufferPool pool(4, wake_fd);
  size_t bytes = 0;
  uint8_t* one = pool.Request(&bytes);
  uint8_t* two = pool.Request(&bytes);
  pool.Complete(nullptr, 0, one, 40);
  pool.Complete(nullptr, 0, two, 40);
  uint64_t count = 0;
  CHECK(read(wake_fd, &count, sizeof(count)) == sizeof(count));
  CHECK(count == 1);
  close(wake_fd);
}

TEST_CASE("trimmed buffers are still there, and still zero") {
  ActivityBufferPool pool(4, -1);
  size_t bytes = 0;
  std::vector<uint8_t*> lent;
  for (int i = 0; i < 4; ++i) {
    lent.push_back(pool.Request(&bytes));
    std::memset(lent.back(), 0xA5, bytes);
  }
  for (uint8_t* buffer : lent) pool.Complete(nullptr, 0, buffer, 8);
  CountCompleted(&pool);
  pool.Trim(1);
  CHECK(pool.free_count() == 4);
  for (int i = 0; i < 4; ++i) {
    uint8_t* buffer = pool.Request(&bytes);
    REQUIRE(buffer != nullptr);
    CHECK(bytes == ActivityBufferPool::kBufferBytes);
    CHECK(std::all_of(buffer, buffer + bytes, [](uint8_t byte) { return byte == 0; }));
  }
  CHECK(pool.made_count() == 4);
}

TEST_CASE("launching threads and one reader share the pool without losing or doubling a buffer") {
  constexpr int kThreads = 4, kRounds = 300;
  ActivityBufferPool pool(16, -1);
  pool.set_null_crashes(false);
  std::atomic<int> running{kThreads};
  std::atomic<uint64_t> completed{0};
  std::atomic<bool> was_doubled{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        size_t bytes = 0;
        uint8_t* buffer = pool.Request(&bytes);
        if (buffer == nullptr) continue;
        if (buffer[0] != 0) was_doubled = true;
        buffer[0] = static_cast<uint8_t>(i + 1);
        if (buffer[0] != i + 1) was_doubled = true;
        pool.Complete(nullptr, 0, buffer, 8);
        ++completed;
      }
      --running;
    });
  }
  uint64_t taken = 0;
  while (running > 0) taken += CountCompleted(&pool);
  for (std::thread& thread : threads) thread.join();
  taken += CountCompleted(&pool);
  CHECK(taken == completed);
  CHECK_FALSE(was_doubled);
  CHECK(pool.made_count() <= 16);
  CHECK(pool.stray_count() == 0);
  CHECK(completed + pool.refused_count() == uint64_t{kThreads} * kRounds);
  CHECK(pool.free_count() == pool.made_count());
}
