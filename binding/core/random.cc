#include "random.h"

#include <sys/random.h>

#include "clock.h"

namespace opscope {

Random::Random() noexcept : state_{} {
  if (getrandom(state_, sizeof(state_), GRND_NONBLOCK) == static_cast<ssize_t>(sizeof(state_))) return;
  // Early in the boot of a machine: the clock, spread over the state by splitmix64, which is never all zeros.
  uint64_t seed = MonotonicNs() ^ reinterpret_cast<uintptr_t>(this);
  for (uint64_t& word : state_) {
    seed += 0x9E3779B97F4A7C15u;
    uint64_t mixed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    word = mixed ^ mixed >> 31;
  }
}

}  // namespace opscope
