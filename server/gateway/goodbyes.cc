// Goodbyes: the ends of sessions.
#include "server/gateway/goodbyes.h"

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"

namespace kith::server {

void Goodbyes::end(Session& session, const Farewell& farewell) {
  if (session.state() == Session::State::kClosing) return;
  v1::ServerFrame frame;
  v1::Goodbye& goodbye = *frame.mutable_goodbye();
  goodbye.set_reason(static_cast<v1::GoodbyeReason>(farewell.reason));
  goodbye.set_retry_after_ms(farewell.retry_after_ms);
  goodbye.set_detail(farewell.detail.substr(0, limits::detail_bytes_max));
  const Push made = make_push(frame, DeliveryClass::kControl);
  ports_.output.pump(session);
  ports_.reading.release(session);
  if (made.frame) ports_.connections.send(session.connection(), *made.frame);
  ports_.connections.close(session.connection(), farewell.code, "");
  leave(session);
  session.closing();
  session.queue.clear();
}

void Goodbyes::end_slow(Session& session) {
  ++slow_;
  end(session, {v1::GOODBYE_REASON_SLOW_CONSUMER});
}

void Goodbyes::end_protocol_error(Session& session, std::uint64_t req_id,
                                  const std::string& detail) {
  ++protocol_errors_;
  ports_.dispatcher.note_protocol_error(session.requester);
  v1::ServerFrame frame;
  frame.set_reply_to(req_id);
  *frame.mutable_error() = to_wire(make_error(ErrorCode::kProtocol, detail));
  ports_.output.push(session, make_push(frame, DeliveryClass::kControl));
  end(session, {v1::GOODBYE_REASON_PROTOCOL_ERROR, close_code::kProtocol, 0, detail});
}

void Goodbyes::end_revoked(const UserId& user, const DeviceId* device, const DeviceId* spared) {
  for (Session* session : ports_.sessions.of(user)) {
    if (device != nullptr && session->admission().device != *device) continue;
    if (spared != nullptr && session->admission().device == *spared) continue;
    end(*session, {v1::GOODBYE_REASON_REVOKED, close_code::kRevoked});
  }
}

void Goodbyes::leave(Session& session) {
  ports_.output.forget(session);
  if (!ports_.sessions.leave(session)) return;
  ports_.registration.leave(session);
  ports_.dispatcher.close(session.requester);
}

void Goodbyes::add_stats(std::map<std::string, std::uint64_t>& into) const {
  into["protocol_errors"] = protocol_errors_;
  into["slow_consumers"] = slow_;
}

}  // namespace kith::server
