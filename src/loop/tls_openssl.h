// What client and server ask of TLS alike: TLS 1.3 with elliptic (and hybrid) key exchange only, and a
// bound on what a peer may make the other compute.
#pragma once

#include <openssl/ssl.h>

#include "kith/core/result.h"

namespace kith {

// Finite-field groups are out: one handshake of ffdhe8192 takes 0.1 s of the loop, which a stranger asks
// for with one packet. kTlsFailed if this OpenSSL has none of the groups.
Status harden_tls(SSL_CTX* ctx);

}  // namespace kith
