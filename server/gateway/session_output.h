// SessionOutput brings frames to the sockets of sessions within the bounds of SendQueue: at once if none waits, else
// in the order of their class.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "kith/core/scheduler.h"
#include "kith/server/ports/bus.h"
#include "server/delivery/push.h"
#include "server/gateway/answers_waiting.h"
#include "server/gateway/deadlines.h"
#include "server/gateway/listener.h"
#include "server/gateway/session_reading.h"

namespace kith::server {

class SessionOutput {
 public:
  // Calls `too_slow` with a session that must end, inside the call that brought one frame too many. All must
  // outlive it.
  SessionOutput(Connections& connections, SessionReading& reading, Deadlines& deadlines,
                Clock& clock, std::function<void(Session&)> too_slow)
      : connections_(connections),
        reading_(reading),
        deadlines_(deadlines),
        clock_(clock),
        too_slow_(std::move(too_slow)) {}

  void push(Session& session, const Push& push);
  // Sends a delivery of the bus to a ready session; `frame`: the one of the delivery's two that it gets.
  void deliver(Session& session, const Delivery& delivery,
               const std::shared_ptr<const std::string>& frame);
  // Sends a frame to one session; the frame is the caller's again when this returns.
  void answer(Session& session, const std::string& frame, DeliveryClass cls);
  // Sends waiting frames as far as the socket takes them.
  void pump(Session& session);
  // The session ends: its waiting frames no longer count.
  void forget(Session& session);
  // Its connection has gone; the frames that it dropped still count.
  void note_gone(const Session& session);

  void add_stats(const Sessions& sessions, std::map<std::string, std::uint64_t>& into) const;

 private:
  bool send_at_once(Session& session, std::string_view frame);
  void queue(Session& session, const Push& push);
  void count_waiting(Session& session);
  [[nodiscard]] bool room(const Session& session) const;

  Connections& connections_;
  SessionReading& reading_;
  Deadlines& deadlines_;
  Clock& clock_;
  const std::function<void(Session&)> too_slow_;
  AnswersWaiting waiting_;
  std::uint64_t frames_out_ = 0;
  std::uint64_t lagging_ = 0;
  std::uint64_t dropped_ = 0;  // by sessions that are gone
};

}  // namespace kith::server
