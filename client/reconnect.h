// Reconnect: when the next attempt to connect is made.
#pragma once

#include <functional>
#include <utility>

#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "src/backoff.h"
#include "src/timer.h"

namespace kith::client {

class Reconnect {
 public:
  // `connect` makes an attempt.
  Reconnect(Scheduler& scheduler, Random& random, std::function<void()> connect)
      : clock_(scheduler.clock()),
        backoff_(random, {limits::backoff_base, limits::backoff_cap_foreground,
                          limits::backoff_reset_after}),
        timer_(scheduler, std::move(connect)) {}

  // A connection ended, or never came up.
  void lost() { backoff_.lost(clock_.steady_ms()); }
  // Connects after a back-off, or when the server asked for it (0: it did not).
  void later(Millis retry_after) { timer_.start(backoff_.next(clock_.steady_ms(), retry_after)); }
  // Tries once more soon, if an attempt waits.
  void network_changed() {
    if (timer_.waits()) timer_.start(backoff_.network_changed());
  }
  // This device is signed in and has caught up.
  void synced() { backoff_.synced(clock_.steady_ms()); }
  void set_background(bool background) {
    backoff_.set_cap(background ? Millis(limits::backoff_cap)
                                : Millis(limits::backoff_cap_foreground));
  }
  void stop() { timer_.stop(); }

 private:
  Clock& clock_;
  Backoff backoff_;
  Timer timer_;
};

}  // namespace kith::client
