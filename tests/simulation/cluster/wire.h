// Wire: a lane between two simulated processes. Calls take a while, keep their order, and are lost when it breaks.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "kith/core/scheduler.h"
#include "server/link/lane.h"
#include "tests/simulation/seeded_random.h"

namespace kith::sim {

// How slow wires are.
struct WireDelays {
  SeededRandom* random = nullptr;
  std::int64_t most_ms = 3;
};

class Wire : public server::Lane, public std::enable_shared_from_this<Wire> {
 public:
  // `to`: the loop of the other side; used until the wire is cut.
  Wire(Scheduler& to, const WireDelays& delays) : to_(to), delays_(delays) {}

  void post(Call call) override;
  // Everything on its way is lost, and all that comes.
  void cut() {
    cut_ = true;
    calls_.clear();
  }

 private:
  void arrive();

  Scheduler& to_;
  const WireDelays& delays_;
  bool cut_ = false;
  std::int64_t last_due_ = 0;
  std::deque<Call> calls_;
};

}  // namespace kith::sim
