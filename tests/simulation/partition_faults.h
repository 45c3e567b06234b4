// PartitionFaults: the faults of one partition's log and store, whatever those of the others do.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/simulation/seeded_random.h"
#include "tests/simulation/world.h"

namespace kith::sim {

class PartitionFaults {
 public:
  // `world` outlives it.
  PartitionFaults(World& world, std::uint32_t partition, std::uint64_t seed)
      : world_(world), partition_(partition), random_(seed, kFirstStream + partition) {}

  // Chooses the faults of this run and plans them between now and `until`.
  void plan(std::int64_t until);
  // Ends them.
  void calm();

 private:
  struct Window {
    std::int64_t from = 0;
    std::int64_t to = 0;
  };
  Window window(std::int64_t until, std::int64_t longest);
  [[nodiscard]] bool in(const Window& w) const {
    return world_.now() >= w.from && world_.now() < w.to;
  }
  void slow_down();
  void fail(Window w);
  void stand_still(std::int64_t until);
  [[nodiscard]] Millis until_end_of(const Window& w) const;

  static constexpr std::uint64_t kFirstStream = 100;
  World& world_;
  const std::uint32_t partition_;
  SeededRandom random_;
};

}  // namespace kith::sim
