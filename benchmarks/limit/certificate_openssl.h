// The barest TLS server's settings: TLS 1.3, one ticket, a P-256 certificate made for the occasion.
#pragma once

struct ssl_ctx_st;

namespace kith::bench {

// Null if OpenSSL cannot. The caller frees it.
ssl_ctx_st* bare_tls_server();

}  // namespace kith::bench
