// Faults: none yet.
#include "tests/simulation/faults.h"

namespace kith::sim {
void Faults::plan(std::int64_t) {}
void Faults::stop() {
  world_.network().heal();
  for (auto& device : world_.devices()) {
    device->faults = {};
    device->wants_online = true;
    device->start();
    device->engine()->connect();
  }
}
}  // namespace kith::sim
