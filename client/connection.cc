// Connection: the rules of a session's life.
#include "client/connection.h"

#include <algorithm>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/handshake.h"
#include "src/utf8.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

// A ticket is left alone a minute before it ends: clocks of two machines tick differently.
constexpr Millis kTicketUsable = limits::resume_ticket_life - 1min;
// Before its end a token is renewed, a tenth of its life ahead within these bounds.
constexpr Millis kRenewLeadMin = 10s;
constexpr Millis kRenewLeadMax = 5min;
constexpr Millis kRenewWaitMin = 1s;  // a back end that gives out dead tokens is not hammered
constexpr Millis kRenewRetry = 30s;
constexpr std::uint16_t kNormalClosure = 1000;
const Error kNoError{ErrorCode::kCancelled, ""};

}  // namespace

// One socket life. A socket that has been dropped no longer reaches the connection, whatever it
// still says.
struct Connection::Socket : TransportListener {
  Connection* owner = nullptr;
  std::unique_ptr<Transport> transport;

  void on_open() override {
    if (owner) owner->say_hello();
  }
  void on_message(std::string_view message) override {
    if (owner) owner->on_message(message);
  }
  void on_close(std::uint16_t code, const Error& error) override {
    if (owner) owner->on_closed(code, error);
  }
};

Connection::Connection(ConnectionOptions options, Scheduler& scheduler, Random& random,
                       TransportFactory& transports, TokenProvider token,
                       ConnectionListener& listener)
    : options_(std::move(options)),
      scheduler_(scheduler),
      random_(random),
      transports_(transports),
      token_provider_(std::move(token)),
      listener_(listener),
      backoff_(random, {limits::backoff_base, limits::backoff_cap_foreground,
                        limits::backoff_reset_after}) {}

Connection::~Connection() {
  alive_.reset();
  for (auto* timer : {&connect_timer_, &hello_timer_, &ping_timer_, &pong_timer_, &renew_timer_})
    scheduler_.cancel(*timer);
  for (auto& [id, pending] : pending_) scheduler_.cancel(pending.timer);
  if (socket_) {
    socket_->owner = nullptr;
    socket_->transport.reset();
  }
}

void Connection::start() {
  if (wanted_) return;
  wanted_ = true;
  token_renewed_ = false;
  set_state(ConnectionState::kConnecting, kNoError);
  connect_now();
}

void Connection::stop() {
  if (socket_ && welcomed_) {
    v1::ClientFrame frame;
    frame.mutable_goodbye()->set_reason(v1::GOODBYE_REASON_NORMAL);
    send(frame);
    socket_->transport->close(kNormalClosure);
  }
  wanted_ = false;
  scheduler_.cancel(std::exchange(connect_timer_, 0));
  end_session();
  if (state_ != ConnectionState::kSignedOut) set_state(ConnectionState::kOffline, kNoError);
}

void Connection::network_changed() {
  if (!wanted_) return;
  if (welcomed_) {
    ping(limits::probe_limit);
  } else if (connect_timer_) {
    schedule_connect(backoff_.network_changed());
  }
}

std::int64_t Connection::server_ms() {
  return std::max(server_seen_ms_, told_server_ms());
}

std::int64_t Connection::told_server_ms() {
  return server_told_ ? server_ahead_ms_ + now() : 0;
}

void Connection::set_background(bool background) {
  if (background_ == background) return;
  background_ = background;
  backoff_.set_cap(background ? Millis(limits::backoff_cap)
                              : Millis(limits::backoff_cap_foreground));
  if (welcomed_) {
    ping(limits::pong_limit);
  } else if (!background) {
    network_changed();
  }
}

void Connection::caught_up() {
  if (!welcomed_ || state_ == ConnectionState::kOnline) return;
  backoff_.synced(now());
  set_state(ConnectionState::kOnline, kNoError);
}

void Connection::set_state(ConnectionState state, const Error& reason) {
  if (state == state_ && reason.code == last_error_.code) return;
  if (state == ConnectionState::kOnline || reason.code != ErrorCode::kCancelled)
    last_error_ = reason;
  state_ = state;
  listener_.on_state(state, reason);
}

void Connection::schedule_connect(Millis delay) {
  scheduler_.cancel(connect_timer_);
  connect_timer_ = scheduler_.after(delay, [this] {
    connect_timer_ = 0;
    connect_now();
  });
}

void Connection::connect_now() {
  if (!wanted_ || socket_) return;
  if (!ticket_.empty() && now() < ticket_until_) {
    hello_with_ticket_ = true;
    open_socket();
    return;
  }
  hello_with_ticket_ = false;
  with_token();
}

void Connection::with_token() {
  if (!token_.empty()) {
    open_socket();
    return;
  }
  if (!token_provider_) {
    sign_out(make_error(ErrorCode::kUnauthenticated, "no token provider was given"));
    return;
  }
  ask_token();
}

void Connection::ask_token() {
  if (token_asked_) return;
  token_asked_ = true;
  Scheduler* scheduler = &scheduler_;
  token_provider_(
      [this, scheduler, alive = std::weak_ptr<bool>(alive_)](Result<std::string> token) {
        scheduler->post([this, alive, token = std::move(token)] {
          if (alive.expired()) return;
          token_asked_ = false;
          on_token(token);
        });
      });
}

void Connection::on_token(const Result<std::string>& token) {
  if (std::exchange(renewing_, false) && welcomed_) {
    renew_with(token);
  } else if (token) {
    token_ = *token;
    connect_now();
  } else if (socket_) {
    return;  // a ticket has opened the door meanwhile
  } else if (token.error().retry() == Retry::kNever) {
    sign_out(token.error());
  } else {
    drop(token.error(), Millis(token.error().retry_after_ms));
  }
}

// --- a token that ends while the session lives ---

// Asks for the next token some time before this one ends; a crowd that signed in together does not
// ask together.
void Connection::arm_renewal(std::uint64_t expires_ms) {
  scheduler_.cancel(std::exchange(renew_timer_, 0));
  if (expires_ms == 0 || !token_provider_) return;
  const std::int64_t left = static_cast<std::int64_t>(expires_ms) - server_ahead_ms_ - now();
  const std::int64_t lead =
      std::clamp<std::int64_t>(left / 10, kRenewLeadMin.count(), kRenewLeadMax.count());
  const auto spread =
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(lead) / 2));
  const Millis wait(std::max({left - lead - spread, left / 2, kRenewWaitMin.count()}));
  renew_timer_ = scheduler_.after(wait, [this] {
    renew_timer_ = 0;
    renewing_ = true;
    ask_token();
  });
}

// Until the server has accepted the new token the old one stays.
void Connection::renew_with(const Result<std::string>& token) {
  const auto again = [this] {
    const Millis wait(kRenewRetry.count() +
                      static_cast<std::int64_t>(random_.below(kRenewRetry.count() / 4)));
    renew_timer_ = scheduler_.after(wait, [this] {
      renew_timer_ = 0;
      renewing_ = true;
      ask_token();
    });
  };
  if (!token) {
    if (token.error().retry() != Retry::kNever) again();
    return;
  }
  if (*token == token_) return;  // there is no other: the server will say when it has ended
  v1::ClientFrame frame;
  frame.mutable_renew_token()->set_access_token(*token);
  request(frame, [this, again, fresh = *token](const v1::ServerFrame* answer, const Error& error) {
    if (answer) {
      token_ = fresh;
      arm_renewal(answer->ack().session_expires_ms());
    } else if (error.retry() == Retry::kAfterBackoff && welcomed_) {
      again();
    }
  });
}

void Connection::replace_token(const std::string& token, std::uint64_t expires_ms) {
  token_ = token;
  ticket_.clear();
  if (welcomed_) arm_renewal(expires_ms);
}

void Connection::open_socket() {
  socket_ = std::make_shared<Socket>();
  socket_->owner = this;
  socket_->transport = transports_.open(options_.endpoint, *socket_);
}

void Connection::say_hello() {
  v1::ClientFrame frame;
  frame.set_req_id(next_request_++);
  v1::Hello& hello = *frame.mutable_hello();
  handshake::offer(hello);
  hello.set_device_id(options_.device.bytes());
  if (hello_with_ticket_) {
    hello.set_resume_ticket(ticket_);
  } else {
    hello.set_access_token(token_);
  }
  hello.set_cursor(listener_.feed_cursor());
  hello.set_run_id(listener_.run_id());
  hello.set_state(background_ ? v1::CLIENT_STATE_BACKGROUND : v1::CLIENT_STATE_FOREGROUND);
  hello.set_agent(options_.agent.substr(0, limits::agent_bytes_max));
  const auto bytes = encode(frame);
  if (!bytes) {
    sign_out(bytes.error());
    return;
  }
  socket_->transport->send(*bytes);
  hello_timer_ = scheduler_.after(limits::hello_limit, [this] {
    hello_timer_ = 0;
    drop(make_error(ErrorCode::kTimeout, "the server did not answer the sign-in"), Millis{0});
  });
}

void Connection::on_message(std::string_view message) {
  heard_at_ = now();
  scheduler_.cancel(std::exchange(pong_timer_, 0));
  const auto frame = decode_server_frame(message);
  if (!frame) {
    if (frame.error().code == ErrorCode::kUpgradeRequired) {
      sign_out(frame.error());
    } else {
      drop(frame.error(), Millis{0});
    }
    return;
  }
  if (frame->body_case() == v1::ServerFrame::kGoodbye) {
    on_goodbye(frame->goodbye());
  } else if (!welcomed_) {
    on_hello_answer(*frame);
  } else if (frame->reply_to() != 0 && pending_.count(frame->reply_to())) {
    const bool failed = frame->body_case() == v1::ServerFrame::kError;
    answer(frame->reply_to(), failed ? nullptr : &*frame,
           failed ? from_wire(frame->error()) : kNoError);
  } else if (!pace_.take_push(message.size(), now())) {
    drop(make_error(ErrorCode::kProtocol, "the server sends more than a device can take"),
         Millis{0});
  } else {
    listener_.on_frame(*frame);
  }
}

void Connection::on_hello_answer(const v1::ServerFrame& frame) {
  if (frame.body_case() == v1::ServerFrame::kError) {
    on_refused(from_wire(frame.error()));
    return;
  }
  if (frame.body_case() != v1::ServerFrame::kWelcome) return;
  scheduler_.cancel(std::exchange(hello_timer_, 0));
  const v1::Welcome& welcome = frame.welcome();
  if (Status s = handshake::check_welcome(welcome); !s) {
    if (s.error().code == ErrorCode::kUpgradeRequired) {
      sign_out(s.error());
    } else {
      drop(s.error(), Millis{0});
    }
    return;
  }
  if (!welcome.user_id().empty() && welcome.user_id() != options_.self.bytes()) {
    sign_out(make_error(ErrorCode::kUnauthenticated,
                        "the token belongs to another user than the handle given"));
    return;
  }
  welcomed_ = true;
  token_renewed_ = false;
  ticket_ = welcome.resume_ticket();
  ticket_until_ = now() + kTicketUsable.count();
  if (welcome.heartbeat_s() > 0) heartbeat_ = std::chrono::seconds(welcome.heartbeat_s());
  arm_ping();
  server_ahead_ms_ = static_cast<std::int64_t>(welcome.server_time_ms()) - now();
  server_told_ = welcome.server_time_ms() > 0;
  arm_renewal(welcome.session_expires_ms());
  set_state(ConnectionState::kSyncing, kNoError);
  if (welcomed_) listener_.on_welcome(welcome);
}

void Connection::on_refused(const Error& error) {
  if (hello_with_ticket_ &&
      error.retry() != Retry::kAfterBackoff) {  // a ticket is only a shortcut: knock with the token
    ticket_.clear();
    end_session();
    connect_now();
    return;
  }
  if (error.code == ErrorCode::kTokenExpired && !token_renewed_) {
    token_renewed_ = true;
    ended_token_ = std::exchange(token_, "");
    ticket_.clear();
    end_session();
    set_state(ConnectionState::kConnecting, error);
    connect_now();
    return;
  }
  // A fresh token that has ended already: a clock is wrong, and will be right.
  const bool fresh = error.code == ErrorCode::kTokenExpired && token_ != ended_token_;
  if (error.retry() == Retry::kNever || (error.code == ErrorCode::kTokenExpired && !fresh)) {
    sign_out(error);
  } else {
    if (fresh) token_.clear();
    drop(error, Millis(error.retry_after_ms));
  }
}

void Connection::on_goodbye(const v1::Goodbye& goodbye) {
  const std::string detail(goodbye.detail().empty()
                               ? "the server said goodbye"
                               : utf8_prefix(goodbye.detail(), limits::detail_bytes_max));
  switch (goodbye.reason()) {
    case v1::GOODBYE_REASON_REPLACED:
      sign_out(make_error(ErrorCode::kAlreadyOpen, "the same device has signed in elsewhere"));
      return;
    case v1::GOODBYE_REASON_REVOKED:
      sign_out(make_error(ErrorCode::kRevoked, detail));
      return;
    case v1::GOODBYE_REASON_TOKEN_EXPIRED:
      ticket_.clear();
      hello_with_ticket_ = false;
      on_refused(make_error(ErrorCode::kTokenExpired, detail));
      return;
    default:
      drop(make_error(ErrorCode::kUnavailable, detail, goodbye.retry_after_ms()),
           Millis(goodbye.retry_after_ms()));
  }
}

void Connection::on_closed(std::uint16_t, const Error& error) {
  drop(error, Millis(error.retry_after_ms));
}

void Connection::drop(const Error& reason, Millis retry_after) {
  end_session();
  backoff_.lost(now());
  if (!wanted_) return;
  schedule_connect(backoff_.next(now(), retry_after));
  set_state(ConnectionState::kConnecting, reason);
}

void Connection::sign_out(const Error& reason) {
  wanted_ = false;
  token_.clear();
  ticket_.clear();
  scheduler_.cancel(std::exchange(connect_timer_, 0));
  end_session();
  set_state(ConnectionState::kSignedOut, reason);
}

void Connection::end_session() {
  for (auto* timer : {&hello_timer_, &ping_timer_, &pong_timer_, &renew_timer_})
    scheduler_.cancel(std::exchange(*timer, 0));
  const bool was_welcomed = std::exchange(welcomed_, false);
  drop_socket();
  while (!pending_.empty()) {
    answer(pending_.begin()->first, nullptr,
           make_error(ErrorCode::kOffline, "the connection was lost"));
  }
  if (was_welcomed) listener_.on_lost();
}

void Connection::drop_socket() {
  if (!socket_) return;
  socket_->owner = nullptr;
  // This may run inside a callback of the very socket.
  scheduler_.post([socket = std::move(socket_)] { socket->transport.reset(); });
  socket_.reset();
}

void Connection::arm_ping() {
  scheduler_.cancel(ping_timer_);
  const auto span = static_cast<std::uint64_t>(heartbeat_.count());
  const auto spread = static_cast<std::int64_t>(
      random_.below(span / 5 + 1));  // ± 10 %: a crowd does not ping in step
  ping_timer_ = scheduler_.after(heartbeat_ * 9 / 10 + Millis(spread), [this] {
    ping_timer_ = 0;
    ping(limits::pong_limit);
  });
}

void Connection::ping(Millis limit) {
  if (!welcomed_) return;
  v1::ClientFrame frame;
  frame.mutable_ping()->set_t(static_cast<std::uint64_t>(now()));
  frame.mutable_ping()->set_cursor(listener_.feed_cursor());
  frame.mutable_ping()->set_state(background_ ? v1::CLIENT_STATE_BACKGROUND
                                              : v1::CLIENT_STATE_FOREGROUND);
  frame.set_req_id(next_request_++);
  send(frame);
  const std::int64_t due = now() + limit.count();
  if (!pong_timer_ || due < pong_due_ms_) {
    scheduler_.cancel(pong_timer_);
    pong_due_ms_ = due;
    pong_timer_ = scheduler_.after(limit, [this] {
      pong_timer_ = 0;
      drop(make_error(ErrorCode::kTimeout, "the server does not answer"), Millis{0});
    });
  }
  arm_ping();
}

void Connection::request(v1::ClientFrame& frame, Reply reply, Millis limit) {
  const std::uint64_t id = next_request_++;
  frame.set_req_id(id);
  const auto bytes = welcomed_
                         ? encode(frame)
                         : Result<std::string>(make_error(ErrorCode::kOffline, "not connected"));
  if (!bytes) {
    scheduler_.post(
        [reply = std::move(reply), error = bytes.error(), alive = std::weak_ptr<bool>(alive_)] {
          if (!alive.expired()) reply(nullptr, error);
        });
    return;
  }
  Pending& pending = pending_[id];
  pending.reply = std::move(reply);
  pending.timer = scheduler_.after(limit, [this, id, limit] {
    // Every request is answered within request_limit, so the connection is in doubt. A caller's own,
    // shorter limit says nothing about it.
    if (limit >= limits::request_limit) ping(limits::pong_limit);
    answer(id, nullptr, make_error(ErrorCode::kTimeout, "the server did not answer in time"));
  });
  socket_->transport->send(*bytes);
}

void Connection::send(v1::ClientFrame& frame) {
  if (!welcomed_) return;
  if (const auto bytes = encode(frame)) socket_->transport->send(*bytes);
}

void Connection::answer(std::uint64_t id, const v1::ServerFrame* frame, const Error& error) {
  const auto it = pending_.find(id);
  if (it == pending_.end()) return;
  Pending pending = std::move(it->second);
  pending_.erase(it);
  scheduler_.cancel(pending.timer);
  pending.reply(frame, error);
}

}  // namespace kith::client
