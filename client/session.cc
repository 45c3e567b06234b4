// Session: Hello and Welcome, frames to those who wait for them, Goodbye.
#include "client/session.h"

#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/handshake.h"
#include "src/utf8.h"

namespace kith::client {
namespace {

constexpr std::uint16_t kNormalClosure = 1000;
const Error kNoError{ErrorCode::kCancelled, ""};

}  // namespace

Session::Session(Scheduler& scheduler, Random& random, RequestTable& requests, ServerPace& pace,
                 const UserId& self, SessionListener& listener)
    : scheduler_(scheduler),
      requests_(requests),
      pace_(pace),
      self_(self),
      listener_(&listener),
      heartbeat_(
          scheduler, random,
          {[this] { ping(); },
           [this] {
             listener_->on_broken(make_error(ErrorCode::kTimeout, "the server does not answer"));
           }}),
      hello_limit_(scheduler, [this] {
        listener_->on_broken(
            make_error(ErrorCode::kTimeout, "the server did not answer the sign-in"));
      }) {}

void Session::open(TransportFactory& transports, const Endpoint& endpoint) {
  transport_ = transports.open(endpoint, *this);
}

void Session::drop(std::shared_ptr<Session> session) {
  session->listener_ = nullptr;
  session->welcomed_ = false;
  session->hello_limit_.stop();
  session->heartbeat_.stop();
  Scheduler& scheduler = session->scheduler_;
  scheduler.post([session = std::move(session)] { session->transport_.reset(); });
}

void Session::say_goodbye() {
  v1::ClientFrame frame;
  frame.mutable_goodbye()->set_reason(v1::GOODBYE_REASON_NORMAL);
  send(frame);
  transport_->close(kNormalClosure);
}

void Session::send(const v1::ClientFrame& frame) {
  if (auto bytes = encode(frame)) transport_->send(*std::move(bytes));
}

void Session::ping() {
  v1::ClientFrame frame;
  frame.mutable_ping()->set_t(static_cast<std::uint64_t>(scheduler_.clock().steady_ms()));
  listener_->fill(*frame.mutable_ping());
  frame.set_req_id(requests_.next_id());
  send(frame);
}

void Session::on_open() {
  if (!listener_) return;
  v1::ClientFrame frame;
  frame.set_req_id(requests_.next_id());
  handshake::offer(*frame.mutable_hello());
  listener_->fill(*frame.mutable_hello());
  auto bytes = encode(frame);
  if (!bytes) return listener_->on_ended(bytes.error());
  transport_->send(*std::move(bytes));
  hello_limit_.start(limits::hello_limit);
}

void Session::on_close(std::uint16_t, const Error& error) {
  if (listener_) listener_->on_broken(error);
}

void Session::on_message(std::string_view message) {
  if (!listener_) return;
  heartbeat_.heard();
  const auto frame = decode_server_frame(message);
  if (!frame) return on_error(frame.error());
  if (frame->body_case() == v1::ServerFrame::kGoodbye) {
    on_goodbye(frame->goodbye());
  } else if (!welcomed_) {
    on_hello_answer(*frame);
  } else if (frame->reply_to() != 0 && requests_.has(frame->reply_to())) {
    const bool failed = frame->body_case() == v1::ServerFrame::kError;
    requests_.answer(frame->reply_to(), failed ? nullptr : &*frame,
                     failed ? from_wire(frame->error()) : kNoError);
  } else if (!pace_.take_push(message.size(), scheduler_.clock().steady_ms())) {
    listener_->on_broken(
        make_error(ErrorCode::kProtocol, "the server sends more than a device can take"));
  } else {
    listener_->on_frame(*frame);
  }
}

// The frame cannot be used; perhaps another release could.
void Session::on_error(const Error& error) {
  if (error.code == ErrorCode::kUpgradeRequired) {
    listener_->on_ended(error);
  } else {
    listener_->on_broken(error);
  }
}

void Session::on_hello_answer(const v1::ServerFrame& frame) {
  if (frame.body_case() == v1::ServerFrame::kError)
    return listener_->on_refused(from_wire(frame.error()));
  if (frame.body_case() != v1::ServerFrame::kWelcome) return;
  hello_limit_.stop();
  const v1::Welcome& welcome = frame.welcome();
  if (Status s = handshake::check_welcome(welcome); !s) return on_error(s.error());
  if (!welcome.user_id().empty() && welcome.user_id() != self_.bytes()) {
    return listener_->on_ended(make_error(
        ErrorCode::kUnauthenticated, "the token belongs to another user than the handle given"));
  }
  welcomed_ = true;
  heartbeat_.start(welcome.heartbeat_s() > 0 ? std::chrono::seconds(welcome.heartbeat_s())
                                             : Millis(limits::heartbeat));
  listener_->on_welcome(welcome);
}

void Session::on_goodbye(const v1::Goodbye& goodbye) {
  const std::string detail(goodbye.detail().empty()
                               ? "the server said goodbye"
                               : utf8_prefix(goodbye.detail(), limits::detail_bytes_max));
  switch (goodbye.reason()) {
    case v1::GOODBYE_REASON_REPLACED:
      return listener_->on_ended(
          make_error(ErrorCode::kAlreadyOpen, "the same device has signed in elsewhere"));
    case v1::GOODBYE_REASON_REVOKED:
      return listener_->on_ended(make_error(ErrorCode::kRevoked, detail));
    case v1::GOODBYE_REASON_TOKEN_EXPIRED:
      return listener_->on_token_ended(make_error(ErrorCode::kTokenExpired, detail));
    default:
      return listener_->on_broken(
          make_error(ErrorCode::kUnavailable, detail, goodbye.retry_after_ms()));
  }
}

}  // namespace kith::client
