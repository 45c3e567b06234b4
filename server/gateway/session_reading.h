// SessionReading decides whether a session's socket is read: not while its answers pile up, and not while its account
// is in debt.
#pragma once

#include <cstdint>

#include "kith/core/scheduler.h"
#include "server/dispatch/dispatcher.h"
#include "server/gateway/listener.h"
#include "server/gateway/sessions.h"
#include "src/guard.h"

namespace kith::server {

class SessionReading {
 public:
  // All must outlive it.
  SessionReading(Sessions& sessions, Dispatcher& dispatcher, Connections& connections,
                 Scheduler& scheduler)
      : sessions_(sessions),
        dispatcher_(dispatcher),
        connections_(connections),
        scheduler_(scheduler) {}

  // Stops reading for a while, and until the account's debt is paid. 0: goes on.
  void hold(Session& session, std::uint32_t ms);
  // The bytes waiting for its socket have changed.
  void update(Session& session);
  // Reads on in any case: the session ends.
  void release(Session& session);

 private:
  Sessions& sessions_;
  Dispatcher& dispatcher_;
  Connections& connections_;
  Scheduler& scheduler_;
  Guard guard_;
};

}  // namespace kith::server
