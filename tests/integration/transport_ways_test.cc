// Ways to a server: through a proxy, and by the address that answers first.
#include <poll.h>

#include <array>
#include <thread>

#include "client/transport_lws.h"
#include "tests/integration/socket_fixture.h"

namespace kith::client {
namespace {

using test::ClientSide;
using test::TestPeer;
using test::TestServer;

sockaddr_in loopback(std::uint16_t port, const char* address = "127.0.0.1") {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  inet_pton(AF_INET, address, &at.sin_addr);
  return at;
}

int connected(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in at = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) std::abort();
  return fd;
}

// An HTTP proxy for one connection: obeys CONNECT towards `target`, or refuses.
class TestProxy {
 public:
  TestProxy(std::uint16_t target, bool obeys) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    if (bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(fd_, 8) != 0 ||
        getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this, target, obeys] { serve(target, obeys); });
  }
  ~TestProxy() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::string address(const std::string& credentials = "") const {
    return "http://" + credentials + "127.0.0.1:" + std::to_string(port_);
  }
  std::string request() {
    std::string seen;
    watched_.change([&] { seen = request_; });
    return seen;
  }

 private:
  void serve(std::uint16_t target, bool obeys) {
    const int peer = accept(fd_, nullptr, nullptr);
    if (peer < 0) return;
    std::string head;
    std::array<char, 16'384> bytes;
    while (head.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = recv(peer, bytes.data(), bytes.size(), 0);
      if (got <= 0) break;
      head.append(bytes.data(), static_cast<std::size_t>(got));
    }
    watched_.change([&] { request_ = head; });
    const std::string answer =
        obeys ? "HTTP/1.1 200 Connection established\r\n\r\n" : "HTTP/1.1 403 Forbidden\r\n\r\n";
    (void)!::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
    if (obeys) relay(peer, connected(target));
    ::close(peer);
  }
  static void relay(int a, int b) {
    std::array<pollfd, 2> both{pollfd{a, POLLIN, 0}, pollfd{b, POLLIN, 0}};
    std::array<char, 16'384> bytes;
    for (bool open = true; open && poll(both.data(), 2, 30'000) > 0;) {
      for (std::size_t i = 0; i < 2 && open; ++i) {
        if (both[i].revents == 0) continue;
        const ssize_t got = recv(both[i].fd, bytes.data(), bytes.size(), 0);
        open = got > 0 && ::send(both[1 - i].fd, bytes.data(), static_cast<std::size_t>(got),
                                 MSG_NOSIGNAL) == got;
      }
    }
    ::close(b);
  }

  int fd_ = -1;
  std::uint16_t port_ = 0;
  test::Watched watched_;
  std::string request_;
  std::thread thread_;
};

TEST(TransportWays, LeadThroughAProxy) {
  for (const bool tls : {false, true}) {
    TestServer server(tls);
    TestProxy proxy(server.listener->port(), true);
    ClientSide client;
    const std::string ca = tls ? test::read_file(test::dev_certificate().ca_file) : "";
    TestPeer peer(client.loop, *client.factory, server.url("localhost"), ca,
                  proxy.address("us:pw@"));
    ASSERT_TRUE(peer.wait_open()) << peer.error.to_string();
    peer.send("through");
    ASSERT_TRUE(peer.wait_messages(1));
    EXPECT_EQ(peer.messages, std::vector<std::string>{"through"});
    const std::string name = "localhost:" + std::to_string(server.listener->port());
    EXPECT_TRUE(proxy.request().starts_with("CONNECT " + name + " ")) << proxy.request();
    EXPECT_NE(proxy.request().find("dXM6cHc="), std::string::npos) << proxy.request();
  }
}

TEST(TransportWays, ThatAProxyRefusesAreNamed) {
  TestServer server;
  TestProxy proxy(server.listener->port(), false);
  ClientSide client;
  TestPeer peer(client.loop, *client.factory, server.url(), "", proxy.address());
  ASSERT_TRUE(peer.wait_closed());
  EXPECT_EQ(peer.error.code, ErrorCode::kConnectFailed);
  EXPECT_NE(peer.error.message.find("through the proxy"), std::string::npos) << peer.error.message;
}

TEST(TransportWays, DoNotFollowAProxyOfTheEnvironmentToTheLoopback) {
  ASSERT_EQ(setenv("http_proxy", "http://127.0.0.1:9", 1), 0);
  TestServer server;
  {
    ClientSide client;
    TestPeer peer(client.loop, *client.factory, server.url());
    EXPECT_TRUE(peer.wait_open()) << peer.error.to_string();
  }
  unsetenv("http_proxy");
}

// Takes connections into a full queue, where they wait for ever.
class DeadEnd {
 public:
  explicit DeadEnd(std::uint16_t port) : at_(loopback(port, "127.0.0.9")) {
    fds_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(fds_[0], reinterpret_cast<sockaddr*>(&at_), sizeof at_) != 0 ||
        listen(fds_[0], 0) != 0) {
      std::abort();
    }
    for (int i = 0; i < 4; ++i) {
      fds_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      (void)!::connect(fds_.back(), reinterpret_cast<sockaddr*>(&at_), sizeof at_);
    }
  }
  ~DeadEnd() {
    for (const int fd : fds_) ::close(fd);
  }
  // Does a connection hang here, as it must for the test to say something?
  bool hangs() const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)!::connect(fd, reinterpret_cast<const sockaddr*>(&at_), sizeof at_);
    pollfd one{fd, POLLOUT, 0};
    const bool hung = poll(&one, 1, 100) == 0;
    ::close(fd);
    return hung;
  }

 private:
  sockaddr_in at_;
  std::vector<int> fds_;
};

Resolve always(std::vector<std::string> addresses) {
  return
      [addresses](const std::string&, const std::function<void(std::vector<std::string>)>& done) {
        done(addresses);
      };
}

TEST(TransportWays, AddressThatIsDeadCostsAPauseOnly) {
  TestServer server;
  const DeadEnd dead(server.listener->port());
  ASSERT_TRUE(dead.hangs());
  ClientSide client(always({"127.0.0.9", "127.0.0.1"}));
  const auto begin = std::chrono::steady_clock::now();
  TestPeer peer(client.loop, *client.factory, server.url("chat.example"));
  ASSERT_TRUE(peer.wait_open()) << peer.error.to_string();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  peer.send("here");
  ASSERT_TRUE(peer.wait_messages(1));
  server.loop.run_sync([&] { EXPECT_EQ(server.ids.size(), 1U); });
}

TEST(TransportWays, AddressThatRefusesCostsNothing) {
  TestServer server;
  ClientSide client(always({"127.0.0.9", "127.0.0.8", "127.0.0.1"}));
  TestPeer peer(client.loop, *client.factory, server.url("chat.example"));
  EXPECT_TRUE(peer.wait_open()) << peer.error.to_string();
}

TEST(TransportWays, ThatAllRefuseAreOneFailure) {
  std::uint16_t nobody = 0;
  {
    TestServer server;
    nobody = server.listener->port();
  }
  ClientSide client(always({"127.0.0.9", "127.0.0.8"}));
  TestPeer peer(client.loop, *client.factory, "ws://chat.example:" + std::to_string(nobody));
  ASSERT_TRUE(peer.wait_closed());
  EXPECT_EQ(peer.error.code, ErrorCode::kConnectFailed);
  EXPECT_EQ(peer.closes, 1);
}

}  // namespace
}  // namespace kith::client
