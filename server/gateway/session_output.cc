// SessionOutput: frames for sessions.
#include "server/gateway/session_output.h"

#include <memory>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith::server {

bool SessionOutput::room(const Session& session) const {
  return connections_.buffered(session.connection()) < limits::write_ahead_bytes;
}

// Mostly no frame waits, and this one need not be kept.
bool SessionOutput::send_at_once(Session& session, std::string_view frame) {
  if (!session.queue.empty() || session.queue.lagging() || !room(session)) return false;
  ++frames_out_;
  connections_.send(session.connection(), frame);
  return true;
}

void SessionOutput::push(Session& session, const Push& made) {
  if (session.state() == Session::State::kClosing) return;
  if (!send_at_once(session, *made.frame)) queue(session, made);
}

void SessionOutput::deliver(Session& session, const Delivery& delivery,
                            const std::shared_ptr<const std::string>& frame) {
  if (session.background && delivery.cls == DeliveryClass::kEphemeral) return;
  if (send_at_once(session, *frame)) return;
  queue(session, {frame, delivery.cls, delivery.conversation, delivery.last_seq, delivery.ordinal});
}

void SessionOutput::answer(Session& session, const std::string& frame, DeliveryClass cls) {
  if (send_at_once(session, frame)) return;
  queue(session, {std::make_shared<const std::string>(frame), cls, {}, 0, 0});
}

void SessionOutput::queue(Session& session, const Push& made) {
  const bool was_lagging = session.queue.lagging();
  session.queue.push(made, clock_.steady_ms());
  if (!was_lagging && session.queue.lagging()) {
    ++lagging_;
    deadlines_.schedule(session);
  }
  pump(session);
  const bool of_many =
      session.ready() && session.waiting > 0 && waiting_.too_much(session.admission().user);
  if (session.queue.hopeless() || of_many) too_slow_(session);
}

void SessionOutput::pump(Session& session) {
  while (room(session)) {
    if (const auto frame = session.queue.pop()) {
      ++frames_out_;
      connections_.send(session.connection(), *frame);
      continue;
    }
    const auto heads = session.queue.catch_up();
    if (heads.empty()) break;
    for (const auto& head : heads) {
      v1::ServerFrame frame;
      frame.mutable_head_push()->set_conversation_id(head.conversation.bytes());
      frame.mutable_head_push()->set_last_seq(head.last_seq);
      frame.mutable_head_push()->set_ordinal(head.ordinal);
      Push made = make_push(frame, DeliveryClass::kEvent);
      made.conversation = head.conversation;
      made.last_seq = head.last_seq;
      made.ordinal = head.ordinal;
      session.queue.push(made, clock_.steady_ms());
    }
  }
  count_waiting(session);
  reading_.update(session);
}

// Where answers wait the socket's own buffer is full, too.
void SessionOutput::count_waiting(Session& session) {
  const std::size_t answers = session.ready() ? session.queue.answers() : 0;
  const std::size_t now = answers == 0 ? 0 : answers + limits::write_ahead_bytes;
  waiting_.count(session.admission().user, std::exchange(session.waiting, now), now);
}

void SessionOutput::forget(Session& session) {
  waiting_.count(session.admission().user, std::exchange(session.waiting, 0), 0);
}

void SessionOutput::note_gone(const Session& session) {
  dropped_ += session.queue.dropped();
}

void SessionOutput::add_stats(const Sessions& sessions,
                              std::map<std::string, std::uint64_t>& into) const {
  std::uint64_t bytes = 0;
  std::uint64_t dropped = dropped_;
  sessions.each([&](const Session& session) {
    bytes += session.queue.bytes();
    dropped += session.queue.dropped();
  });
  into["send_queue_bytes"] = bytes;
  into["send_queue_dropped"] = dropped;
  into["frames_out"] = frames_out_;
  into["sessions_lagging"] = lagging_;
}

}  // namespace kith::server
