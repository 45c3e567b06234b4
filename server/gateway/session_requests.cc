// SessionRequests: the session itself, and the account that it is of.
#include "server/gateway/session_requests.h"

#include <limits>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/gateway/steady_time.h"

namespace kith::server {

bool SessionRequests::handle(Requester& who, v1::ClientFrame& frame, Reply& reply) {
  using F = v1::ClientFrame;
  Session* session = ports_.sessions.find(who.caller.session);
  if (session == nullptr) return false;
  switch (frame.body_case()) {
    case F::kPing:
      ping(*session, frame.ping(), reply);
      return true;
    case F::kRenewToken:
      renew(*session, frame.renew_token().access_token(), reply);
      return true;
    case F::kChangePassword:
      change_password(*session, frame.change_password(), reply);
      return true;
    case F::kDeleteAccount:
      delete_account(*session, frame.delete_account().password(), reply);
      return true;
    case F::kSetPresence:
      set_background(*session, !frame.set_presence().active());
      return true;
    case F::kSync:
      claim_history(*session, *frame.mutable_sync());
      return false;
    default:
      return false;
  }
}

// A device of another history has synced other events, so its cursor counts as one of the future: it gets
// SyncReset and begins anew.
void SessionRequests::claim_history(Session& session, v1::SyncRequest& request) {
  // Not earlier: the answer with the reset may have been lost.
  if (request.snapshot()) session.history.foreign = false;
  if (!session.history.foreign || !request.page_token().empty()) return;
  request.set_cursor(std::numeric_limits<std::uint64_t>::max());
}

void SessionRequests::set_background(Session& session, bool background) {
  session.background = background;
  ports_.dispatcher.session_active(session.requester, !background);
}

void SessionRequests::ping(Session& session, const v1::Ping& ping, const Reply& reply) {
  if (ping.state() != v1::CLIENT_STATE_UNSPECIFIED) {
    const bool background = ping.state() == v1::CLIENT_STATE_BACKGROUND;
    if (background != session.background) set_background(session, background);
  }
  ports_.dispatcher.feed_high(
      session.admission().user,
      guard_.wrap([this, id = session.id(), t = ping.t(), reply](const Result<FeedVersion>& high) {
        Session* asking = ports_.sessions.find(id);
        if (asking == nullptr) return;
        v1::ServerFrame frame;
        v1::Pong& pong = *frame.mutable_pong();
        pong.set_t(t);
        pong.set_server_time_ms(static_cast<std::uint64_t>(ports_.scheduler.clock().wall().ms));
        pong.set_feed_high(high ? *high : 0);
        // While lagging the answer to a sync could not be sent anyway.
        pong.set_resync(!asking->queue.lagging() && asking->queue.take_resync());
        reply(std::move(frame));
      }));
}

void SessionRequests::admit(Session& session, const Admission& admission) {
  session.admit(admission, steady_end(ports_.scheduler.clock(), admission.expires_ms));
  ports_.deadlines.schedule(session);
}

void SessionRequests::renew(Session& session, const std::string& token, const Reply& reply) {
  ports_.dispatcher.entry().renew(
      session.admission(), token,
      guard_.wrap([this, id = session.id(), reply](const Result<Admission>& fresh) {
        Session* renewing = ports_.sessions.find(id);
        if (renewing == nullptr || !renewing->ready()) return;
        if (!fresh) return reply_error(reply, fresh.error());
        admit(*renewing, *fresh);
        v1::ServerFrame ack;
        ack.mutable_ack()->set_session_expires_ms(static_cast<std::uint64_t>(fresh->expires_ms));
        reply(std::move(ack));
      }));
}

// This session goes on by its new token; those of the account's other devices end.
void SessionRequests::change_password(Session& session, const v1::ChangePassword& request,
                                      const Reply& reply) {
  const auto done = guard_.wrap(
      [this, id = session.id(), who = session.admission(), reply](Result<SignIn::Changed> changed) {
        if (!changed) return reply_error(reply, changed.error());
        if (Session* asking = ports_.sessions.find(id); asking != nullptr && asking->ready()) {
          admit(*asking, changed->second);
        }
        v1::ServerFrame answer;
        *answer.mutable_signed_in() = std::move(changed->first);
        reply(std::move(answer));
        ports_.goodbyes.end_revoked(who.user, nullptr, &who.device);
      });
  ports_.dispatcher.entry().change_password(session.admission(), session.address(), request, done);
}

void SessionRequests::delete_account(Session& session, const std::string& password,
                                     const Reply& reply) {
  ports_.dispatcher.entry().delete_account(
      session.admission(), session.address(), password, [reply](const Status& removed) {
        removed ? reply_ack(reply) : reply_error(reply, removed.error());
      });
}

}  // namespace kith::server
