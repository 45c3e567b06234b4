// TLS of the client: trusted certificates, verification, and the sessions that make a reconnect
// cheap.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "kith/core/result.h"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;
struct x509_store_ctx_st;

namespace kith::client {

// The questions of a TLS context about one connection. Loop thread.
class TlsPeer {
 public:
  virtual ~TlsPeer() = default;
  virtual const std::string& tls_host()
      const = 0;  // name or IP address that the certificate must carry
  virtual const std::string& tls_key() const = 0;  // names the server among the remembered sessions
  virtual void on_tls_started() = 0;
  virtual void on_tls_done() = 0;
  virtual void on_certificate_refused(const std::string& why) = 0;
};

// Finds the connection that an SSL belongs to; nullptr if there is none.
class TlsPeers {
 public:
  virtual ~TlsPeers() = default;
  virtual TlsPeer* peer_of(ssl_st* ssl) = 0;
};

// One SSL_CTX for one set of trusted CAs: TLS 1.3, certificate and host name always verified. Loop
// thread.
class TlsContext {
 public:
  // ca_pem empty: the store of the system. kTrustStoreEmpty if there is nothing to trust.
  static Result<std::unique_ptr<TlsContext>> create(const std::string& ca_pem, TlsPeers& peers);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] ssl_ctx_st* get() const { return ctx_; }

 private:
  TlsContext(ssl_ctx_st* ctx, TlsPeers& peers);
  static int verify(x509_store_ctx_st* store, void* self);
  static void on_info(const ssl_st* ssl, int where, int ret);
  static int on_session(ssl_st* ssl, ssl_session_st* session);
  void offer_session(ssl_st* ssl, const std::string& key);

  ssl_ctx_st* ctx_;
  TlsPeers& peers_;
  std::unordered_map<std::string, ssl_session_st*> sessions_;  // at most one per server, used once
};

}  // namespace kith::client
