#include "core/random.h"

#include <set>
#include <thread>

#include "doctest.h"

using opscope::Random;

// By hand from the definition, first steps of the state {1, 2, 3, 4}: rotl(2 * 5, 7) * 9 = 1280 * 9; the
// second state is {7, 0, 262146, rotl(6, 45)}, whose second word is 0.
TEST_CASE("random: follows xoshiro256**") {
  Random random(1, 2, 3, 4);
  CHECK(random.Next() == 11520);
  CHECK(random.Next() == 0);
  // Then state[1] = 7 ^ 262146 ^ 0 ... = 262149: rotl(262149 * 5, 7) * 9.
  CHECK(random.Next() == 1509978240);
}

TEST_CASE("random: threads do not share their numbers") {
  std::set<uint64_t> seen;
  for (int thread = 0; thread < 8; ++thread) {
    std::thread([&seen] {
      Random random;
      for (int i = 0; i < 100; ++i) seen.insert(random.Next());
    }).join();
  }
  CHECK(seen.size() == 800);
}
