// Gateway: sessions, requests, deadlines.
#include "server/gateway/gateway.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/handshake.h"

namespace kith::server {
namespace {

constexpr auto kTick = std::chrono::seconds(1);
constexpr std::uint32_t kAttemptsMax = 8;  // sign-ins on one connection; more: reconnect
constexpr std::uint32_t kCrowdedWaitMs = 60'000;
constexpr std::uint32_t kEarlyPingsMax = 32;  // before Hello: it must come within 10 s

bool begins_session(const v1::ClientFrame& frame) {
  return frame.has_hello() || frame.has_register_() || frame.has_sign_in();
}

}  // namespace

Gateway::Gateway(std::string name, const ServerOptions& options, const GatewayPorts& ports,
                 GatewayHooks hooks)
    : name_(std::move(name)),
      options_(options),
      ports_(ports),
      hooks_(std::move(hooks)),
      accounts_(options, ports.random),
      entry_(options, ports.random) {
  ports_.bus.subscribe(name_, [this](const Delivery& delivery) { deliver(delivery); });
  tick_ = ports_.scheduler.after(kTick, [this] { tick(); });
}

Gateway::~Gateway() {
  *alive_ = false;
  desk_->gateway = nullptr;
  ports_.scheduler.cancel(tick_);
  ports_.scheduler.cancel(drain_timer_);
  ports_.bus.unsubscribe(name_);
  ports_.registry.remove_gateway(name_);
}

Session* Gateway::find(ConnectionId id) const {
  if (id.shard >= by_connection_.size()) return nullptr;
  const auto& of_shard = by_connection_[id.shard];
  Session* session = id.index < of_shard.size() ? of_shard[id.index] : nullptr;
  return session != nullptr && session->connection() == id ? session : nullptr;
}

Session* Gateway::find(std::uint64_t id) const {
  return sessions_.find(id);
}

void Gateway::on_open(ConnectionId connection, const PeerInfo& peer) {
  const std::uint64_t id = sessions_.next_id();
  const Session::Timing timing{Millis(limits::hello_limit).count(), options_.idle_limit.count(),
                               options_.lagging_limit.count()};
  const SendQueue::Bounds bounds{options_.send_queue_soft_bytes, options_.send_queue_hard_bytes};
  auto session = std::make_unique<Session>(id, connection, timing, bounds, peer.group,
                                           ports_.scheduler.clock().steady_ms());
  Session& ref = *session;
  ref.order = ++opened_;
  sessions_.add(std::move(session));
  if (connection.shard >= by_connection_.size()) by_connection_.resize(connection.shard + 1);
  auto& of_shard = by_connection_[connection.shard];
  if (connection.index >= of_shard.size()) of_shard.resize(connection.index + 1);
  of_shard[connection.index] = &ref;
  schedule(ref);
  if (draining_) {
    const auto wait = ports_.random.below(static_cast<std::uint64_t>(drain_window_ms_) + 1);
    end(ref, {v1::GOODBYE_REASON_DRAIN, close_code::kDrain, static_cast<std::uint32_t>(wait), ""});
  }
}

void Gateway::on_message(ConnectionId id, std::string_view message) {
  Session* session = find(id);
  if (session == nullptr || session->state() == Session::State::kClosing) return;
  ++counters_.frames_in;
  session->heard(ports_.scheduler.clock().steady_ms());
  if (session->ready() && view_.read(message)) return in_session(*session, view_, message.size());
  auto frame = decode_client_frame(message);
  if (!frame) {
    protocol_error(*session, 0, frame.error().message);
    return;
  }
  if (session->ready() && view_.read(*frame)) return in_session(*session, view_, message.size());
  if (session->ready() && begins_session(*frame)) {
    return protocol_error(*session, frame->req_id(), "the session is open already");
  }
  const Status valid = validate(*frame);
  if (!valid && valid.error().code == ErrorCode::kProtocol) {
    protocol_error(*session, frame->req_id(), valid.error().message);
    return;
  }
  if (frame->has_goodbye()) {
    session->closing();
    ports_.connections.close(id, close_code::kNormal, "goodbye");
    return;
  }
  if (!session->ready()) {
    if (!frame->has_ping() &&
        (!begins_session(*frame) || session->state() != Session::State::kConnected)) {
      protocol_error(*session, frame->req_id(), "only Hello, Register or SignIn may come first");
      return;
    }
  }
  if (!valid) return refuse_invalid(*session, frame->req_id(), message.size(), valid.error());
  if (session->ready()) {
    in_session(*session, *frame);
  } else {
    before_hello(*session, *frame);
  }
}

void Gateway::before_hello(Session& session, const v1::ClientFrame& frame) {
  const Reply reply = replier(session, frame.req_id());
  if (frame.has_ping()) {
    if (++session.early_pings > kEarlyPingsMax) {
      return protocol_error(session, frame.req_id(), "Hello must come first");
    }
    v1::ServerFrame pong;
    pong.mutable_pong()->set_t(frame.ping().t());
    pong.mutable_pong()->set_server_time_ms(
        static_cast<std::uint64_t>(ports_.scheduler.clock().wall().ms));
    reply(std::move(pong));
    return;
  }
  if (!attempt(session, frame.req_id())) return;
  if (frame.has_hello()) {
    hello(session, frame, reply);
  } else if (frame.has_register_()) {
    register_account(session, frame.register_(), reply);
  } else {
    sign_in(session, frame.sign_in(), reply);
  }
}

bool Gateway::attempt(Session& session, std::uint64_t req_id) {
  if (++session.attempts <= kAttemptsMax) return true;
  protocol_error(session, req_id, "too many sign-ins on one connection");
  return false;
}

void Gateway::hello(Session& session, const v1::ClientFrame& frame, const Reply& reply) {
  const auto agreed = handshake::negotiate(frame.hello());
  if (!agreed) {
    v1::ServerFrame refused;
    *refused.mutable_error() = to_wire(agreed.error());
    refused.mutable_error()->set_minor_minimum(handshake::kMinorMinimum);
    reply(std::move(refused));
    return;
  }
  session.authenticating();
  ports_.door.admit(frame.hello(), [this, alive = alive_, id = session.id(), hello = frame.hello(),
                                    reply](const Result<Admission>& admission) {
    if (*alive) admitted(id, hello, reply, admission);
  });
}

// The same device again: the connection that was opened later wins, whichever is admitted first, or whosever Hello
// came first: that of a connection which the device has left long ago may come late. False: that is another one than
// `session`, which is at its end.
bool Gateway::replace_older(Session& session, const Admission& admission) {
  const Farewell replaced{v1::GOODBYE_REASON_REPLACED, close_code::kReplaced, 0, ""};
  const auto others = by_user_[admission.user];
  for (const std::uint64_t id : others) {
    Session* other = find(id);
    if (other == nullptr || other->admission().device != admission.device) continue;
    ++counters_.replaced;
    if (other->order > session.order) {
      end(session, replaced);
      return false;
    }
    end(*other, replaced);
  }
  return true;
}

// An account has as many sessions as devices: the one that has been silent the longest goes.
void Gateway::make_room(const UserId& user) {
  const auto found = by_user_.find(user);
  if (found == by_user_.end() || found->second.size() < limits::account_devices_max) return;
  Session* silent = nullptr;
  for (const std::uint64_t id : found->second) {
    Session* one = find(id);
    if (one != nullptr && (silent == nullptr || one->heard_ms() < silent->heard_ms())) silent = one;
  }
  if (silent == nullptr) return;
  refusals_.note(RefusalClass::kExcess, silent->address());
  end(*silent, {v1::GOODBYE_REASON_RATE_LIMITED, close_code::kPolicy, kCrowdedWaitMs,
                "the account has too many sessions"});
}

void Gateway::admitted(std::uint64_t id, const v1::Hello& hello, const Reply& reply,
                       const Result<Admission>& admission) {
  Session* session = find(id);
  if (session == nullptr || session->state() != Session::State::kAuthenticating) return;
  if (!admission) {
    if (token_refused(*session, admission.error())) {
      return refuse_entry(*session, reply, admission.error(), Connection::kEnds);
    }
    session->expect_hello(ports_.scheduler.clock().steady_ms());
    schedule(*session);
    reply_error(reply, admission.error());
    if (admission.error().code == ErrorCode::kRevoked) {
      end(*session, {v1::GOODBYE_REASON_REVOKED, close_code::kRevoked, 0, ""});
    }
    return;
  }
  if (!replace_older(*session, *admission)) return;
  make_room(admission->user);
  const std::int64_t expires = admission->expires_ms == 0 ? 0 : steady(admission->expires_ms);
  session->admit(*admission, expires);
  open_budget(*session);
  ports_.connections.signed_in(session->connection());
  if (ports_.runs != nullptr) {
    const RunHistory::Verdict verdict = ports_.runs->judge(hello.run_id(), hello.cursor());
    session->foreign = !verdict.ours;
    session->kept_until_ms = verdict.kept_until_ms;
  }
  session->background = hello.state() == v1::CLIENT_STATE_BACKGROUND;
  schedule(*session);
  // Registered before Welcome is sent and before the feed is read: no push falls between both.
  by_user_[admission->user].push_back(id);
  ports_.registry.add(admission->user, {name_, id, admission->device});
  hooks_.opened(session->caller(), !session->background, hello.agent());
  hooks_.feed_high(admission->user,
                   [this, alive = alive_, id, hello, reply](const Result<Position>& high) {
                     // Without it the client's own sync still finds everything.
                     if (*alive) welcome(id, hello, reply, high ? *high : 0);
                   });
}

void Gateway::welcome(std::uint64_t id, const v1::Hello& hello, const Reply& reply,
                      Position feed_high) {
  Session* session = find(id);
  if (session == nullptr || !session->ready()) return;
  const auto agreed = handshake::negotiate(hello);
  if (!agreed) return;
  v1::ServerFrame frame;
  v1::Welcome& welcome = *frame.mutable_welcome();
  std::array<std::uint8_t, SessionId::kSize> bytes{};
  ports_.random.fill(bytes.data(), bytes.size());
  welcome.set_session_id(SessionId(bytes).bytes());
  welcome.set_minor(agreed->minor);
  for (const std::string& cap : agreed->caps) {
    if (options_.search || cap != handshake::kSearchCap) welcome.add_caps(cap);
  }
  welcome.set_server_time_ms(static_cast<std::uint64_t>(ports_.scheduler.clock().wall().ms));
  const auto heartbeat_s = std::max<std::int64_t>(1, options_.heartbeat.count() / 1000);
  welcome.set_heartbeat_s(static_cast<std::uint32_t>(heartbeat_s));
  v1::Limits& bounds = *welcome.mutable_limits();
  bounds.set_frame_bytes_max(limits::frame_bytes_max);
  bounds.set_body_bytes_max(limits::body_bytes_max);
  bounds.set_batch_items_max(limits::batch_items_max);
  bounds.set_group_members_max(limits::group_members_max);
  bounds.set_presence_subscriptions_max(limits::presence_subscriptions_max);
  if (auto ticket = ports_.door.ticket(session->admission())) {
    welcome.set_resume_ticket(std::move(*ticket));
  }
  welcome.set_feed_high(feed_high);
  if (ports_.runs != nullptr) welcome.set_run_id(ports_.runs->current());
  welcome.set_user_id(session->admission().user.bytes());
  welcome.set_session_expires_ms(static_cast<std::uint64_t>(session->admission().expires_ms));
  reply(std::move(frame));
}

void Gateway::in_session(Session& session, v1::ClientFrame& frame) {
  using F = v1::ClientFrame;
  const RequestCost cost = cost_of(frame);
  const std::uint32_t unacked = frame.req_id() == 0 ? 0 : cost.unacked;
  if (!allow(session, cost, frame.req_id())) return;
  session.unacked += unacked;
  Reply reply = cost.answered ? replier(session, frame.req_id(), unacked) : Reply();
  switch (frame.body_case()) {
    case F::kPing:
      ping(session, frame.ping(), reply);
      return;
    case F::kRenewToken:
      renew(session, frame.renew_token().access_token(), reply);
      return;
    case F::kSync:
      claim_history(session, *frame.mutable_sync());
      break;
    case F::kChangePassword:
      change_password(session, frame.change_password(), reply);
      return;
    case F::kDeleteAccount:
      delete_account(session, frame.delete_account().password(), reply);
      return;
    case F::kSetPresence:
      session.background = !frame.set_presence().active();
      hooks_.activity(session.caller(), frame.set_presence().active());
      return;
    default:
      break;
  }
  if (!hooks_.request(session.caller(), frame, reply) && reply) {
    reply_error(reply, make_error(ErrorCode::kUnimplemented, "the server does not know this"));
  }
  if (cost.answered || cost.lookups == 0 || !session.ready()) return;
  hold(session, session.budget->debt_ms(accounts_.rates(), Spend::kLookup,
                                        ports_.scheduler.clock().steady_ms()));
}

// What a device of another history has synced stands for something else here, so its cursor counts as one of the
// future: it is told to begin anew.
void Gateway::claim_history(Session& session, v1::SyncRequest& request) {
  // Not before: an answer that told it may have been lost.
  if (request.snapshot()) session.foreign = false;
  if (!session.foreign || !request.page_token().empty()) return;
  request.set_cursor(std::numeric_limits<std::uint64_t>::max());
}

void Gateway::in_session(Session& session, const RequestView& request, std::size_t bytes) {
  if (const Status valid = validate(request); !valid) {
    return refuse_invalid(session, request.req_id, bytes, valid.error());
  }
  const RequestCost cost = cost_of(request);
  if (request.kind == RequestView::Kind::kAck) return acknowledged(session, request, cost);
  if (!allow(session, cost, request.req_id)) return;
  const std::uint32_t unacked = request.req_id == 0 ? 0 : cost.unacked;
  session.unacked += unacked;
  hooks_.often(session.caller(), request, replier(session, request.req_id, unacked, now_us()));
}

void Gateway::ping(Session& session, const v1::Ping& ping, const Reply& reply) {
  if (ping.state() != v1::CLIENT_STATE_UNSPECIFIED) {
    const bool background = ping.state() == v1::CLIENT_STATE_BACKGROUND;
    if (background != session.background) {
      session.background = background;
      hooks_.activity(session.caller(), !background);
    }
  }
  hooks_.feed_high(session.admission().user, [this, alive = alive_, id = session.id(), t = ping.t(),
                                              reply](const Result<Position>& high) {
    if (!*alive) return;
    Session* asking = find(id);
    if (asking == nullptr) return;
    v1::ServerFrame frame;
    v1::Pong& pong = *frame.mutable_pong();
    pong.set_t(t);
    pong.set_server_time_ms(static_cast<std::uint64_t>(ports_.scheduler.clock().wall().ms));
    pong.set_feed_high(high ? *high : 0);
    // While lagging the answer to a sync could not be sent anyway.
    pong.set_resync(!asking->queue.lagging() && asking->queue.take_resync());
    reply(std::move(frame));
  });
}

void Gateway::renew(Session& session, const std::string& token, const Reply& reply) {
  ports_.door.renew(
      session.admission(), token,
      [this, alive = alive_, id = session.id(), reply](const Result<Admission>& fresh) {
        if (!*alive) return;
        Session* renewing = find(id);
        if (renewing == nullptr || !renewing->ready()) return;
        if (!fresh) {
          reply_error(reply, fresh.error());
          return;
        }
        renewing->admit(*fresh, fresh->expires_ms == 0 ? 0 : steady(fresh->expires_ms));
        schedule(*renewing);
        v1::ServerFrame ack;
        ack.mutable_ack()->set_session_expires_ms(static_cast<std::uint64_t>(fresh->expires_ms));
        reply(std::move(ack));
      });
}

std::string Gateway::token_of(std::uint64_t id) const {
  const Session* session = find(id);
  return session == nullptr ? std::string() : session->admission().token_id;
}

std::int64_t Gateway::steady(std::int64_t wall_ms) const {
  Clock& clock = ports_.scheduler.clock();
  return std::max<std::int64_t>(1, clock.steady_ms() + (wall_ms - clock.wall().ms));
}

Reply Gateway::replier(Session& session, std::uint64_t req_id, std::uint32_t unacked,
                       std::uint32_t asked_us) {
  return {desk_, {session.id(), req_id, unacked, asked_us}};
}

std::uint32_t Gateway::now_us() const {
  return static_cast<std::uint32_t>(ports_.scheduler.clock().steady_us()) | 1U;
}

void Gateway::protocol_error(Session& session, std::uint64_t req_id, const std::string& detail) {
  ++counters_.protocol_errors;
  refusals_.note(RefusalClass::kProtocol, session.address());
  v1::ServerFrame frame;
  frame.set_reply_to(req_id);
  *frame.mutable_error() = to_wire(make_error(ErrorCode::kProtocol, detail));
  push(session, make_push(frame, DeliveryClass::kControl));
  end(session, {v1::GOODBYE_REASON_PROTOCOL_ERROR, close_code::kProtocol, 0, detail});
}

}  // namespace kith::server
