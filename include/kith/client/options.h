// ClientOptions: everything that an application may set, with its default and reason.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kith/core/executor.h"
#include "kith/core/result.h"

namespace kith::client {

// Gets a token from the application's back end and passes it to `done`: once, from any thread. Kith has one
// call under way at a time, and calls again only when the token is about to expire (the connection goes on
// with the new one) or when the server has rejected it as expired.
using TokenProvider = std::function<void(std::function<void(Result<std::string>)> done)>;

// Shares one network thread among clients. Any thread; outlives its clients by reference counting.
class KITH_API Runtime {
 public:
  static std::shared_ptr<Runtime> make();
  virtual ~Runtime() = default;
};

struct ClientOptions {
  std::string url{};        // wss://host:port/v1/ws (ws:// only for tests and trusted networks)
  std::string handle{};     // the account to sign in to
  TokenProvider token{};    // see also fixed_token()
  std::string cache_dir{};  // one directory per account; created if missing. Empty: in memory only
  std::string ca_file{};    // PEM; empty = the system's trust store
  // An HTTP proxy to the server: "http://[user:password@]host:port", or "none". Empty: as the environment says
  // (https_proxy for wss://, http_proxy for ws://, all_proxy for both; no_proxy and the loopback are reached directly).
  std::string proxy{};
  std::string agent = "kith-cpp";
  // False: a message counts as delivered once the cache holds it. True: once the application has called
  // Client::acknowledge(); Client::unacknowledged() returns the others, also after a crash. For programs
  // that pass messages on.
  bool acknowledge_by_hand = false;
  std::shared_ptr<Runtime> runtime{};    // null: a thread of its own
  std::shared_ptr<Executor> executor{};  // where events and callbacks run; null: a thread of Kith's
};

// A provider for a token that the application already holds.
KITH_API TokenProvider fixed_token(std::string token);

}  // namespace kith::client
