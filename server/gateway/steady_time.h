// Steady_time: ends that tokens name by the wall clock, on the monotonic one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kith/core/time.h"

namespace kith::server {

// 0 = never, both ways.
inline std::int64_t steady_end(Clock& clock, std::int64_t wall_ms) {
  if (wall_ms == 0) return 0;
  return std::max<std::int64_t>(1, clock.steady_ms() + (wall_ms - clock.wall().ms));
}

}  // namespace kith::server
