// Random ids that cost no system call each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace opscope {

// xoshiro256** by David Blackman and Sebastiano Vigna (public domain, prng.di.unimi.it): its 2^256 - 1 states
// hold more streams than there will ever be threads. Not for secrets. Not thread-safe: one for each thread.
class Random {
 public:
  // Seeded by the system.
  Random() noexcept;
  // For tests.
  Random(uint64_t a, uint64_t b, uint64_t c, uint64_t d) noexcept : state_{a, b, c, d} {}

  uint64_t Next() noexcept {
    const uint64_t result = Rotate(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

 private:
  static uint64_t Rotate(uint64_t value, int bits) noexcept { return value << bits | value >> (64 - bits); }

  uint64_t state_[4];
};

}  // namespace opscope
