// Tls_openssl: protocol version, key exchange groups, and the bound on key updates.
#include "src/loop/tls_openssl.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <cstdint>

#include "kith/core/limits.h"

namespace kith {
namespace {

constexpr const char* kHybridGroups = "X25519MLKEM768:X25519:P-256:P-384";  // OpenSSL 3.5 and later
constexpr const char* kGroups = "X25519:P-256:P-384";

// Counts the key updates of a peer, in the slot that OpenSSL keeps for a number of each connection.
int updates_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// OpenSSL answers each key update inside SSL_read() and has no bound for them. One is due after 24
// million records; a peer that sends more than the limit finds the socket shut.
void on_message(int outgoing, int, int type, const void* bytes, std::size_t size, SSL* ssl, void*) {
  if (outgoing != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
  if (*static_cast<const unsigned char*>(bytes) != SSL3_MT_KEY_UPDATE) return;
  const auto before = reinterpret_cast<std::uintptr_t>(SSL_get_ex_data(ssl, updates_index()));
  if (before >= limits::key_updates_max) {
    shutdown(SSL_get_fd(ssl), SHUT_RDWR);
    return;
  }
  // A number, never used as a pointer.
  SSL_set_ex_data(ssl, updates_index(),
                  reinterpret_cast<void*>(before + 1));  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace

Status harden_tls(SSL_CTX* ctx) {
  bool ok = SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1;
  ok = ok && (SSL_CTX_set1_groups_list(ctx, kHybridGroups) == 1 ||
              SSL_CTX_set1_groups_list(ctx, kGroups) == 1);
  ERR_clear_error();  // the first list leaves an error on an OpenSSL without the hybrid group
  SSL_CTX_set_max_early_data(ctx, 0);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_msg_callback(ctx, &on_message);
  if (ok) return {};
  return make_error(ErrorCode::kTlsFailed, "this OpenSSL has no elliptic key exchange for TLS 1.3");
}

}  // namespace kith
