// A certificate for nobody, signed by itself: the clients of these measurements do not look.
#include "benchmarks/limit/certificate_openssl.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace kith::bench {
namespace {

constexpr long kDay = 86'400;

bool use_new_certificate(SSL_CTX* ctx) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), kDay);
  X509_set_pubkey(certificate, key);
  const bool good = X509_sign(certificate, key, EVP_sha256()) > 0 &&
                    SSL_CTX_use_certificate(ctx, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(ctx, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  return good;
}

}  // namespace

ssl_ctx_st* bare_tls_server() {
  SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  if (use_new_certificate(ctx)) return ctx;
  SSL_CTX_free(ctx);
  return nullptr;
}

}  // namespace kith::bench
