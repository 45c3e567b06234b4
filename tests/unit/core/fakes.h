// Seeded randomness and a clock that stands still, for the tests of the protocol core.
#pragma once

#include <cstdint>

#include "kith/core/time.h"
#include "src/split_mix.h"

namespace kith::test {

using SeededRandom = SplitMix;

class ManualClock final : public Clock {
 public:
  Timestamp wall() override { return Timestamp{wall_ms}; }
  std::int64_t steady_ms() override { return steady; }
  std::int64_t wall_ms = 1'700'000'000'000;
  std::int64_t steady = 0;
};

}  // namespace kith::test
