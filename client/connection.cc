// Connection: when a session is opened, and what follows when one is refused or lost.
#include "client/connection.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::client {
namespace {

const Error kNoError{ErrorCode::kCancelled, ""};

}  // namespace

Connection::Connection(ConnectionOptions options, Scheduler& scheduler, Random& random,
                       TransportFactory& transports, TokenProvider token,
                       ConnectionListener& listener)
    : options_(std::move(options)),
      scheduler_(scheduler),
      random_(random),
      transports_(transports),
      listener_(listener),
      status_(listener),
      server_time_(scheduler.clock()),
      credentials_(scheduler, std::move(token),
                   [this](const Result<std::string>& answer) { on_token(answer); }),
      renewal_(scheduler, random, credentials_, server_time_,
               {[this] { return ready(); },
                [this](v1::ClientFrame& frame, Reply reply) { request(frame, std::move(reply)); }}),
      reconnect_(scheduler, random, [this] { connect_now(); }),
      requests_(scheduler, [this] {
        if (ready()) session_->probe(limits::pong_limit);
      }) {}

void Connection::start() {
  if (wanted_) return;
  wanted_ = true;
  credentials_.allow_another_chance();
  status_.set(ConnectionState::kConnecting, kNoError);
  connect_now();
}

void Connection::stop() {
  if (ready()) session_->say_goodbye();
  wanted_ = false;
  reconnect_.stop();
  end_session();
  if (status_.state() != ConnectionState::kSignedOut)
    status_.set(ConnectionState::kOffline, kNoError);
}

void Connection::network_changed() {
  if (!wanted_) return;
  if (ready()) {
    session_->probe(limits::probe_limit);
  } else {
    reconnect_.network_changed();
  }
}

void Connection::set_background(bool background) {
  if (background_ == background) return;
  background_ = background;
  reconnect_.set_background(background);
  if (ready()) {
    session_->probe(limits::pong_limit);
  } else if (!background) {
    network_changed();
  }
}

void Connection::caught_up() {
  if (!ready() || status_.state() == ConnectionState::kOnline) return;
  reconnect_.synced();
  status_.set(ConnectionState::kOnline, kNoError);
}

void Connection::replace_token(const std::string& token, std::uint64_t expires_ms) {
  credentials_.replace(token);
  if (ready()) renewal_.arm(expires_ms);
}

void Connection::connect_now() {
  if (!wanted_ || session_) return;
  if (credentials_.choose()) {
    session_ = std::make_shared<Session>(scheduler_, random_, requests_, pace_, options_.self,
                                         static_cast<SessionListener&>(*this));
    session_->open(transports_, options_.endpoint);
  } else if (credentials_.can_ask()) {
    credentials_.ask();
  } else {
    on_ended(make_error(ErrorCode::kUnauthenticated, "no token provider was given"));
  }
}

void Connection::on_token(const Result<std::string>& token) {
  if (renewal_.take(token)) return;
  if (token) {
    credentials_.keep(*token);
    connect_now();
  } else if (session_) {
    return;  // a ticket has opened the door meanwhile
  } else if (token.error().retry() == Retry::kNever) {
    on_ended(token.error());
  } else {
    on_broken(token.error());
  }
}

// --- what the session says ---

void Connection::fill(v1::Hello& hello) {
  hello.set_device_id(options_.device.bytes());
  credentials_.show(hello);
  hello.set_cursor(listener_.feed_cursor());
  hello.set_run_id(listener_.run_id());
  hello.set_connect_no(listener_.next_connect_no());
  hello.set_state(background_ ? v1::CLIENT_STATE_BACKGROUND : v1::CLIENT_STATE_FOREGROUND);
  hello.set_agent(options_.agent.substr(0, limits::agent_bytes_max));
}

void Connection::fill(v1::Ping& ping) {
  ping.set_cursor(listener_.feed_cursor());
  ping.set_state(background_ ? v1::CLIENT_STATE_BACKGROUND : v1::CLIENT_STATE_FOREGROUND);
}

void Connection::on_welcome(const v1::Welcome& welcome) {
  credentials_.on_welcome(welcome.resume_ticket());
  server_time_.on_welcome(static_cast<std::int64_t>(welcome.server_time_ms()));
  renewal_.arm(welcome.session_expires_ms());
  status_.set(ConnectionState::kSyncing, kNoError);
  if (ready()) listener_.on_welcome(welcome);
}

void Connection::on_refused(const Error& error) {
  // A ticket is only a shortcut: knock with the token.
  if (credentials_.shows_ticket() && error.retry() != Retry::kAfterBackoff) {
    credentials_.drop_ticket();
    end_session();
    connect_now();
    return;
  }
  const bool expired = error.code == ErrorCode::kTokenExpired;
  if (expired && credentials_.give_another_chance()) {
    end_session();
    status_.set(ConnectionState::kConnecting, error);
    connect_now();
    return;
  }
  // A fresh token that has ended already: a clock is wrong, and will be right.
  const bool fresh = expired && credentials_.is_another();
  if (error.retry() == Retry::kNever || (expired && !fresh)) {
    on_ended(error);
  } else {
    if (fresh) credentials_.drop_token();
    on_broken(error);
  }
}

void Connection::on_token_ended(const Error& error) {
  credentials_.drop_ticket();
  on_refused(error);
}

void Connection::on_broken(const Error& reason) {
  end_session();
  reconnect_.lost();
  if (!wanted_) return;
  reconnect_.later(Millis(reason.retry_after_ms));
  status_.set(ConnectionState::kConnecting, reason);
}

void Connection::on_ended(const Error& reason) {
  wanted_ = false;
  credentials_.forget();
  reconnect_.stop();
  end_session();
  status_.set(ConnectionState::kSignedOut, reason);
}

void Connection::end_session() {
  renewal_.stop();
  const bool was_ready = ready();
  if (session_) Session::drop(std::move(session_));
  session_.reset();
  requests_.refuse_all(make_error(ErrorCode::kOffline, "the connection was lost"));
  if (was_ready) listener_.on_lost();
}

// --- requests ---

void Connection::request(v1::ClientFrame& frame, Reply reply, Millis limit) {
  const std::uint64_t id = requests_.next_id();
  frame.set_req_id(id);
  auto bytes = ready() ? encode(frame)
                       : Result<std::string>(make_error(ErrorCode::kOffline, "not connected"));
  if (!bytes) return requests_.refuse_later(std::move(reply), bytes.error());
  requests_.add(id, std::move(reply), limit);
  session_->send(*std::move(bytes));
}

void Connection::send(const v1::ClientFrame& frame) {
  if (ready()) session_->send(frame);
}

}  // namespace kith::client
