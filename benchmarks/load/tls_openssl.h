// The load generator's TLS: one OpenSSL context for all connections, certificate and host name
// always verified (bytes that were found good a moment ago are not worked through again), the last
// session of each connection offered again when it comes back.
#pragma once

#include <memory>
#include <string>

#include "benchmarks/load/clock.h"
#include "kith/core/result.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace kith::bench {

// A session that a server gave one connection. Freed with it.
class TlsSession {
 public:
  TlsSession() = default;
  ~TlsSession();
  TlsSession(TlsSession&& other) noexcept;
  TlsSession& operator=(TlsSession&& other) noexcept;
  void keep(ssl_session_st* session);
  [[nodiscard]] ssl_session_st* get() const { return session_; }

 private:
  ssl_session_st* session_ = nullptr;
};

class Tls {
 public:
  // kTrustStoreEmpty if ca_pem holds no certificate; empty = the store of the system.
  static Result<std::unique_ptr<Tls>> create(const std::string& ca_pem, std::string host);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // A new connection on a connected socket; `session` gets what the server gives, and is offered.
  ssl_st* attach(int fd, TlsSession& session);
  static void detach(ssl_st* ssl);
  // Certificates that were worked through, not only recognized.
  [[nodiscard]] std::uint64_t verified() const { return verified_; }
  // Why the handshake or the connection failed.
  static Error error_of(ssl_st* ssl);

 private:
  explicit Tls(ssl_ctx_st* ctx, std::string host) : ctx_(ctx), host_(std::move(host)) {}
  static int verify(x509_store_ctx_st* store, void* self);
  static int on_session(ssl_st* ssl, ssl_session_st* session);

  ssl_ctx_st* ctx_;
  std::string host_;
  std::string good_chain_;  // what the server showed when it was verified last
  Micros good_until_ = 0;
  std::uint64_t verified_ = 0;
};

// A server's answer to Sec-WebSocket-Key: base64 of SHA-1 of key and a fixed text.
std::string websocket_accept(const std::string& key);
std::string base64(const std::string& bytes);

}  // namespace kith::bench
