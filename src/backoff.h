// Backoff computes the wait before the next attempt: exponential with full jitter, so that many clients that
// were cut off together come back evenly.
#pragma once

#include <cstdint>

#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "kith/core/time.h"

namespace kith {

struct BackoffRules {
  Millis base = limits::backoff_base;
  Millis cap = limits::backoff_cap;
  Millis reset_after = limits::backoff_reset_after;
};

// Pure: times are monotonic milliseconds given by the caller. One per connection; one thread.
class Backoff {
 public:
  explicit Backoff(Random& random, BackoffRules rules = {}) : random_(random), rules_(rules) {}

  // Returns the wait before the next attempt, random(0, min(cap, base * 2^n)), and increments n. A
  // `retry_after` of the server (0 = none) replaces the draw and counts as a failure too; it is spread by
  // up to a tenth, so that clients with the same retry_after do not return at once.
  Millis next(std::int64_t now_ms, Millis retry_after = Millis{0});

  // The network has improved: returns the wait, random(0, 1 s), before one extra attempt. n does not grow;
  // if the attempt fails, next() continues from its old n.
  Millis network_changed();

  // Signed in and caught up. n starts again from zero only after reset_after in this state, so that a
  // server that accepts and then cuts connections is not flooded.
  void synced(std::int64_t now_ms);
  // The connection ended (or never came up).
  void lost(std::int64_t now_ms);

  // The application has entered or left the foreground: sets the cap of the next draws.
  void set_cap(Millis cap) { rules_.cap = cap; }

  // Upper end of the next draw.
  [[nodiscard]] Millis window() const;
  [[nodiscard]] std::uint32_t failures() const { return failures_; }

 private:
  Random& random_;
  BackoffRules rules_;
  std::uint32_t failures_ = 0;
  std::int64_t synced_at_ = -1;  // -1 = not synced
};

}  // namespace kith
