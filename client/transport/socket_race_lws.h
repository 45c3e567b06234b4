// SocketRaceLws: the sockets of one transport that race for the connection, until one has won (RFC 8305).
#pragma once

#include <libwebsockets.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kith::client {

class SocketRaceLws {
 public:
  void set_addresses(std::vector<std::string> addresses) { addresses_ = std::move(addresses); }
  [[nodiscard]] bool has_address() const { return next_ < addresses_.size(); }
  const std::string& next_address() { return addresses_[next_++]; }

  // Another socket joins. Empty: it has begun; else why it came to nothing.
  std::string join(lws_client_connect_info info);
  // A failure is reported while a socket is being made: it belongs to join(). False: none is being made.
  bool note_failure(const std::string& why);
  [[nodiscard]] bool joining() const { return joining_; }

  // The socket that has won; null: none yet, or it is gone.
  [[nodiscard]] lws* winner() const { return winner_; }
  // `wsi` is connected first: the others are given up. False: one has won before.
  bool choose(lws* wsi);
  // The socket whose TLS was last looked at is connected first.
  bool choose_tls() { return choose(tls_); }
  // True if `ssl` is of one of these sockets; remembers which.
  bool owns(ssl_st* ssl);
  // False: it is none of these.
  bool give_up(lws* wsi);
  void forget_winner() { winner_ = nullptr; }
  [[nodiscard]] bool running() const { return !racing_.empty(); }
  // Takes all sockets out.
  std::vector<lws*> release();

 private:
  std::vector<std::string> addresses_;
  std::size_t next_ = 0;
  std::vector<lws*> racing_;
  lws* starting_ = nullptr;  // the one that libwebsockets is making
  lws* tls_ = nullptr;       // the one whose TLS was last looked at
  lws* winner_ = nullptr;
  bool joining_ = false;
  std::string failure_;  // reported inside lws_client_connect_via_info()
};

}  // namespace kith::client
