// The TLS settings of client and server: TLS 1.3 with elliptic (and hybrid) key exchange only, and a
// bound on the work that a peer can cause.
#pragma once

#include <openssl/ssl.h>

#include "kith/core/result.h"

namespace kith {

// Restricts the context to these settings. Finite-field groups are out: a stranger's single packet could start a
// handshake of ffdhe8192, which takes 0.1 s of the loop. Fails with kTlsFailed if this OpenSSL has none of the
// groups.
Status harden_tls(SSL_CTX* ctx);

}  // namespace kith
