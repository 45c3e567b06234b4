// Connection: keeps one signed-in session with the server, across sockets: when to connect, with what, and what is said
// of it. Pure: sockets, time, randomness and tokens are given.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "client/connection_listener.h"
#include "client/connection_status.h"
#include "client/credentials.h"
#include "client/reconnect.h"
#include "client/request_table.h"
#include "client/server_pace.h"
#include "client/server_time.h"
#include "client/session.h"
#include "client/token_renewal.h"
#include "client/transport.h"
#include "kith/client/options.h"
#include "kith/core/limits.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"

namespace kith::client {

struct ConnectionOptions {
  Endpoint endpoint;
  std::string agent;
  DeviceId device;
  UserId self;
};

class Connection : private SessionListener {
 public:
  Connection(ConnectionOptions options, Scheduler& scheduler, Random& random,
             TransportFactory& transports, TokenProvider token, ConnectionListener& listener);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  void stop();
  void network_changed();
  void set_background(bool background);
  // The cache is up to date with the server.
  void caught_up();
  // The server does what no honest one does: this session ends, the next is tried after a back-off.
  void give_up(const Error& reason) { on_broken(reason); }
  // The server has replaced the token of this account: earlier ones and the ticket are refused from now on.
  void replace_token(const std::string& token, std::uint64_t expires_ms);

  [[nodiscard]] bool ready() const { return session_ && session_->welcomed(); }
  [[nodiscard]] const ConnectionStatus& status() const { return status_; }
  [[nodiscard]] ServerTime& server_time() { return server_time_; }
  [[nodiscard]] ServerPace& pace() { return pace_; }

  // Answered exactly once, unless this object is destroyed: by the server, by kTimeout after
  // `limit`, by kOffline. Never inside the call.
  void request(v1::ClientFrame& frame, Reply reply, Millis limit = limits::request_limit);
  // Without an answer; dropped when there is no session.
  void send(const v1::ClientFrame& frame);

 private:
  void fill(v1::Hello& hello) override;
  void fill(v1::Ping& ping) override;
  void on_welcome(const v1::Welcome& welcome) override;
  void on_refused(const Error& error) override;
  void on_token_ended(const Error& error) override;
  void on_frame(const v1::ServerFrame& frame) override { listener_.on_frame(frame); }
  void on_broken(const Error& reason) override;
  void on_ended(const Error& reason) override;
  void connect_now();
  void on_token(const Result<std::string>& token);
  void end_session();

  const ConnectionOptions options_;
  Scheduler& scheduler_;
  Random& random_;
  TransportFactory& transports_;
  ConnectionListener& listener_;
  bool wanted_ = false;
  bool background_ = false;
  ConnectionStatus status_;
  ServerTime server_time_;
  ServerPace pace_;
  Credentials credentials_;
  TokenRenewal renewal_;
  Reconnect reconnect_;
  RequestTable requests_;
  std::shared_ptr<Session> session_;  // null: none, or none any more
};

}  // namespace kith::client
