// SignInPause is what wrong passwords have brought upon those who said them: the first few cost nothing, each further
// one doubles the pause before the next, and time heals. All zeros: there were none.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kith/core/limits.h"
#include "kith/core/time.h"

namespace kith::server {

class SignInPause {
 public:
  // The milliseconds until the next attempt; 0 = now.
  [[nodiscard]] std::uint32_t wait_for(std::int64_t now_ms) const {
    return now_ms >= next_ms_ ? 0 : static_cast<std::uint32_t>(next_ms_ - now_ms);
  }
  // An attempt begins: it counts as a failure until it is known to be none, so that a hundred at once are a hundred.
  void begin(std::int64_t now_ms) {
    healed_ms_ = std::min(std::max(healed_ms_, now_ms) + kHeals, now_ms + kHeals * kRemembered);
    const std::int64_t failures = (healed_ms_ - now_ms + kHeals - 1) / kHeals;
    const std::int64_t beyond = failures - 1 - std::int64_t{limits::sign_in_failures_free};
    if (beyond >= 0)
      next_ms_ = now_ms + std::min(kLongest, kFirst << std::min<std::int64_t>(beyond, 16));
  }
  // It was none: the password was not even looked at.
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
