// FetchPace: how fast pages of history are asked for; what must wait goes on by itself.
#pragma once

#include <functional>
#include <utility>

#include "client/connection.h"
#include "src/timer.h"

namespace kith::client {

class FetchPace {
 public:
  FetchPace(Connection& connection, Scheduler& scheduler, std::function<void()> go_on)
      : connection_(connection), clock_(scheduler.clock()), timer_(scheduler, std::move(go_on)) {}

  // True: a page may be asked for now, and is counted. False: too soon; `go_on` is called later.
  bool take() {
    if (timer_.waits()) return false;
    const Millis wait = connection_.pace().take_history(clock_.steady_ms());
    if (wait.count() == 0) return true;
    pause(wait);
    return false;
  }
  // No page is asked for until `go_on` is called.
  void pause(Millis wait) {
    if (!timer_.waits() && connection_.ready()) timer_.start(wait);
  }
  void stop() { timer_.stop(); }

 private:
  Connection& connection_;
  Clock& clock_;
  Timer timer_;
};

}  // namespace kith::client
