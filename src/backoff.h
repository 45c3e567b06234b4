// Waiting before the next attempt: exponential back-off with full jitter, so that a cut crowd comes
// back evenly.
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

  // The wait before the next attempt: random(0, min(cap, base * 2^n)), then n grows. `retry_after`
  // is what the server asked for (0 = nothing): it replaces the draw, is counted as a failure all
  // the same, and is spread by up to a tenth so that clients that were all told the same do not
  // return at once.
  Millis next(std::int64_t now_ms, Millis retry_after = Millis{0});

  // The network changed for the better: one extra try after random(0, 1 s). n does not grow; if
  // that try fails too, next() goes on where it was.
  Millis network_changed();

  // Signed in and caught up. Only after reset_after of that does n start again from zero, so that a
  // server which accepts and cuts is not hammered.
  void synced(std::int64_t now_ms);
  // The connection ended (or never came up).
  void lost(std::int64_t now_ms);

  // The application came to the foreground or left it: another cap from the next draw on.
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
