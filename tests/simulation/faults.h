// Faults: what goes wrong, at random, until it stops.
#pragma once

#include <cstdint>

#include "tests/simulation/seeded_random.h"
#include "tests/simulation/world.h"

namespace kith::sim {

class Faults {
 public:
  Faults(World& world, std::uint64_t seed) : world_(world), random_(seed, 5) {}

  // Chooses the kinds of faults of this run and plans them between now and `until`.
  void plan(std::int64_t until);
  // Everything works again: machines run, disks have room, the network is calm.
  void stop();

 private:
  World& world_;
  SeededRandom random_;
};

}  // namespace kith::sim
