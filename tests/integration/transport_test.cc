// Proves the client's transport against the real listener and against servers that are none, error
// by error.
#include "client/transport_lws.h"

#include <openssl/ssl.h>

#include <thread>

#include "client/transport/tls_context_openssl.h"
#include "client/transport/url.h"
#include "kith/core/limits.h"
#include "tests/integration/socket_fixture.h"

namespace kith::client {
namespace {

using test::ClientSide;
using test::RawSocket;
using test::TestPeer;
using test::TestServer;

std::string dev_ca() {
  return test::read_file(test::dev_certificate().ca_file);
}

// Listens on loopback and lets a function answer the first connection.
class StrangeServer {
 public:
  explicit StrangeServer(std::string answer) : answer_(std::move(answer)) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(fd_, 8) != 0 ||
        getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] {
      const int peer = accept(fd_, nullptr, nullptr);
      if (peer < 0) return;
      char bytes[4096];
      const ssize_t got = recv(peer, bytes, sizeof bytes, 0);
      if (got > 0) (void)!::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      ::shutdown(peer, SHUT_WR);
      while (recv(peer, bytes, sizeof bytes, 0) > 0) {
      }
      ::close(peer);
    });
  }
  ~StrangeServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::string url(const std::string& scheme) const {
    return scheme + "://127.0.0.1:" + std::to_string(port_) + "/v1/ws";
  }

 private:
  std::string answer_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

ErrorCode failure(const std::string& url, const std::string& ca = {}) {
  ClientSide client;
  TestPeer peer(client.loop, *client.factory, url, ca);
  EXPECT_TRUE(peer.wait_closed());
  EXPECT_FALSE(peer.open);
  EXPECT_EQ(peer.closes, 1);
  EXPECT_EQ(peer.code, 0);
  return peer.error.code;
}

TEST(Transport, EchoesOverPlainAndTls) {
  for (const bool tls : {false, true}) {
    TestServer server(tls);
    ClientSide client;
    for (const char* host : {"127.0.0.1", "localhost"}) {
      TestPeer peer(client.loop, *client.factory, server.url(host), tls ? dev_ca() : "");
      ASSERT_TRUE(peer.wait_open()) << host << ": " << peer.error.to_string();
      const std::string largest(limits::frame_bytes_max, 'm');
      peer.send("one");
      peer.send(largest);
      peer.send("three");
      ASSERT_TRUE(peer.wait_messages(3));
      EXPECT_EQ(peer.messages, (std::vector<std::string>{"one", largest, "three"}));
      EXPECT_EQ(server.last_peer.tls, tls);
      EXPECT_EQ(server.last_peer.address, "127.0.0.1");
    }
  }
}

TEST(Transport, KeepsOrderOverTlsWhenMuchIsQueuedBothWays) {
  TestServer server(true);
  ClientSide client;
  TestPeer peer(client.loop, *client.factory, server.url(), dev_ca());
  ASSERT_TRUE(peer.wait_open());
  constexpr std::size_t kMessages = 2'000;
  client.loop.run_sync([&] {
    for (std::size_t i = 0; i < kMessages; ++i) {
      peer.transport->send(std::to_string(i) + std::string(2'000, '.'));
    }
    EXPECT_GT(peer.transport->buffered(), 0U);
  });
  ASSERT_TRUE(peer.wait_messages(kMessages));
  for (std::size_t i = 0; i < kMessages; ++i) {
    ASSERT_EQ(std::stoul(peer.messages[i]), i);
    ASSERT_EQ(peer.messages[i].size(), std::to_string(i).size() + 2'000);
  }
  client.loop.run_sync([&] { EXPECT_EQ(peer.transport->buffered(), 0U); });
}

TEST(Transport, RefusesACertificateOfAnotherCaBeforeAnyData) {
  TestServer server(true);
  std::string place = (std::filesystem::temp_directory_path() / "kith_other_XXXXXX").string();
  ASSERT_NE(mkdtemp(place.data()), nullptr);
  const auto other = server::ensure_dev_certificate(place).value();
  EXPECT_EQ(failure(server.url(), test::read_file(other.ca_file)), ErrorCode::kTlsCertificate);
  server.loop.run_sync([&] {
    EXPECT_TRUE(server.ids.empty());
    EXPECT_EQ(server.bytes, 0U);
  });
  std::filesystem::remove_all(place);
}

TEST(Transport, RefusesACertificateForAnotherName) {
  TestServer server(true);
  // 127.0.0.2 reaches the same listener only if that listens on all addresses; the name alone
  // decides here.
  LoopUv loop;
  server::ListenerOptions options;
  options.address = "127.0.0.2";
  options.tls_certificate_file = test::dev_certificate().certificate_file;
  options.tls_key_file = test::dev_certificate().key_file;
  auto listener = server::ListenerLws::open(options, loop, server);
  ASSERT_TRUE(listener.ok());
  loop.start();
  EXPECT_EQ(failure("wss://127.0.0.2:" + std::to_string((*listener)->port()) + "/v1/ws", dev_ca()),
            ErrorCode::kTlsCertificate);
  loop.run_sync([&] { listener->reset(); });
}

TEST(Transport, TellsFailuresApart) {
  std::uint16_t nobody = 0;
  {
    TestServer server;
    nobody = server.listener->port();
    EXPECT_EQ(failure("ws://127.0.0.1:" + std::to_string(nobody) + "/v2/ws"),
              ErrorCode::kNotKithServer);
    EXPECT_EQ(failure("wss://127.0.0.1:" + std::to_string(nobody) + "/v1/ws", dev_ca()),
              ErrorCode::kTlsFailed);
  }
  const std::string port = std::to_string(nobody);
  EXPECT_EQ(failure("ws://127.0.0.1:" + port + "/v1/ws"), ErrorCode::kConnectFailed);
  EXPECT_EQ(failure("wss://127.0.0.1:" + port + "/v1/ws", dev_ca()), ErrorCode::kConnectFailed);
  EXPECT_EQ(failure("wss://127.0.0.1:" + port + "/v1/ws", "no certificate in here"),
            ErrorCode::kTrustStoreEmpty);
  EXPECT_EQ(failure("ws://no-such-host.invalid:1/v1/ws"), ErrorCode::kDnsFailed);
  EXPECT_EQ(failure("http://127.0.0.1/"), ErrorCode::kInvalidArgument);
}

TEST(Transport, KnowsServersThatAreNotKith) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n"}) {
    StrangeServer server(answer);
    EXPECT_EQ(failure(server.url("ws")), ErrorCode::kNotKithServer) << answer;
  }
  StrangeServer plain("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(failure(plain.url("wss"), dev_ca()), ErrorCode::kTlsFailed);
}

TEST(Transport, TellsTheCloseCodeOfTheServer) {
  TestServer server;
  ClientSide client;
  TestPeer peer(client.loop, *client.factory, server.url());
  ASSERT_TRUE(peer.wait_open());
  ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == 1; }));
  server.loop.run_sync([&] { server.listener->close(server.ids[0], 4002, "because"); });
  ASSERT_TRUE(peer.wait_closed());
  EXPECT_EQ(peer.code, 4002);
  EXPECT_EQ(peer.error.code, ErrorCode::kUnavailable);
}

TEST(Transport, SendsWhatIsQueuedBeforeItCloses) {
  TestServer server;
  server.echo = false;
  ClientSide client;
  TestPeer peer(client.loop, *client.factory, server.url());
  ASSERT_TRUE(peer.wait_open());
  client.loop.run_sync([&] {
    for (int i = 0; i < 100; ++i) peer.transport->send("queued");
    peer.transport->close(1000);
    peer.transport->send("too late");
  });
  ASSERT_TRUE(peer.wait_closed());
  EXPECT_EQ(peer.code, 1000);
  EXPECT_EQ(peer.closes, 1);
  ASSERT_TRUE(server.watched.wait([&] { return server.closed.size() == 1; }));
  EXPECT_EQ(server.messages.size(), 100U);
}

TEST(Transport, SaysSoWhenTheServerIsCut) {
  ClientSide client;
  std::unique_ptr<TestPeer> peer;
  {
    TestServer server;
    peer = std::make_unique<TestPeer>(client.loop, *client.factory, server.url());
    ASSERT_TRUE(peer->wait_open());
  }
  ASSERT_TRUE(peer->wait_closed());
  EXPECT_EQ(peer->error.code, ErrorCode::kUnavailable);
}

TEST(Transport, IsSilentOnceDestroyed) {
  TestServer server(true);
  ClientSide client;
  for (int i = 0; i < 20; ++i) {
    TestPeer early(client.loop, *client.factory, server.url(), dev_ca());  // cut at any stage
    if (i % 4 == 0) {
      ASSERT_TRUE(early.wait_open());
    }
    client.loop.run_sync([&] { early.transport.reset(); });
    client.loop.run_sync([] {});
    EXPECT_EQ(early.closes, 0);
  }
}

// One handshake in memory between a TlsContext and a server with the development certificate.
class MemoryHandshake : public TlsPeers, public TlsPeer {
 public:
  MemoryHandshake() : context_(TlsContext::create(dev_ca(), *this).value()) {
    server_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(server_, test::dev_certificate().certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(server_, test::dev_certificate().key_file.c_str(),
                                SSL_FILETYPE_PEM);
  }
  ~MemoryHandshake() override { SSL_CTX_free(server_); }

  // Returns whether a session was resumed.
  bool run(const std::string& key) {
    key_ = key;
    SSL* client = SSL_new(context_->get());
    SSL* server = SSL_new(server_);
    BIO* to_server = BIO_new(BIO_s_mem());
    BIO* to_client = BIO_new(BIO_s_mem());
    BIO_up_ref(to_server);
    BIO_up_ref(to_client);
    SSL_set_bio(client, to_client, to_server);
    SSL_set_bio(server, to_server, to_client);
    char byte = 0;
    for (int i = 0; i < 10; ++i) {
      SSL_connect(client);
      SSL_accept(server);
    }
    EXPECT_EQ(SSL_write(server, "x", 1), 1);
    EXPECT_EQ(SSL_read(client, &byte, 1), 1);  // takes the ticket in as well
    const bool resumed = SSL_session_reused(client) == 1;
    SSL_shutdown(client);
    SSL_free(client);
    SSL_free(server);
    return resumed;
  }

  TlsPeer* peer_of(ssl_st*) override { return this; }
  const std::string& tls_host() const override { return host_; }
  const std::string& tls_key() const override { return key_; }
  void on_tls_started() override { ++started; }
  void on_tls_done() override { ++done; }
  void on_certificate_refused(const std::string&) override { ++refused; }

  int started = 0;
  int done = 0;
  int refused = 0;

 private:
  std::string host_ = "localhost";
  std::string key_;
  std::unique_ptr<TlsContext> context_;
  SSL_CTX* server_ = nullptr;
};

TEST(Transport, ResumesTlsWithTheServerItKnowsAndNoOther) {
  MemoryHandshake handshake;
  EXPECT_FALSE(handshake.run("a:1"));
  EXPECT_TRUE(handshake.run("a:1"));
  EXPECT_TRUE(handshake.run("a:1"));
  EXPECT_FALSE(handshake.run("b:1"));
  EXPECT_EQ(handshake.started, 4);
  EXPECT_GE(handshake.done, 4);
  EXPECT_EQ(handshake.refused, 0);
}

TEST(Transport, ReadsAddresses) {
  const auto url = parse_server_url("wss://[::1]:8443/v1/ws").value();
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.authority(), "[::1]:8443");
  EXPECT_EQ(parse_server_url("ws://chat.example").value().port, 80);
  EXPECT_EQ(parse_server_url("wss://chat.example").value().path, "/v1/ws");
  for (const char* bad : {"", "wss://", "wss://:1/", "wss://a:0/", "wss://a:x/", "wss://a:70000/",
                          "wss://u@a/", "wss://[::1/", "wss://a b/", "ftp://a/"}) {
    EXPECT_FALSE(parse_server_url(bad).ok()) << bad;
  }
}

TEST(DevCertificate, IsMadeOnceAndKeptPrivate) {
  std::string place = (std::filesystem::temp_directory_path() / "kith_dev_XXXXXX").string();
  ASSERT_NE(mkdtemp(place.data()), nullptr);
  const auto first = server::ensure_dev_certificate(place + "/new").value();
  const std::string before = test::read_file(first.certificate_file);
  const auto second = server::ensure_dev_certificate(place + "/new").value();
  EXPECT_EQ(test::read_file(second.certificate_file), before);
  EXPECT_EQ(std::filesystem::status(first.key_file).permissions() & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  // A file that does not belong to the others is replaced with them.
  std::ofstream(first.key_file) << "garbage";
  const auto third = server::ensure_dev_certificate(place + "/new").value();
  EXPECT_NE(test::read_file(third.certificate_file), before);
  EXPECT_FALSE(server::ensure_dev_certificate("/proc/nowhere").ok());
  std::filesystem::remove_all(place);
}

}  // namespace
}  // namespace kith::client
