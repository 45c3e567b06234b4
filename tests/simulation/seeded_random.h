// The only source of chance of a run: one stream per purpose, all from one seed.
#pragma once

#include <cstdint>

#include "src/split_mix.h"

namespace kith::sim {

class SeededRandom : public SplitMix {
 public:
  SeededRandom(std::uint64_t seed, std::uint64_t stream) : SplitMix(mix(seed) ^ mix(~stream)) {}

  // Uniform in [from, to].
  std::int64_t between(std::int64_t from, std::int64_t to) {
    return from + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(to - from + 1)));
  }
};

}  // namespace kith::sim
