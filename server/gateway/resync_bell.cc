// ResyncBell: a Pong that nobody has asked for.
#include "server/gateway/resync_bell.h"

#include <algorithm>

#include "kith/v1/frame.pb.h"

namespace kith::server {
namespace {

constexpr std::int64_t kStepMs =
    20;  // the sessions of this time are notified in one turn of the loop

}  // namespace

void ResyncBell::ring(Session& session, Millis within) {
  if (!session.welcomed || session.resync_due) return;
  session.resync_due = true;
  const auto wait = random_.below(static_cast<std::uint64_t>(within.count()) + 1);
  due_.emplace(scheduler_.clock().steady_ms() + static_cast<std::int64_t>(wait), session.id());
  arm();
}

void ResyncBell::ring_all(Millis within) {
  sessions_.each([&](Session& session) { ring(session, within); });
}

void ResyncBell::arm() {
  if (due_.empty()) return;
  const std::int64_t now = scheduler_.clock().steady_ms();
  const std::int64_t at = std::max(due_.top().first, now + kStepMs);
  if (timer_.waits() && armed_ms_ <= at) return;
  armed_ms_ = at;
  timer_.start(Millis(at - now));
}

void ResyncBell::strike() {
  const std::int64_t now = scheduler_.clock().steady_ms();
  while (!due_.empty() && due_.top().first <= now) {
    Session* session = sessions_.find(due_.top().second);
    due_.pop();
    if (session != nullptr) notify(*session);
  }
  arm();
}

void ResyncBell::notify(Session& session) {
  session.resync_due = false;
  if (!session.ready() || session.queue.lagging()) return;  // lagging: its next Pong says so
  ++rung_;
  v1::ServerFrame frame;
  v1::Pong& pong = *frame.mutable_pong();
  pong.set_server_time_ms(static_cast<std::uint64_t>(scheduler_.clock().wall().ms));
  pong.set_resync(true);
  output_.push(session, make_push(frame, DeliveryClass::kControl));
}

}  // namespace kith::server
