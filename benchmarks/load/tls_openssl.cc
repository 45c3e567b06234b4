// Tls: OpenSSL settings of the load generator.
#include "benchmarks/load/tls_openssl.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "client/transport/trust_openssl.h"

namespace kith::bench {
namespace {

// All connections of a run see the same server: one verification in this time is enough.
constexpr Micros kGoodFor = 10 * kSecond;

void append_der(std::string& out, X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return;
  const std::size_t before = out.size();
  out.resize(before + static_cast<std::size_t>(size));
  auto* at = reinterpret_cast<unsigned char*>(out.data() + before);
  i2d_X509(certificate, &at);
}

// All certificates that the server showed, its own first.
std::string shown(X509_STORE_CTX* store) {
  std::string all;
  append_der(all, X509_STORE_CTX_get0_cert(store));
  STACK_OF(X509)* others = X509_STORE_CTX_get0_untrusted(store);
  for (int i = 0; i < sk_X509_num(others); ++i) append_der(all, sk_X509_value(others, i));
  return all;
}

bool is_address(const std::string& host) {
  unsigned char binary[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), binary) == 1 ||
         inet_pton(AF_INET6, host.c_str(), binary) == 1;
}

}  // namespace

TlsSession::~TlsSession() {
  SSL_SESSION_free(session_);
}
TlsSession::TlsSession(TlsSession&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)) {}
TlsSession& TlsSession::operator=(TlsSession&& other) noexcept {
  std::swap(session_, other.session_);
  return *this;
}
void TlsSession::keep(ssl_session_st* session) {
  SSL_SESSION_free(session_);
  session_ = session;
}

Result<std::unique_ptr<Tls>> Tls::create(const std::string& ca_pem, std::string host) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == nullptr) return make_error(ErrorCode::kTlsFailed, "OpenSSL could not be set up");
  std::unique_ptr<Tls> tls(new Tls(ctx, std::move(host)));
  SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A record is a header and what it announces: without it two reads each.
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, &Tls::verify, tls.get());
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, &Tls::on_session);
  if (!ca_pem.empty()) {
    if (client::trust_pem(SSL_CTX_get_cert_store(ctx), ca_pem)) return tls;
    return make_error(ErrorCode::kTrustStoreEmpty, "the --ca file holds no PEM certificate");
  }
  SSL_CTX_set_default_verify_paths(ctx);
  return tls;
}

Tls::~Tls() {
  SSL_CTX_free(ctx_);
}

ssl_st* Tls::attach(int fd, TlsSession& session) {
  SSL* ssl = SSL_new(ctx_);
  SSL_set_fd(ssl, fd);
  SSL_set_app_data(ssl, &session);
  if (is_address(host_)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host_.c_str());
  } else {
    SSL_set1_host(ssl, host_.c_str());
    SSL_set_tlsext_host_name(ssl, host_.c_str());
  }
  if (session.get() != nullptr) SSL_set_session(ssl, session.get());
  SSL_set_connect_state(ssl);
  return ssl;
}

void Tls::detach(ssl_st* ssl) {
  if (ssl == nullptr) return;
  SSL_set_app_data(ssl, nullptr);
  SSL_free(ssl);
}

Error Tls::error_of(ssl_st* ssl) {
  const long verified = SSL_get_verify_result(ssl);
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (verified != X509_V_OK) {
    return make_error(ErrorCode::kTlsCertificate,
                      std::string("the server's certificate does not verify: ") +
                          X509_verify_cert_error_string(verified));
  }
  if (code == 0) return make_error(ErrorCode::kUnavailable, "the server ended the connection");
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return make_error(ErrorCode::kTlsFailed, std::string("TLS failed: ") + text);
}

// Host name and trust are the same for all connections: only the time can make a difference.
int Tls::verify(X509_STORE_CTX* store, void* self) {
  auto& tls = *static_cast<Tls*>(self);
  const Micros now = now_us();
  std::string chain = shown(store);
  if (now < tls.good_until_ && chain == tls.good_chain_) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  ++tls.verified_;
  if (X509_verify_cert(store) != 1) return 0;
  tls.good_chain_ = std::move(chain);
  tls.good_until_ = now + kGoodFor;
  return 1;
}

int Tls::on_session(SSL* ssl, SSL_SESSION* session) {
  auto* kept = static_cast<TlsSession*>(SSL_get_app_data(ssl));
  if (kept == nullptr || SSL_SESSION_is_resumable(session) == 0) return 0;
  kept->keep(session);
  return 1;
}

std::string base64(const std::string& bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string websocket_accept(const std::string& key) {
  const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::string digest(SHA_DIGEST_LENGTH, '\0');
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(digest.data()));
  return base64(digest);
}

}  // namespace kith::bench
