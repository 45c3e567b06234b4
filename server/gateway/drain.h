// Drain ends all sessions, evenly over a window, so that their clients move to other servers one after another.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "server/gateway/goodbyes.h"
#include "src/timer.h"

namespace kith::server {

class Drain {
 public:
  // All must outlive it.
  Drain(Sessions& sessions, Goodbyes& goodbyes, Scheduler& scheduler, Random& random)
      : sessions_(sessions),
        goodbyes_(goodbyes),
        scheduler_(scheduler),
        random_(random),
        timer_(scheduler, [this] { step(); }) {}

  // `done` once, when all are gone or the window is over. A second drain takes the place of the first.
  void start(std::chrono::milliseconds window, std::function<void()> done);
  // A connection has come: it is closed at once if a drain was ever started.
  void opened(Session& session);
  // A connection has gone.
  void closed();

 private:
  void step();
  void dismiss(Session& session);

  Sessions& sessions_;
  Goodbyes& goodbyes_;
  Scheduler& scheduler_;
  Random& random_;
  bool started_ = false;
  bool running_ = false;
  std::vector<std::uint64_t> order_;
  std::size_t next_ = 0;
  std::int64_t start_ms_ = 0;
  std::int64_t window_ms_ = 0;
  std::function<void()> done_;
  Timer timer_;
};

}  // namespace kith::server
