// One queue for each direction.
#include "tests/simulation/cluster/wire.h"

#include <algorithm>
#include <utility>

namespace kith::sim {

void Wire::post(Call call) {
  if (cut_) return;
  calls_.push_back(std::move(call));
  const std::int64_t now = to_.clock().steady_ms();
  last_due_ = std::max(last_due_, now + delays_.random->between(0, delays_.most_ms));
  to_.after(Millis(last_due_ - now), [self = shared_from_this()] { self->arrive(); });
}

// A process that was frozen may take them up later; their order stays.
void Wire::arrive() {
  if (cut_ || calls_.empty()) return;
  Call call = std::move(calls_.front());
  calls_.pop_front();
  call();
}

}  // namespace kith::sim
