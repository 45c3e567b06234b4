// The barest TLS server: handshakes between two ends in memory.
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <ctime>

#include "benchmarks/limit/certificate_openssl.h"
#include "benchmarks/limit/limits.h"
#include "benchmarks/load/clock.h"

namespace kith::bench {
namespace {

double thread_cpu_s() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// One handshake; adds the server's CPU time.
bool shake(SSL_CTX* server_ctx, SSL_CTX* client_ctx, double& server_s) {
  SSL* server = SSL_new(server_ctx);
  SSL* client = SSL_new(client_ctx);
  BIO* near = nullptr;
  BIO* far = nullptr;
  BIO_new_bio_pair(&near, 0, &far, 0);
  SSL_set_bio(server, near, near);
  SSL_set_bio(client, far, far);
  SSL_set_accept_state(server);
  SSL_set_connect_state(client);
  bool server_done = false;
  bool client_done = false;
  for (int turn = 0; turn < 10 && !(server_done && client_done); ++turn) {
    client_done = SSL_do_handshake(client) == 1;
    const double from = thread_cpu_s();
    server_done = SSL_do_handshake(server) == 1;
    server_s += thread_cpu_s() - from;
  }
  SSL_free(server);
  SSL_free(client);
  return server_done && client_done;
}

}  // namespace

std::optional<LimitResult> handshake_limit(double seconds) {
  SSL_CTX* server = bare_tls_server();
  SSL_CTX* client = SSL_CTX_new(TLS_client_method());
  double used = 0;
  std::uint64_t count = 0;
  bool good = server != nullptr;
  const Micros until = now_us() + static_cast<Micros>(seconds * 1e6);
  while (good && now_us() < until) {
    good = shake(server, client, used);
    ++count;
  }
  SSL_CTX_free(server);
  SSL_CTX_free(client);
  if (!good || count == 0) return std::nullopt;
  LimitResult result;
  result.per_s = static_cast<double>(count) / used;  // of one core that does nothing else
  result.cpu_us_each = 1e6 * used / static_cast<double>(count);
  return result;
}

}  // namespace kith::bench
