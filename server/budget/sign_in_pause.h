// SignInPause is the pause after wrong passwords: the first few cause none, each further one doubles it, and failures
// are forgotten over time. All zeros: there were no failures.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kith/core/limits.h"
#include "kith/core/time.h"

namespace kith::server {

class SignInPause {
 public:
  // Returns the milliseconds until the next attempt; 0 = now.
  [[nodiscard]] std::uint32_t wait_for(std::int64_t now_ms) const {
    return now_ms >= next_ms_ ? 0 : static_cast<std::uint32_t>(next_ms_ - now_ms);
  }
  // An attempt begins: it counts as a failure until it has succeeded, so that a hundred at once count as a hundred.
  void begin(std::int64_t now_ms) {
    healed_ms_ = std::min(std::max(healed_ms_, now_ms) + kHeals, now_ms + kHeals * kRemembered);
    const std::int64_t failures = (healed_ms_ - now_ms + kHeals - 1) / kHeals;
    const std::int64_t beyond = failures - 1 - std::int64_t{limits::sign_in_failures_free};
    if (beyond >= 0)
      next_ms_ = now_ms + std::min(kLongest, kFirst << std::min<std::int64_t>(beyond, 16));
  }
  // The attempt was no failure: the password was not checked.
  void forget_one(std::int64_t now_ms) {
    healed_ms_ = std::max(now_ms, healed_ms_ - kHeals);
    next_ms_ = now_ms;
  }
  [[nodiscard]] bool healed(std::int64_t now_ms) const {
    return now_ms >= healed_ms_ && now_ms >= next_ms_;
  }

 private:
  static constexpr std::int64_t kHeals = Millis(limits::sign_in_failure_heals).count();
  static constexpr std::int64_t kFirst = Millis(limits::sign_in_pause_first).count();
  static constexpr std::int64_t kLongest = Millis(limits::sign_in_pause_max).count();
  static constexpr std::int64_t kRemembered = 16;  // failures

  std::int64_t healed_ms_ = 0;
  std::int64_t next_ms_ = 0;
};

}  // namespace kith::server
