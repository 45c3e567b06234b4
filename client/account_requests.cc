// register_account() and sign_in(): one short-lived connection before there is a session.
#include <chrono>
#include <fstream>
#include <future>
#include <sstream>

#include "client/cache_store_sqlite.h"
#include "client/runtime.h"
#include "kith/client/client.h"
#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/handle.h"

namespace kith::client {
namespace {

// Sends one frame when the socket opens and keeps the first answer.
class OneRequest : public TransportListener {
 public:
  explicit OneRequest(std::string frame) : frame_(std::move(frame)) {}

  void on_open() override { transport->send(frame_); }
  void on_message(std::string_view message) override {
    const auto frame = decode_server_frame(message);
    if (!frame) {
      answer(frame.error());
    } else if (frame->body_case() == v1::ServerFrame::kSignedIn) {
      answer(Token{frame->signed_in().access_token(),
                   Timestamp{static_cast<std::int64_t>(frame->signed_in().expires_ms())},
                   frame->signed_in().user_id()});
    } else if (frame->body_case() == v1::ServerFrame::kError) {
      answer(from_wire(frame->error()));
    } else if (frame->body_case() == v1::ServerFrame::kGoodbye) {
      answer(make_error(ErrorCode::kUnavailable, "the server said goodbye",
                        frame->goodbye().retry_after_ms()));
    }
  }
  void on_close(std::uint16_t, const Error& error) override { answer(error); }

  std::unique_ptr<Transport> transport;
  std::promise<Result<Token>> result;

 private:
  void answer(Result<Token> token) {
    if (!answered_) result.set_value(std::move(token));
    answered_ = true;
  }
  std::string frame_;
  bool answered_ = false;
};

// The device that Client::open() of the same directory is: the server gives the token to it alone.
Result<std::string> device_bytes(const ClientOptions& options) {
  if (options.cache_dir.empty()) {
    return make_error(
        ErrorCode::kInvalidArgument,
        "cache_dir: it is empty, but the token belongs to the device that lives there");
  }
  const auto device = cache_device_sqlite(options.cache_dir, system_random());
  if (!device) return device.error();
  return device->bytes();
}

Result<Token> ask(const ClientOptions& options, v1::ClientFrame& frame) {
  const auto endpoint = endpoint_of(options);
  if (!endpoint) return endpoint.error();
  frame.set_req_id(1);
  if (Status s = validate(frame); !s) return s.error();
  const auto bytes = encode(frame);
  if (!bytes) return bytes.error();
  const auto runtime = runtime_of(options);
  OneRequest request(*bytes);
  auto future = request.result.get_future();
  runtime->loop.run_sync(
      [&] { request.transport = runtime->transports->open(*endpoint, request); });
  const bool answered = future.wait_for(limits::request_limit) == std::future_status::ready;
  runtime->loop.run_sync([&] { request.transport.reset(); });
  if (!answered) return make_error(ErrorCode::kTimeout, "the server did not answer");
  auto token = future.get();
  if (!token) return token;
  // The id that came is that of the handle as it was typed, or as the server keeps it.
  for (const std::string& handle : {options.handle, mapped_handle(options.handle)}) {
    if (token->handle != UserId::of(handle).view()) continue;
    token->handle = handle;
    return token;
  }
  return make_error(ErrorCode::kProtocol, "the server signed somebody else in");
}

}  // namespace

Result<Endpoint> endpoint_of(const ClientOptions& options) {
  if (options.url.rfind("ws://", 0) != 0 && options.url.rfind("wss://", 0) != 0) {
    return make_error(ErrorCode::kInvalidArgument, "url: it begins with neither wss:// nor ws://");
  }
  Endpoint endpoint{options.url, {}, options.proxy};
  if (options.ca_file.empty()) return endpoint;
  std::ifstream file(options.ca_file);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    return make_error(ErrorCode::kIo, "ca_file: " + options.ca_file + " cannot be read");
  }
  endpoint.ca_pem = text.str();
  return endpoint;
}

Result<Token> Client::register_account(const ClientOptions& options, const std::string& password,
                                       const std::string& display_name) {
  const auto device = device_bytes(options);
  if (!device) return device.error();
  v1::ClientFrame frame;
  v1::Register& body = *frame.mutable_register_();
  body.set_handle(options.handle);
  body.set_password(password);
  body.set_display_name(display_name);
  body.set_device_id(*device);
  return ask(options, frame);
}

Result<Token> Client::sign_in(const ClientOptions& options, const std::string& password) {
  const auto device = device_bytes(options);
  if (!device) return device.error();
  v1::ClientFrame frame;
  v1::SignIn& body = *frame.mutable_sign_in();
  body.set_handle(options.handle);
  body.set_password(password);
  body.set_device_id(*device);
  return ask(options, frame);
}

}  // namespace kith::client
