// SessionReading: back-pressure towards clients.
#include "server/gateway/session_reading.h"

namespace kith::server {

void SessionReading::hold(Session& session, std::uint32_t ms) {
  if (ms == 0 || session.reading.held || !session.ready()) return;
  session.reading.held = true;
  update(session);
  scheduler_.after(Millis(ms), guard_.wrap([this, id = session.id()] {
    Session* held = sessions_.find(id);
    if (held == nullptr || !held->ready()) return;
    held->reading.held = false;
    hold(*held, dispatcher_.debt_ms(held->requester));
    update(*held);
  }));
}

// Answers must not be dropped, so a peer that does not take them must not cause more.
void SessionReading::update(Session& session) {
  const bool pause = session.queue.over_soft() || session.reading.held;
  if (pause == session.reading.paused) return;
  session.reading.paused = pause;
  connections_.pause_reading(session.connection(), pause);
}

void SessionReading::release(Session& session) {
  if (session.reading.paused) connections_.pause_reading(session.connection(), false);
}

}  // namespace kith::server
