// Time in microseconds and cheap randomness, with which a load generator measures and paces.
#pragma once

#include <chrono>
#include <cstdint>

#include "kith/core/random.h"
#include "src/split_mix.h"

namespace kith::bench {

using Micros = std::int64_t;
inline constexpr Micros kSecond = 1'000'000;

inline Micros now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Seeded by the system: ids must differ, nobody needs to find them hard to guess.
class FastRandom final : public SplitMix {
 public:
  FastRandom() : SplitMix(seed()) {}

 private:
  static std::uint64_t seed() {
    std::uint64_t state = 0;
    system_random().fill(&state, sizeof state);
    return state;
  }
};

}  // namespace kith::bench
