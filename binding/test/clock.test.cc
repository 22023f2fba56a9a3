#include "core/clock.h"

#include "doctest.h"

using namespace opscope;

TEST_CASE("ticks map piecewise linearly, with the outer pieces extended") {
  ClockMap map({{1000, 5'000'000}, {3000, 5'004'000}, {4000, 5'005'000}});  // 2 ns a tick, then 1
  CHECK(map.Map(1000) == 0);
  CHECK(map.Map(2000) == 2000);
  CHECK(map.Map(3000) == 4000);
  CHECK(map.Map(3500) == 4500);
  CHECK(map.Map(5000) == 6000);
  CHECK(map.Map(500) == -1000);
  CHECK(map.Map(2500) == 3000);  // back again
}

TEST_CASE("an hour at 2.5 GHz is exact to the nanosecond") {
  const uint64_t hour_ns = 3'600'000'000'000;
  ClockMap map({{0, 0}, {hour_ns * 5 / 2, hour_ns}});
  CHECK(map.Map(hour_ns * 5 / 2) >= static_cast<int64_t>(hour_ns) - 1);
  CHECK(map.Map(hour_ns * 5 / 2) <= static_cast<int64_t>(hour_ns));
}

TEST_CASE("points too close to give a rate are left out") {
  ClockMap map({{100, 1000}, {101, 1001}, {300, 101'000}});
  CHECK(map.Map(200) == 50'000);
}

TEST_CASE("this machine's clock gives a rate within a part in a thousand over 20 ms") {
  const ClockPoint start = ReadClockPoint();
  while (MonotonicNs() < start.ns + 20'000'000) {
  }
  const ClockPoint end = ReadClockPoint();
  ClockMap map({start, end});
  const int64_t half = map.Map(start.ticks + (end.ticks - start.ticks) / 2);
  CHECK(half > static_cast<int64_t>(end.ns - start.ns) / 2 - 20'000);
  CHECK(half < static_cast<int64_t>(end.ns - start.ns) / 2 + 20'000);
}
