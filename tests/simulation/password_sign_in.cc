// PasswordSignIn: one password after the other.
#include "tests/simulation/password_sign_in.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"

namespace kith::sim {

void Credentials::maybe(const std::string& password) {
  passwords_.push_back(password);
  thought_of_.push_back(password);
}

void Credentials::right(const std::string& password) {
  const auto then = std::find(thought_of_.begin(), thought_of_.end(), password);
  std::erase_if(passwords_, [&](const std::string& other) {
    return std::find(thought_of_.begin(), then, other) != then || other == password;
  });
  passwords_.insert(passwords_.begin(), password);
}

void Credentials::wrong(const std::string& password) {
  const auto it = std::find(passwords_.begin(), passwords_.end(), password);
  if (it != passwords_.end()) std::rotate(it, it + 1, passwords_.end());
}

PasswordSignIn::PasswordSignIn(client::TransportFactory& transports, Scheduler& scheduler,
                               std::string handle, const DeviceId& device, Credentials& account,
                               Done done)
    : scheduler_(scheduler),
      handle_(std::move(handle)),
      device_(device),
      account_(account),
      left_(account.count()),
      done_(std::move(done)) {
  limit_ = scheduler_.after(Millis(limits::request_limit), [this] {
    limit_ = 0;
    answer(make_error(ErrorCode::kTimeout, "the server did not answer"));
  });
  transport_ = transports.open({"ws://simulated/v1/ws", {}}, *this);
}

PasswordSignIn::~PasswordSignIn() {
  scheduler_.cancel(limit_);
}

void PasswordSignIn::say() {
  v1::ClientFrame frame;
  tried_ = account_.likeliest();
  --left_;
  frame.set_req_id(++last_request_);
  v1::SignIn& body = *frame.mutable_sign_in();
  body.set_handle(handle_);
  body.set_password(tried_);
  body.set_device_id(device_.bytes());
  transport_->send(encode(frame).value());
}

void PasswordSignIn::on_message(std::string_view message) {
  const auto frame = decode_server_frame(message);
  if (!frame) return answer(frame.error());
  if (frame->has_signed_in()) return answer(frame->signed_in().access_token());
  if (frame->has_goodbye()) {
    return answer(make_error(ErrorCode::kUnavailable, "the server said goodbye",
                             frame->goodbye().retry_after_ms()));
  }
  if (!frame->has_error()) return;
  const Error error = from_wire(frame->error());
  const bool wrong = error.code == ErrorCode::kUnauthenticated;
  if (wrong) account_.wrong(tried_);
  wrong&& left_ > 0 ? say() : answer(error);
}

void PasswordSignIn::on_close(std::uint16_t, const Error& error) {
  answer(error);
}

void PasswordSignIn::answer(Result<std::string> token) {
  if (!done_) return;
  const Done done = std::exchange(done_, nullptr);
  done(std::move(token));
}

}  // namespace kith::sim
