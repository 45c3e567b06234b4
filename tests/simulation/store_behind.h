// StoreBehind: a run in which the store is slow and may be only a few records behind, with the fate
// of the commands that wait for it.
#pragma once

#include <cstdint>
#include <vector>

#include "server/conversation/store_pace.h"
#include "tests/simulation/seeded_random.h"
#include "tests/simulation/world.h"

namespace kith::sim {

// A few people in a few minutes are enough for these.
inline constexpr server::LagMarks kFewRecords{8, 20, 40, 30};

struct Waits {
  std::uint64_t most_held = 0;    // commands at once, in front of the log
  std::uint64_t let_on = 0;       // waited, and went into the log
  std::uint64_t refused = 0;      // answers OVERLOADED
  std::uint64_t most_behind = 0;  // records in the log, or on their way, and not in the store
};

// The partitions share the lag that is allowed.
// Outlives the faults of the run, which end the store's slowness with everything else.
class StoreBehind {
 public:
  // Before the server starts: it gets these marks.
  StoreBehind(World& world, std::uint64_t seed, const server::LagMarks& marks);

  // Every batch takes its time from now on; in some runs many fail, too. After other faults were
  // planned: the store has one slowness.
  void slow_down();
  [[nodiscard]] Waits waits() const;

 private:
  void look();
  [[nodiscard]] std::uint64_t look_at_stores(bool same);

  World& world_;
  SeededRandom random_;
  const server::LagMarks marks_;
  Waits waits_;
  // As they were after the step before, of this process of the server.
  std::uint64_t process_ = 0;
  std::uint64_t held_ = 0;
  std::uint64_t in_log_ = 0;
  std::vector<std::uint64_t> behind_;  // by partition
};

}  // namespace kith::sim
