// RateLimiter: a token bucket.
#include "src/rate_limiter.h"

#include <algorithm>

namespace kith {

std::uint32_t RateLimiter::take(std::uint32_t cost, std::int64_t now_ms) {
  if (last_ms_ >= 0 && now_ms > last_ms_) {
    // A full bucket is reached long before the product can overflow.
    const std::int64_t passed = std::min<std::int64_t>(now_ms - last_ms_, 3'600'000);
    level_milli_ = std::min(burst_milli_, level_milli_ + passed * per_s_);
  }
  last_ms_ = now_ms;
  // More than the bucket ever holds is let through when it is full: it cannot wait for more.
  const std::int64_t wanted = std::min(std::int64_t{cost} * 1000, burst_milli_);
  if (wanted <= level_milli_) {
    level_milli_ -= wanted;
    return 0;
  }
  return static_cast<std::uint32_t>((wanted - level_milli_ + per_s_ - 1) / per_s_);
}

}  // namespace kith
