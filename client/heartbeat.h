// Heartbeat: pings the server now and then, and notices when it does not answer.
#pragma once

#include <cstdint>
#include <functional>

#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "src/timer.h"

namespace kith::client {

class Heartbeat {
 public:
  struct Hooks {
    std::function<void()> ping;    // sends one
    std::function<void()> silent;  // nothing came in time
  };
  Heartbeat(Scheduler& scheduler, Random& random, Hooks hooks);

  // Pings about every `interval` from now on.
  void start(Millis interval);
  void stop();
  // Pings now; something has to come within `limit`.
  void ping(Millis limit);
  // Something came.
  void heard() { answer_.stop(); }

 private:
  void arm();

  Clock& clock_;
  Random& random_;
  const Hooks hooks_;
  Millis interval_ = limits::heartbeat;
  Timer next_;
  Timer answer_;  // the latest time for something to come
  std::int64_t answer_due_ms_ = 0;
};

}  // namespace kith::client
