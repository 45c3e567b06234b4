// Session: one socket to the server, from the Hello that is said on it to its end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client/heartbeat.h"
#include "client/request_table.h"
#include "client/server_pace.h"
#include "client/transport.h"
#include "kith/core/ids.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "src/timer.h"

namespace kith::v1 {
class ClientFrame;
class Goodbye;
class Hello;
class Ping;
class ServerFrame;
class Welcome;
}  // namespace kith::v1

namespace kith::client {

// After on_refused(), on_token_ended(), on_broken() and on_ended() the session is of no use.
class SessionListener {
 public:
  virtual ~SessionListener() = default;
  virtual void fill(v1::Hello& hello) = 0;
  virtual void fill(v1::Ping& ping) = 0;
  virtual void on_welcome(const v1::Welcome& welcome) = 0;
  // The Hello was answered with an error.
  virtual void on_refused(const Error& error) = 0;
  // The token that opened the session has ended.
  virtual void on_token_ended(const Error& error) = 0;
  // A frame that answers no request.
  virtual void on_frame(const v1::ServerFrame& frame) = 0;
  // Another session may do; `reason` says when, if the server asked for a pause.
  virtual void on_broken(const Error& reason) = 0;
  // No other session would do.
  virtual void on_ended(const Error& reason) = 0;
};

class Session : public TransportListener {
 public:
  // All references must outlive the session; `self` is the user who signs in.
  Session(Scheduler& scheduler, Random& random, RequestTable& requests, ServerPace& pace,
          const UserId& self, SessionListener& listener);

  void open(TransportFactory& transports, const Endpoint& endpoint);
  // Ends it from this side: nothing that the socket still says reaches the listener. The socket itself may live for
  // another turn of the loop, for this may run inside a callback of it.
  static void drop(std::shared_ptr<Session> session);
  // Says that this device leaves.
  void say_goodbye();

  // Signed in: requests may be sent.
  [[nodiscard]] bool welcomed() const { return welcomed_; }
  void send(const v1::ClientFrame& frame);
  void send(std::string bytes) { transport_->send(std::move(bytes)); }
  // Asks the server for a sign of life within `limit`.
  void probe(Millis limit) { heartbeat_.ping(limit); }

 private:
  void on_open() override;
  void on_message(std::string_view message) override;
  void on_close(std::uint16_t code, const Error& error) override;
  void on_hello_answer(const v1::ServerFrame& frame);
  void on_goodbye(const v1::Goodbye& goodbye);
  void on_error(const Error& error);
  void ping();

  Scheduler& scheduler_;
  RequestTable& requests_;
  ServerPace& pace_;
  const UserId self_;
  SessionListener* listener_;  // null: dropped
  std::unique_ptr<Transport> transport_;
  bool welcomed_ = false;
  Heartbeat heartbeat_;
  Timer hello_limit_;
};

}  // namespace kith::client
