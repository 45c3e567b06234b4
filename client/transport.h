// Transport: one socket life as the pure client sees it. The real one is transport_lws.h; tests bring their own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith::client {

struct Endpoint {
  std::string url;      // ws:// or wss://host:port/v1/ws
  std::string ca_pem;   // PEM certificates to verify against; empty = the system's store
  std::string proxy{};  // as ClientOptions::proxy
};

// Calls come on the loop, in order: on_open at most once, then on_message, at the end on_close
// exactly once (also when connecting fails; then without on_open).
class TransportListener {
 public:
  virtual ~TransportListener() = default;
  virtual void on_open() = 0;
  virtual void on_message(std::string_view message) = 0;
  // code: WebSocket close code, 0 if the connection broke or was never there. error says why,
  // typed: kDnsFailed, kConnectFailed, kTlsCertificate, kTlsFailed, kTrustStoreEmpty,
  // kNotKithServer, kUnavailable (peer closed or cut).
  virtual void on_close(std::uint16_t code, const Error& error) = 0;
};

// Destroying it cuts the connection; no callback comes afterwards. Loop thread only.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void send(std::string message) = 0;
  virtual std::size_t buffered() const = 0;
  // Starts an orderly close; on_close follows, at the latest after 2 s.
  virtual void close(std::uint16_t code) = 0;
};

class TransportFactory {
 public:
  virtual ~TransportFactory() = default;
  // Begins to connect. Never calls the listener inside the call.
  virtual std::unique_ptr<Transport> open(const Endpoint& endpoint,
                                          TransportListener& listener) = 0;
};

}  // namespace kith::client
