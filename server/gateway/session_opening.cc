// SessionOpening: Hello and Welcome.
#include "server/gateway/session_opening.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/gateway/steady_time.h"
#include "src/error.h"
#include "src/handshake.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kCrowdedWaitMs = 60'000;
constexpr std::uint32_t kLateWaitMs = 5'000;

}  // namespace

// The parts of a Hello that are used after its token has been verified.
struct SessionOpening::Greeting {
  handshake::Negotiated agreed;
  std::string run_id, agent;
  std::string frame;  // the Hello itself, if it may be for another home
  FeedVersion cursor = 0;
  bool background = false;
};

SessionOpening::SessionOpening(const ServerOptions& options, const Ports& ports)
    : ports_(ports),
      search_(options.search),
      heartbeat_s_(
          static_cast<std::uint32_t>(std::max<std::int64_t>(1, options.heartbeat.count() / 1000))),
      hand_over_(ports.home, ports.connections, ports.forget) {}

void SessionOpening::hello(Session& session, const v1::ClientFrame& frame, Reply reply) {
  const v1::Hello& hello = frame.hello();
  auto agreed = handshake::negotiate(hello);
  if (!agreed) {
    v1::ServerFrame refused;
    *refused.mutable_error() = to_wire(agreed.error());
    refused.mutable_error()->set_minor_minimum(handshake::kMinorMinimum);
    reply(std::move(refused));
    return;
  }
  session.authenticating();
  session.entry.number = hello.connect_no();
  auto greeting = std::make_shared<const Greeting>(
      Greeting{std::move(*agreed), hello.run_id(), hello.agent(), hand_over_.copy_of(frame),
               hello.cursor(), hello.state() == v1::CLIENT_STATE_BACKGROUND});
  ports_.dispatcher.entry().admit(
      hello, session.address(),
      guard_.wrap(
          [this, id = session.id(), greeting = std::move(greeting), reply = std::move(reply)](
              const Result<Admission>& admission, EntryRequests::Connection then) {
            judged(id, greeting, reply, admission, then);
          }));
}

bool SessionOpening::replace_older(Session& session, const Reply& reply,
                                   const Admission& admission) {
  const Farewell replaced{v1::GOODBYE_REASON_REPLACED, close_code::kReplaced};
  for (Session* other : ports_.sessions.of(admission.user)) {
    if (other->admission().device != admission.device) continue;
    if (session.entry.number != 0 && session.entry.number < other->entry.number) {
      // By way of a relay that stood still the connection itself comes late: so the device counts. This one may be
      // the live one all the same, if the device has lost count: it comes again until the other is silent.
      refused(session, reply,
              make_error(ErrorCode::kUnavailable, "a later connection of this device is open",
                         kLateWaitMs),
              EntryRequests::Connection::kStays);
      return false;
    }
    ++replaced_;
    // The connection that was opened later wins, whichever is admitted first: the Hello of one that the device has
    // left long ago may come late.
    const bool counted = session.entry.number != 0 && other->entry.number != 0;
    const bool older = !counted && session.entry.order < other->entry.order;
    ports_.goodbyes.end(older ? session : *other, replaced);
    if (older) return false;
  }
  return true;
}

// An account may have as many sessions as devices: the one that was silent the longest ends.
void SessionOpening::make_room(const UserId& user) {
  if (ports_.sessions.count(user) < limits::account_devices_max) return;
  const auto all = ports_.sessions.of(user);
  const auto silent = std::min_element(
      all.begin(), all.end(),
      [](const Session* a, const Session* b) { return a->heard_ms() < b->heard_ms(); });
  if (silent == all.end()) return;
  ports_.dispatcher.note_crowded((*silent)->requester);
  ports_.goodbyes.end(**silent, {v1::GOODBYE_REASON_RATE_LIMITED, close_code::kPolicy,
                                 kCrowdedWaitMs, "the account has too many sessions"});
}

void SessionOpening::refused(Session& session, const Reply& reply, const Error& error,
                             EntryRequests::Connection then) {
  session.expect_hello(ports_.scheduler.clock().steady_ms());
  ports_.deadlines.schedule(session);
  reply_error(reply, error);
  if (then == EntryRequests::Connection::kEnds) {
    ports_.goodbyes.end(session, {v1::GOODBYE_REASON_RATE_LIMITED, close_code::kPolicy, 0,
                                  "too many refused tokens"});
  } else if (error.code == ErrorCode::kRevoked) {
    ports_.goodbyes.end(session, {v1::GOODBYE_REASON_REVOKED, close_code::kRevoked});
  }
}

void SessionOpening::judged(std::uint64_t id, GreetingPtr greeting, Reply reply,
                            const Result<Admission>& admission, EntryRequests::Connection then) {
  Session* session = ports_.sessions.find(id);
  if (session == nullptr || session->state() != Session::State::kAuthenticating) return;
  if (!admission) return refused(*session, reply, admission.error(), then);
  if (admission->elsewhere) {
    return hand_over_.pass_on(*session, admission->user, greeting->frame);
  }
  if (!replace_older(*session, reply, *admission)) return;
  make_room(admission->user);
  session->admit(*admission, steady_end(ports_.scheduler.clock(), admission->expires_ms));
  ports_.connections.signed_in(session->connection());
  if (ports_.runs != nullptr) {
    const RunHistory::Verdict verdict = ports_.runs->judge(greeting->run_id, greeting->cursor);
    session->history = {!verdict.ours, verdict.kept_until_ms};
  }
  session->background = greeting->background;
  ports_.deadlines.schedule(*session);
  ports_.sessions.enter(*session);
  ports_.reading.hold(
      *session, ports_.dispatcher.open(session->requester, !session->background, greeting->agent));
  // Registered before Welcome is sent and before the feed is read: no push falls between both.
  ports_.registration.enter(*session,
                            [this, id, greeting = std::move(greeting), reply = std::move(reply)] {
                              registered(id, greeting, reply);
                            });
}

void SessionOpening::registered(std::uint64_t id, GreetingPtr greeting, Reply reply) {
  const Session* session = ports_.sessions.find(id);
  if (session == nullptr || !session->ready()) return;
  ports_.dispatcher.feed_high(
      session->admission().user,
      guard_.wrap([this, id, greeting = std::move(greeting),
                   reply = std::move(reply)](const Result<FeedVersion>& high) {
        // Without it the client's own sync still finds everything.
        welcome(id, *greeting, reply, high ? *high : 0);
      }));
}

void SessionOpening::welcome(std::uint64_t id, const Greeting& greeting, const Reply& reply,
                             FeedVersion feed_high) {
  Session* session = ports_.sessions.find(id);
  if (session == nullptr || !session->ready()) return;
  session->welcomed = true;
  v1::ServerFrame frame;
  fill(*frame.mutable_welcome(), *session, greeting);
  frame.mutable_welcome()->set_feed_high(feed_high);
  reply(std::move(frame));
}

void SessionOpening::fill(v1::Welcome& welcome, const Session& session, const Greeting& greeting) {
  std::array<std::uint8_t, SessionId::kSize> bytes{};
  ports_.random.fill(bytes.data(), bytes.size());
  welcome.set_session_id(SessionId(bytes).bytes());
  welcome.set_minor(greeting.agreed.minor);
  for (const auto& cap : greeting.agreed.caps) {
    if (search_ || cap != handshake::kSearchCap) welcome.add_caps(std::string(cap));
  }
  welcome.set_server_time_ms(static_cast<std::uint64_t>(ports_.scheduler.clock().wall().ms));
  welcome.set_heartbeat_s(heartbeat_s_);
  v1::Limits& bounds = *welcome.mutable_limits();
  bounds.set_frame_bytes_max(limits::frame_bytes_max);
  bounds.set_body_bytes_max(limits::body_bytes_max);
  bounds.set_batch_items_max(limits::batch_items_max);
  bounds.set_group_members_max(limits::group_members_max);
  bounds.set_presence_subscriptions_max(limits::presence_subscriptions_max);
  if (auto ticket = ports_.dispatcher.entry().ticket(session.admission())) {
    welcome.set_resume_ticket(std::move(*ticket));
  }
  if (ports_.runs != nullptr) welcome.set_run_id(ports_.runs->current());
  welcome.set_user_id(session.admission().user.bytes());
  welcome.set_session_expires_ms(static_cast<std::uint64_t>(session.admission().expires_ms));
}

}  // namespace kith::server
