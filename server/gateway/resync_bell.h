// ResyncBell notifies sessions that pushes for them may be missing, each at a random moment of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "server/gateway/session_output.h"
#include "src/timer.h"

namespace kith::server {

class ResyncBell {
 public:
  // All must outlive it.
  ResyncBell(Sessions& sessions, SessionOutput& output, Scheduler& scheduler, Random& random)
      : sessions_(sessions),
        output_(output),
        scheduler_(scheduler),
        random_(random),
        timer_(scheduler, [this] { strike(); }) {}

  // Sends a Pong with `resync` within this time; not to a session that syncs anyway, as each does behind its Welcome.
  void ring(Session& session, Millis within);
  void ring_all(Millis within);

  [[nodiscard]] std::uint64_t rung() const { return rung_; }

 private:
  void arm();
  void strike();
  void notify(Session& session);

  using Entry = std::pair<std::int64_t, std::uint64_t>;  // when, and which session

  Sessions& sessions_;
  SessionOutput& output_;
  Scheduler& scheduler_;
  Random& random_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> due_;
  Timer timer_;
  std::int64_t armed_ms_ = 0;
  std::uint64_t rung_ = 0;
};

}  // namespace kith::server
