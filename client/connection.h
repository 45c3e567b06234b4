// Connection: keeps one signed-in session with the server, across sockets: connect, Hello,
// heartbeat, back-off, tokens, requests. Pure: sockets, time, randomness and tokens are given.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "client/server_pace.h"
#include "client/transport.h"
#include "kith/client/options.h"
#include "kith/client/types.h"
#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "src/backoff.h"

namespace kith::v1 {
class ClientFrame;
class Goodbye;
class ServerFrame;
class Welcome;
}  // namespace kith::v1

namespace kith::client {

struct ConnectionOptions {
  Endpoint endpoint;
  std::string agent;
  DeviceId device;
  UserId self;
};

class ConnectionListener {
 public:
  virtual ~ConnectionListener() = default;
  virtual std::uint64_t feed_cursor() = 0;
  // Welcome.run_id of the history that the cursor belongs to; empty: none yet.
  virtual std::string run_id() = 0;
  // Signed in; requests may be made from here on.
  virtual void on_welcome(const v1::Welcome& welcome) = 0;
  // Everything that answers no request, and Pong.
  virtual void on_frame(const v1::ServerFrame& frame) = 0;
  // The session is gone; every request has been answered with kOffline before.
  virtual void on_lost() = 0;
  virtual void on_state(ConnectionState state, const Error& reason) = 0;
};

class Connection {
 public:
  // The frame is null exactly if the error says something.
  using Reply = std::function<void(const v1::ServerFrame* frame, const Error& error)>;

  Connection(ConnectionOptions options, Scheduler& scheduler, Random& random,
             TransportFactory& transports, TokenProvider token, ConnectionListener& listener);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  void stop();
  void network_changed();
  // The server has replaced the token of this account: earlier ones and the ticket are refused from now on.
  void replace_token(const std::string& token, std::uint64_t expires_ms);
  void set_background(bool background);
  // The cache is up to date with the server.
  void caught_up();
  // The server does what no honest one does: this connection ends, the next is tried after a back-off.
  void give_up(const Error& reason) { drop(reason, Millis{0}); }
  [[nodiscard]] ServerPace& pace() { return pace_; }

  [[nodiscard]] bool ready() const { return welcomed_; }
  // The server's time as far as this device knows: never later than the truth; 0 = unknown.
  [[nodiscard]] std::int64_t server_ms();
  // The same of this process alone: what the server has told since it began.
  [[nodiscard]] std::int64_t told_server_ms();
  // What server_ms() said in an earlier life of the process.
  void remember_server_ms(std::int64_t ms) { server_seen_ms_ = ms; }
  [[nodiscard]] ConnectionState state() const { return state_; }
  [[nodiscard]] const Error& last_error() const { return last_error_; }

  // Answered exactly once, unless this object is destroyed: by the server, by kTimeout after
  // `limit`, by kOffline. Never inside the call.
  void request(v1::ClientFrame& frame, Reply reply, Millis limit = limits::request_limit);
  // Without an answer; dropped when there is no session.
  void send(v1::ClientFrame& frame);

 private:
  struct Socket;
  struct Pending {
    Reply reply;
    Scheduler::TimerId timer = 0;
  };

  void set_state(ConnectionState state, const Error& reason);
  void connect_now();
  void with_token();
  void ask_token();
  void on_token(const Result<std::string>& token);
  void arm_renewal(std::uint64_t expires_ms);
  void renew_with(const Result<std::string>& token);
  void open_socket();
  void say_hello();
  void on_message(std::string_view message);
  void on_hello_answer(const v1::ServerFrame& frame);
  void on_refused(const Error& error);
  void on_goodbye(const v1::Goodbye& goodbye);
  void on_closed(std::uint16_t code, const Error& error);
  void drop(const Error& reason, Millis retry_after);
  void sign_out(const Error& reason);
  void end_session();
  void drop_socket();
  void schedule_connect(Millis delay);
  void arm_ping();
  void ping(Millis limit);
  void answer(std::uint64_t id, const v1::ServerFrame* frame, const Error& error);
  [[nodiscard]] std::int64_t now() { return scheduler_.clock().steady_ms(); }

  const ConnectionOptions options_;
  Scheduler& scheduler_;
  Random& random_;
  TransportFactory& transports_;
  TokenProvider token_provider_;
  ConnectionListener& listener_;
  Backoff backoff_;
  ServerPace pace_;

  bool wanted_ = false;
  bool welcomed_ = false;
  bool background_ = false;
  ConnectionState state_ = ConnectionState::kOffline;
  Error last_error_{ErrorCode::kCancelled, ""};
  std::shared_ptr<Socket> socket_;
  std::uint64_t next_request_ = 1;
  std::map<std::uint64_t, Pending> pending_;

  std::string token_;
  bool token_asked_ = false;          // single flight
  bool token_renewed_ = false;        // since the last Welcome
  std::string ended_token_;           // that was refused before
  bool renewing_ = false;             // the token that is asked for is to prolong the session
  std::int64_t server_ahead_ms_ = 0;  // server time minus this device's monotonic clock
  std::int64_t server_seen_ms_ = 0;
  bool server_told_ = false;  // server_ahead_ms_ is known
  std::string ticket_;
  std::int64_t ticket_until_ = 0;
  bool hello_with_ticket_ = false;

  std::int64_t heard_at_ = 0;
  Millis heartbeat_ = limits::heartbeat;
  Scheduler::TimerId connect_timer_ = 0;
  Scheduler::TimerId hello_timer_ = 0;
  Scheduler::TimerId ping_timer_ = 0;
  Scheduler::TimerId pong_timer_ = 0;
  std::int64_t pong_due_ms_ = 0;
  Scheduler::TimerId renew_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::client
