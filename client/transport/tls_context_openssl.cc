// TlsContext: OpenSSL settings of the client and its checks.
#include "client/transport/tls_context_openssl.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "client/transport/trust_openssl.h"
#include "src/loop/tls_openssl.h"

namespace kith::client {
namespace {

constexpr std::size_t kSessionsMax = 64;  // servers remembered per set of CAs

std::string setting(const char* variable, const char* otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

// OpenSSL accepts paths that do not exist, and then trusts nobody.
bool system_store_present() {
  std::error_code error;
  const std::string file = setting(X509_get_default_cert_file_env(), X509_get_default_cert_file());
  if (std::filesystem::file_size(file, error) > 0 && !error) return true;
  const std::string directory =
      setting(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
  std::filesystem::directory_iterator entries(directory, error);
  return !error && entries != std::filesystem::directory_iterator();
}

int keep_result(int ok, X509_STORE_CTX*) {
  return ok;
}

}  // namespace

TlsContext::TlsContext(ssl_ctx_st* ctx, TlsPeers& peers) : ctx_(ctx), peers_(peers) {
  SSL_CTX_set_app_data(ctx_, this);
  SSL_CTX_set_mode(ctx_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(ctx_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx_, &TlsContext::verify, this);
  SSL_CTX_set_info_callback(ctx_, &TlsContext::on_info);
  SSL_CTX_set_session_cache_mode(ctx_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx_, &TlsContext::on_session);
}

TlsContext::~TlsContext() {
  for (const auto& [key, session] : sessions_) SSL_SESSION_free(session);
  SSL_CTX_free(ctx_);
}

Result<std::unique_ptr<TlsContext>> TlsContext::create(const std::string& ca_pem, TlsPeers& peers) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == nullptr) return make_error(ErrorCode::kTlsFailed, "OpenSSL could not be set up");
  std::unique_ptr<TlsContext> context(new TlsContext(ctx, peers));
  if (auto hardened = harden_tls(ctx); !hardened) return hardened.error();
  if (!ca_pem.empty()) {
    if (trust_pem(SSL_CTX_get_cert_store(ctx), ca_pem)) return context;
    return make_error(ErrorCode::kTrustStoreEmpty,
                      "the CA certificates given hold no readable PEM certificate");
  }
  if (system_store_present() && SSL_CTX_set_default_verify_paths(ctx) == 1) return context;
  return make_error(ErrorCode::kTrustStoreEmpty,
                    "this system has no CA certificates (Debian: package ca-certificates)");
}

int TlsContext::verify(X509_STORE_CTX* store, void* self) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsPeer* peer = static_cast<TlsContext*>(self)->peers_.peer_of(ssl);
  if (peer == nullptr) return 0;  // cannot say whom it should be: refuse
  // Decided here alone: libwebsockets would let a certificate from the future pass, and cuts IPv6
  // addresses short.
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(store);
  const std::string& host = peer->tls_host();
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  X509_VERIFY_PARAM_set1_host(param, nullptr, 0);
  X509_VERIFY_PARAM_set1_ip(param, nullptr, 0);
  unsigned char binary[sizeof(in6_addr)];
  const bool is_ip = inet_pton(AF_INET, host.c_str(), binary) == 1 ||
                     inet_pton(AF_INET6, host.c_str(), binary) == 1;
  const int named = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str())
                          : X509_VERIFY_PARAM_set1_host(param, host.data(), host.size());
  X509_STORE_CTX_set_verify_cb(store, &keep_result);
  if (named == 1 && X509_verify_cert(store) == 1) return 1;
  peer->on_certificate_refused(X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
  return 0;
}

void TlsContext::on_info(const SSL* ssl, int where, int) {
  auto* self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if ((where & (SSL_CB_HANDSHAKE_START | SSL_CB_HANDSHAKE_DONE)) == 0) return;
  auto* mine = const_cast<SSL*>(ssl);
  TlsPeer* peer = self->peers_.peer_of(mine);
  if (peer == nullptr) return;
  if ((where & SSL_CB_HANDSHAKE_DONE) != 0) {
    peer->on_tls_done();
  } else if (SSL_get_session(ssl) == nullptr) {  // the first handshake, before ClientHello is made
    peer->on_tls_started();
    self->offer_session(mine, peer->tls_key());
  }
}

void TlsContext::offer_session(SSL* ssl, const std::string& key) {
  auto node = sessions_.extract(key);
  if (node.empty()) return;
  SSL_set_session(ssl, node.mapped());
  SSL_SESSION_free(node.mapped());
}

int TlsContext::on_session(SSL* ssl, SSL_SESSION* session) {
  auto* self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  TlsPeer* peer = self->peers_.peer_of(ssl);
  if (peer == nullptr || SSL_SESSION_is_resumable(session) == 0) return 0;
  SSL_SESSION*& kept = self->sessions_[peer->tls_key()];
  if (kept != nullptr) SSL_SESSION_free(kept);
  kept = session;  // the reference is ours now
  if (self->sessions_.size() > kSessionsMax) {
    auto victim = self->sessions_.begin();
    if (victim->second == session) ++victim;
    SSL_SESSION_free(victim->second);
    self->sessions_.erase(victim);
  }
  return 1;
}

}  // namespace kith::client
