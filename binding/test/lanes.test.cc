#include "format/lanes.h"

#include <algorithm>
#include <map>
#include <random>

#include "doctest.h"

namespace opscope {

TEST_CASE("intervals that follow each other share a lane") {
  Lanes lanes;
  CHECK(lanes.Place(0, 10) == 0);
  CHECK(lanes.Place(10, 20) == 0);
  CHECK(lanes.Place(20, 20) == 0);
  CHECK(lanes.Place(20, 30) == 0);
  CHECK(lanes.count() == 1);
}

TEST_CASE("an interval that overlaps gets the first lane that is free") {
  Lanes lanes;
  CHECK(lanes.Place(0, 100) == 0);
  CHECK(lanes.Place(10, 20) == 1);
  CHECK(lanes.Place(15, 40) == 2);
  CHECK(lanes.Place(20, 30) == 1);
  CHECK(lanes.Place(50, 60) == 1);
  CHECK(lanes.Place(100, 110) == 0);
  CHECK(lanes.count() == 3);
}

TEST_CASE("lanes hold no overlap, and are no more than are open at once") {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    Lanes lanes;
    std::map<uint32_t, int64_t> ends;
    std::multimap<int64_t, int> open;
    int64_t now = -1000;
    size_t most = 0;
    for (int i = 0; i < 500; ++i) {
      now += random() % 20;
      const int64_t end = now + random() % 300;
      while (!open.empty() && open.begin()->first <= now) open.erase(open.begin());
      open.emplace(end, 0);
      most = std::max(most, open.size());
      const uint32_t lane = lanes.Place(now, end);
      const auto last = ends.find(lane);
      REQUIRE((last == ends.end() || last->second <= now));
      ends[lane] = end;
    }
    CHECK(lanes.count() <= most);
  }
}

TEST_CASE("starts that go back never put two intervals over each other") {
  Lanes lanes;
  CHECK(lanes.Place(100, 200) == 0);
  CHECK(lanes.Place(0, 50) == 1);
  CHECK(lanes.Place(INT64_MIN, INT64_MAX) == 2);
  CHECK(lanes.Place(300, 400) == 0);
}

TEST_CASE("a hundred thousand open intervals are placed in no time") {
  Lanes lanes;
  for (int64_t i = 0; i < 100'000; ++i) lanes.Place(i, 1'000'000);
  CHECK(lanes.count() == 100'000);
}

TEST_CASE("a slice without length at the end of its parent is inside it, elsewhere it is not") {
  NestStack stack;
  stack.Push(100, 0);
  stack.Push(50, 1);
  CHECK_FALSE(stack.IsOver(50, 50, 1));
  CHECK(stack.IsOver(50, 50, 0));
  CHECK(stack.IsOver(50, 60, 1));
  CHECK(stack.IsOver(51, 51, 1));
  CHECK(stack.EndsBy(50));
  CHECK_FALSE(stack.EndsBy(49));
  CHECK(stack.Fits(50));
  CHECK_FALSE(stack.Fits(51));
  stack.Pop();
  CHECK_FALSE(stack.IsOver(50, 60, -1));
  CHECK(stack.top_row() == 0);
  stack.Pop();
  CHECK(stack.top_row() == NestStack::kNone);
  CHECK(stack.Fits(NestStack::kOpen));
}

}  // namespace opscope
