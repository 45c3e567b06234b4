// Tls of the load generator: the server's certificate is verified, and recognized the next time.
#include "benchmarks/load/tls_openssl.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "kith/server/dev_certificate.h"

namespace kith::bench {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A server with a certificate and a CA of its own.
class Server {
 public:
  explicit Server(const std::string& name) {
    const std::string dir = testing::TempDir() + "bench_tls_" + name;
    std::filesystem::remove_all(dir);
    std::filesystem::create_directories(dir);
    const auto made = server::ensure_dev_certificate(dir);
    EXPECT_TRUE(made);
    ca_pem = read_file(made->ca_file);
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(ctx, made->certificate_file.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(ctx, made->key_file.c_str(), SSL_FILETYPE_PEM), 1);
  }
  ~Server() { SSL_CTX_free(ctx); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
  std::string ca_pem;
};

// The result of one handshake, as the client sees it.
Status shake(const Server& server, Tls& tls) {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  SSL* near = SSL_new(server.ctx);
  SSL_set_fd(near, ends[0]);
  SSL_set_accept_state(near);
  TlsSession session;
  SSL* far = tls.attach(ends[1], session);
  Status result = make_error(ErrorCode::kTimeout, "no end to it");
  for (int turn = 0; turn < 10; ++turn) {
    const int done = SSL_do_handshake(far);
    const int why = SSL_get_error(far, done);
    SSL_do_handshake(near);
    if (done == 1 && SSL_is_init_finished(near) == 1) result = {};
    if (done != 1 && why != SSL_ERROR_WANT_READ) result = Tls::error_of(far);
    if (result || result.error().code != ErrorCode::kTimeout) break;
  }
  Tls::detach(far);
  SSL_free(near);
  for (const int end : ends) close(end);
  return result;
}

TEST(BenchTls, VerifiesTheSameCertificateOnce) {
  const Server server("once");
  const auto tls = Tls::create(server.ca_pem, "localhost");
  ASSERT_TRUE(tls);
  for (int i = 0; i < 3; ++i) {
    const Status shaken = shake(server, **tls);
    EXPECT_TRUE(shaken) << shaken.error().to_string();
  }
  EXPECT_EQ((*tls)->verified(), 1U);
}

TEST(BenchTls, RefusesAnotherCertificateAfterAGoodOne) {
  const Server server("good");
  const Server stranger("stranger");
  const auto tls = Tls::create(server.ca_pem, "localhost");
  ASSERT_TRUE(tls);
  ASSERT_TRUE(shake(server, **tls));
  const Status refused = shake(stranger, **tls);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTlsCertificate);
  EXPECT_FALSE(shake(stranger, **tls)) << "what was refused is not remembered";
  EXPECT_EQ((*tls)->verified(), 3U);
}

TEST(BenchTls, RefusesACertificateForAnotherHost) {
  const Server server("host");
  const auto tls = Tls::create(server.ca_pem, "elsewhere.example");
  ASSERT_TRUE(tls);
  const Status refused = shake(server, **tls);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTlsCertificate);
}

}  // namespace
}  // namespace kith::bench
