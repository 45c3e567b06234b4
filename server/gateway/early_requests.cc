// EarlyRequests: requests before a session is ready.
#include "server/gateway/early_requests.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/handle.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kAttemptsMax = 8;     // sign-ins on one connection; more: reconnect
constexpr std::uint32_t kEarlyPingsMax = 32;  // before Hello: it must come within 10 s

}  // namespace

bool EarlyRequests::begins_session(const v1::ClientFrame& frame) {
  return frame.has_hello() || frame.has_register_() || frame.has_sign_in();
}

void EarlyRequests::handle(Session& session, const v1::ClientFrame& frame) {
  const Status valid = validate(frame);
  if (!valid && valid.error().code == ErrorCode::kProtocol)
    return ports_.goodbyes.end_protocol_error(session, frame.req_id(), valid.error().message);
  const bool may_come = begins_session(frame) && session.state() == Session::State::kConnected;
  if (!may_come && !frame.has_ping()) {
    return ports_.goodbyes.end_protocol_error(session, frame.req_id(),
                                              "only Hello, Register or SignIn may come first");
  }
  if (!valid) {
    if (attempt(session, frame.req_id()))
      reply_error(replier(session, frame.req_id()), valid.error());
  } else if (frame.has_ping()) {
    ping(session, frame);
  } else if (attempt(session, frame.req_id())) {
    enter(session, frame);
  }
}

bool EarlyRequests::attempt(Session& session, std::uint64_t req_id) {
  if (++session.entry.attempts <= kAttemptsMax) return true;
  ports_.goodbyes.end_protocol_error(session, req_id, "too many sign-ins on one connection");
  return false;
}

void EarlyRequests::ping(Session& session, const v1::ClientFrame& frame) {
  if (++session.entry.early_pings > kEarlyPingsMax)
    return ports_.goodbyes.end_protocol_error(session, frame.req_id(), "Hello must come first");
  v1::ServerFrame pong;
  pong.mutable_pong()->set_t(frame.ping().t());
  pong.mutable_pong()->set_server_time_ms(
      static_cast<std::uint64_t>(ports_.scheduler.clock().wall().ms));
  replier(session, frame.req_id())(std::move(pong));
}

void EarlyRequests::enter(Session& session, const v1::ClientFrame& frame) {
  Reply reply = replier(session, frame.req_id());
  if (frame.has_hello()) return ports_.opening.hello(session, frame, std::move(reply));
  const UserId user = UserId::of(
      mapped_handle(frame.has_register_() ? frame.register_().handle() : frame.sign_in().handle()));
  if (ports_.opening.hand_over().elsewhere(user))
    return ports_.opening.hand_over().pass_on(session, user,
                                              ports_.opening.hand_over().copy_of(frame));
  session.authenticating();
  const auto done =
      guard_.wrap([this, id = session.id(), reply = std::move(reply)](Result<v1::SignedIn> answer) {
        entered(id, reply, std::move(answer));
      });
  EntryRequests& entry = ports_.dispatcher.entry();
  if (frame.has_register_()) {
    entry.register_account(frame.register_(), session.address(), done);
  } else {
    entry.sign_in(frame.sign_in(), session.address(), done);
  }
}

void EarlyRequests::entered(std::uint64_t id, const Reply& reply, Result<v1::SignedIn> answer) {
  Session* waiting = ports_.sessions.find(id);
  if (waiting == nullptr || waiting->state() != Session::State::kAuthenticating) return;
  waiting->expect_hello(ports_.scheduler.clock().steady_ms());
  ports_.deadlines.schedule(*waiting);
  if (!answer) return reply_error(reply, answer.error());
  v1::ServerFrame signed_in;
  *signed_in.mutable_signed_in() = std::move(*answer);
  reply(std::move(signed_in));
}

Reply EarlyRequests::replier(const Session& session, std::uint64_t req_id) const {
  return {ports_.sink, {session.id(), req_id}};
}

}  // namespace kith::server
