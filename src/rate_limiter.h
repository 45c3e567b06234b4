// RateLimiter: a token bucket in whole milliseconds of a monotonic clock.
#pragma once

#include <cstdint>

namespace kith {

class RateLimiter {
 public:
  // `per_s` > 0. Starts full.
  RateLimiter(std::uint32_t per_s, std::uint32_t burst)
      : per_s_(per_s), burst_milli_(std::int64_t{burst} * 1000), level_milli_(burst_milli_) {}

  // Takes `cost` tokens and answers 0, or takes none and answers the milliseconds until they are
  // there.
  std::uint32_t take(std::uint32_t cost, std::int64_t now_ms);

 private:
  std::int64_t per_s_;
  std::int64_t burst_milli_;
  std::int64_t level_milli_;
  std::int64_t last_ms_ = -1;
};

}  // namespace kith
