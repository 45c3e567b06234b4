// Full jitter: every moment of the window is equally likely.
#include "src/backoff.h"

#include <algorithm>

namespace kith {
namespace {

constexpr Millis kNetworkChangeWindow{1000};
constexpr std::int64_t kRetryAfterMaxMs = Millis(limits::retry_after_max).count();

}  // namespace

Millis Backoff::window() const {
  Millis window = std::min(rules_.base, rules_.cap);
  for (std::uint32_t i = 0; i < failures_ && window < rules_.cap; ++i) {
    window = std::min(window * 2, rules_.cap);
  }
  return window;
}

Millis Backoff::next(std::int64_t now_ms, Millis retry_after) {
  lost(now_ms);
  const Millis limit = window();
  if (failures_ < UINT32_MAX) ++failures_;
  if (retry_after.count() > 0) {
    const std::int64_t asked = std::min(retry_after.count(), kRetryAfterMaxMs);
    return Millis(asked + static_cast<std::int64_t>(
                              random_.below(static_cast<std::uint64_t>(asked / 10 + 1))));
  }
  return Millis(random_.below(static_cast<std::uint64_t>(limit.count()) + 1));
}

Millis Backoff::network_changed() {
  return Millis(random_.below(static_cast<std::uint64_t>(kNetworkChangeWindow.count()) + 1));
}

void Backoff::synced(std::int64_t now_ms) {
  if (synced_at_ < 0) synced_at_ = now_ms;
}

void Backoff::lost(std::int64_t now_ms) {
  if (synced_at_ >= 0 && now_ms - synced_at_ >= rules_.reset_after.count()) failures_ = 0;
  synced_at_ = -1;
}

}  // namespace kith
