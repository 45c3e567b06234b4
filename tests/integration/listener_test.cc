// Proves the listener over loopback: framing, limits, back-pressure, closing, and that the host's
// process stays its own.
#include "server/gateway/listener_lws.h"

#include <signal.h>

#include <array>
#include <cstring>

#include "kith/core/limits.h"
#include "tests/integration/socket_fixture.h"

namespace kith::server {
namespace {

using test::ClientSide;
using test::RawFrame;
using test::RawSocket;
using test::TestPeer;
using test::TestServer;

constexpr int kBinary = 2;
constexpr int kClose = 8;
constexpr int kPing = 9;
constexpr int kPong = 10;

TEST(Listener, PutsTogetherAMessageSentInFragmentsOfOneByteWithPingsBetween) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  const std::string text = "fragments, one byte each, and a ping between any two";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool last = i + 1 == text.size();
    ASSERT_TRUE(socket.write(RawSocket::frame(i == 0 ? kBinary : 0, text.substr(i, 1), last)));
    if (!last) {
      ASSERT_TRUE(socket.write(RawSocket::frame(kPing, "p")));
    }
  }
  // Several pings may be answered by one pong (RFC 6455 section 5.5.3), before or after the echo.
  std::string echoed;
  int pongs = 0;
  while (echoed.empty() || pongs == 0) {
    const RawFrame frame = socket.read_frame();
    ASSERT_NE(frame.opcode, -1);
    if (frame.opcode == kPong) {
      ++pongs;
    } else {
      ASSERT_EQ(frame.opcode, kBinary);
      echoed = frame.payload;
    }
  }
  EXPECT_EQ(echoed, text);
}

TEST(Listener, PutsTogetherAFrameWhoseBytesComeOneByOne) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  const std::string payload(300, 'x');
  for (const char c : RawSocket::frame(kBinary, payload)) ASSERT_TRUE(socket.write({&c, 1}));
  EXPECT_EQ(socket.read_frame().payload, payload);
}

TEST(Listener, TakesTheLargestMessageAndAnEmptyOne) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  const std::string largest(limits::frame_bytes_max, 'y');
  ASSERT_TRUE(socket.write(RawSocket::frame(kBinary, largest)));
  EXPECT_EQ(socket.read_frame().payload, largest);
  ASSERT_TRUE(socket.write(RawSocket::frame(kBinary, "")));
  ASSERT_TRUE(socket.write(RawSocket::frame(kBinary, "after")));
  std::string next = socket.read_frame().payload;
  if (next.empty()) next = socket.read_frame().payload;
  EXPECT_EQ(next, "after");
}

TEST(Listener, ClosesWith1009WhatIsTooBig) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  ASSERT_TRUE(
      socket.write(RawSocket::frame(kBinary, std::string(limits::frame_bytes_max + 1, 'z'))));
  const RawFrame frame = socket.read_frame();
  EXPECT_EQ(frame.opcode, kClose);
  EXPECT_EQ(frame.close_code(), 1009);
  EXPECT_TRUE(server.watched.wait([&] { return server.closed.size() == 1; }));
  EXPECT_TRUE(server.messages.empty());
}

TEST(Listener, ClosesWith1009FragmentsThatAddUpToTooMuch) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  const std::string half(limits::frame_bytes_max / 2 + 1, 'z');
  ASSERT_TRUE(socket.write(RawSocket::frame(kBinary, half, false)));
  ASSERT_TRUE(socket.write(RawSocket::frame(0, half, true)));
  EXPECT_EQ(socket.read_frame().close_code(), 1009);
  EXPECT_TRUE(server.messages.empty());
}

TEST(Listener, RefusesAnAnnouncedGigabyteAtItsFirstBytes) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  std::string head = "\x82\xff";
  head += std::string("\0\0\0\0\x40\0\0\0", 8) + std::string(4, '\0') + std::string(100, 'g');
  ASSERT_TRUE(socket.write(head));
  EXPECT_EQ(socket.read_frame().close_code(), 1009);
  // The rest of the gigabyte is not waited for.
  EXPECT_TRUE(server.watched.wait([&] { return server.closed.size() == 1; }));
}

TEST(Listener, ClosesWith1003WhatIsText) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  ASSERT_TRUE(socket.write(RawSocket::frame(1, "hello")));
  EXPECT_EQ(socket.read_frame().close_code(), 1003);
  EXPECT_TRUE(server.messages.empty());
}

TEST(Listener, AnswersOnlyItsPathAndHealth) {
  TestServer server;
  const auto port = server.listener->port();
  EXPECT_TRUE(RawSocket(port).request("/health", false).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(RawSocket(port).request("/else", false).starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(RawSocket(port).request("/v2/ws", true).starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(RawSocket(port).upgrade());
}

// Pins what the tick-batched output relies on: whole frames written raw stay in order across
// partial writes, also with pongs of libwebsockets between them.
TEST(Listener, KeepsOrderAndFramingForAReaderThatDidNotReadFor15Megabytes) {
  TestServer server;
  server.echo = false;
  RawSocket socket(server.listener->port(), 16 * 1024);
  ASSERT_TRUE(socket.upgrade());
  ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == 1; }));
  constexpr int kMessages = 100'000;
  const std::string filler(146, 'f');
  for (int i = 0; i < kMessages; i += 1'000) {
    server.loop.run_sync([&] {
      for (int k = i; k < i + 1'000; ++k) {
        std::string message(4, '\0');
        std::memcpy(message.data(), &k, 4);
        server.listener->send(server.ids[0], message + filler);
      }
    });
    ASSERT_TRUE(socket.write(RawSocket::frame(kPing, "between")));
  }
  std::size_t left = 0;
  server.loop.run_sync([&] { left = server.listener->buffered(server.ids[0]); });
  EXPECT_GT(left, 1'000'000U);  // the reader is behind
  int next = 0;
  while (next < kMessages) {
    const RawFrame frame = socket.read_frame();
    if (frame.opcode == kPong) continue;
    ASSERT_EQ(frame.opcode, kBinary) << next;
    ASSERT_EQ(frame.payload.size(), 150U) << next;
    int number = 0;
    std::memcpy(&number, frame.payload.data(), 4);
    ASSERT_EQ(number, next);
    ++next;
  }
  EXPECT_TRUE(server.watched.wait([&] { return server.drained >= 1; }));
  server.loop.run_sync([&] { left = server.listener->buffered(server.ids[0]); });
  EXPECT_EQ(left, 0U);
}

// The gateway relies on this: it holds back output above write_ahead_bytes until on_drained() is called,
// also when the kernel takes everything in the turn in which it was sent.
void tells_when_all_is_out(bool tls, std::uint32_t shards) {
  TestServer server(tls, shards);
  server.echo = false;
  ClientSide client;
  TestPeer peer(client.loop, *client.factory, server.url(),
                tls ? test::read_file(test::dev_certificate().ca_file) : "");
  ASSERT_TRUE(peer.wait_open()) << peer.error.to_string();
  ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == 1; }));
  for (const std::size_t frames : {2U, 1U, 3U, 12U}) {
    int before = 0;
    std::size_t arrived = 0;
    server.watched.change([&] { before = server.drained; });
    peer.watched.change([&] { arrived = peer.messages.size(); });
    server.loop.run_sync([&] {
      for (std::size_t i = 0; i < frames; ++i) {
        server.listener->send(server.ids[0], std::string(limits::frame_bytes_max, 'w'));
      }
    });
    EXPECT_TRUE(server.watched.wait([&] { return server.drained > before; })) << frames;
    EXPECT_TRUE(peer.wait_messages(arrived + frames));
  }
}
TEST(Listener, TellsWhenAllIsOutThatWasSentInOneTurn) {
  tells_when_all_is_out(false, 1);
}
TEST(Listener, TellsWhenAllIsOutThatWasSentInOneTurnOverTls) {
  tells_when_all_is_out(true, 1);
}
TEST(Listener, TellsWhenAllIsOutThatWasSentInOneTurnOnTwoShards) {
  tells_when_all_is_out(false, 2);
}

TEST(Listener, FlushesThenClosesWithCodeAndReason) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == 1; }));
  server.loop.run_sync([&] {
    server.listener->send(server.ids[0], "last words");
    server.listener->close(server.ids[0], 4001, "replaced");
    server.listener->send(server.ids[0], "too late");
  });
  EXPECT_EQ(socket.read_frame().payload, "last words");
  const RawFrame frame = socket.read_frame();
  EXPECT_EQ(frame.opcode, kClose);
  EXPECT_EQ(frame.close_code(), 4001);
  EXPECT_EQ(frame.payload.substr(2), "replaced");
  // This peer never answers the close: it is cut, on_close comes all the same.
  EXPECT_TRUE(server.watched.wait([&] { return server.closed.size() == 1; }));
  EXPECT_EQ(server.closed[0], server.ids[0]);
}

TEST(Listener, IgnoresIdsOfConnectionsThatAreGone) {
  TestServer server;
  {
    RawSocket socket(server.listener->port());
    ASSERT_TRUE(socket.upgrade());
  }
  ASSERT_TRUE(server.watched.wait([&] { return server.closed.size() == 1; }));
  RawSocket second(server.listener->port());
  ASSERT_TRUE(second.upgrade());
  ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == 2; }));
  EXPECT_EQ(server.ids[0].index, server.ids[1].index);
  EXPECT_NE(server.ids[0].generation, server.ids[1].generation);
  server.loop.run_sync([&] {
    server.listener->send(server.ids[0], "for the dead");
    server.listener->close(server.ids[0], 1000, "");
    server.listener->pause_reading(server.ids[0], true);
    EXPECT_EQ(server.listener->buffered(server.ids[0]), 0U);
    server.listener->send(server.ids[1], "for the living");
  });
  EXPECT_EQ(second.read_frame().payload, "for the living");
}

TEST(Listener, StopsReadingWhilePaused) {
  TestServer server;
  RawSocket socket(server.listener->port());
  ASSERT_TRUE(socket.upgrade());
  ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == 1; }));
  server.loop.run_sync([&] { server.listener->pause_reading(server.ids[0], true); });
  ASSERT_TRUE(socket.write(RawSocket::frame(kBinary, "wait")));
  RawSocket other(
      server.listener->port());  // a round trip of another connection: the loop has turned since
  ASSERT_TRUE(other.upgrade());
  ASSERT_TRUE(other.write(RawSocket::frame(kBinary, "other")));
  EXPECT_EQ(other.read_frame().payload, "other");
  server.loop.run_sync([&] { EXPECT_EQ(server.messages, std::vector<std::string>{"other"}); });
  server.loop.run_sync([&] { server.listener->pause_reading(server.ids[0], false); });
  EXPECT_EQ(socket.read_frame().payload, "wait");
}

TEST(Listener, SaysWhenThePortIsTaken) {
  for (const std::uint32_t shards : {1U, 2U}) {
    TestServer first(false, shards);
    LoopUv loop;
    ListenerOptions options;
    options.port = first.listener->port();
    options.shards = shards;
    auto second = ListenerLws::open(options, loop, first);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kAddressInUse);
  }
}

TEST(Listener, SharesThePortOnlyWithServersThatAskForIt) {
  LoopUv loop;
  TestServer alone;
  ListenerOptions options;
  options.share_port = true;
  options.port = alone.listener->port();
  EXPECT_EQ(ListenerLws::open(options, loop, alone).error().code, ErrorCode::kAddressInUse);

  options.port = 0;
  const auto first = ListenerLws::open(options, loop, alone);
  ASSERT_TRUE(first.ok());
  options.port = (*first)->port();
  EXPECT_TRUE(ListenerLws::open(options, loop, alone).ok());
  options.share_port = false;
  EXPECT_EQ(ListenerLws::open(options, loop, alone).error().code, ErrorCode::kAddressInUse);
}

TEST(Listener, SaysWhatIsWrongWithItsOptions) {
  TestServer handler;
  LoopUv loop;
  const auto code_of = [&](const ListenerOptions& options) {
    auto opened = ListenerLws::open(options, loop, handler);
    return opened.ok() ? ErrorCode::kInternal : opened.error().code;
  };
  ListenerOptions options;
  options.address = "not an address";
  EXPECT_EQ(code_of(options), ErrorCode::kInvalidArgument);
  options = {};
  options.shards = 0;
  EXPECT_EQ(code_of(options), ErrorCode::kInvalidArgument);
  options = {};
  options.tls_certificate_file = test::dev_certificate().certificate_file;
  EXPECT_EQ(code_of(options), ErrorCode::kInvalidArgument);
  options.tls_key_file = "/nonexistent/key.pem";
  EXPECT_EQ(code_of(options), ErrorCode::kTlsFailed);
  options.tls_key_file = options.tls_certificate_file;  // readable, but no key
  EXPECT_EQ(code_of(options), ErrorCode::kTlsFailed);
}

TEST(Listener, OneThatHasNotSignedInGivesWayWhenAllPlacesAreTaken) {
  TestServer server(false, 1, 2);
  const auto port = server.listener->port();
  RawSocket signed_in(port);
  ASSERT_TRUE(signed_in.upgrade());
  ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == 1; }));
  server.loop.run_sync([&] { server.listener->signed_in(server.ids[0]); });
  RawSocket silent(port);
  RawSocket third(port);
  EXPECT_TRUE(third.upgrade());
  EXPECT_TRUE(silent.read(1).empty());
  ASSERT_TRUE(signed_in.write(RawSocket::frame(kBinary, "still here")));
  EXPECT_EQ(signed_in.read_frame().payload, "still here");
}

TEST(Listener, RefusesConnectionsAboveTheLimitAndTakesNoneAfterStopAccepting) {
  TestServer server(false, 1, 2);
  const auto port = server.listener->port();
  RawSocket first(port);
  ASSERT_TRUE(first.upgrade());
  RawSocket second(port);
  ASSERT_TRUE(second.upgrade());
  ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == 2; }));
  server.loop.run_sync([&] {
    for (const auto& id : server.ids) server.listener->signed_in(id);
  });
  EXPECT_FALSE(RawSocket(port).upgrade());
  server.loop.run_sync([&] {
    EXPECT_EQ(server.listener->connections(), 2U);
    server.listener->stop_accepting();
  });
  EXPECT_FALSE(RawSocket(port).connected());
  ASSERT_TRUE(first.write(RawSocket::frame(kBinary, "still here")));
  EXPECT_EQ(first.read_frame().payload, "still here");
}

TEST(Listener, LeavesSignalHandlersOfTheHostAlone) {
  const auto table = [] {
    std::array<struct sigaction, 32> handlers{};
    for (int s = 1; s < 32; ++s) sigaction(s, nullptr, &handlers[static_cast<std::size_t>(s)]);
    return handlers;
  };
  const auto before = table();
  const auto same = [&] {
    const auto now = table();
    for (std::size_t s = 1; s < 32; ++s) {
      if (now[s].sa_handler != before[s].sa_handler || now[s].sa_flags != before[s].sa_flags) {
        return false;
      }
    }
    return true;
  };
  {
    TestServer server(true);
    ClientSide client;
    TestPeer peer(client.loop, *client.factory, server.url(),
                  test::read_file(test::dev_certificate().ca_file));
    ASSERT_TRUE(peer.wait_open());
    EXPECT_TRUE(same());
  }
  EXPECT_TRUE(same());
}

void echo_many(std::uint32_t shards, std::size_t count, bool tls) {
  TestServer server(tls, shards);
  ClientSide client;
  const std::string ca = tls ? test::read_file(test::dev_certificate().ca_file) : "";
  std::vector<std::unique_ptr<TestPeer>> peers;
  for (std::size_t i = 0; i < count; ++i) {
    peers.push_back(std::make_unique<TestPeer>(client.loop, *client.factory, server.url(), ca));
  }
  for (auto& peer : peers) ASSERT_TRUE(peer->wait_open()) << peer->error.to_string();
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < count; ++i) {
      peers[i]->send(std::to_string(i) + ":" + std::to_string(round));
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(peers[i]->wait_messages(3)) << i;
    for (std::size_t round = 0; round < 3; ++round) {
      EXPECT_EQ(peers[i]->messages[round], std::to_string(i) + ":" + std::to_string(round));
    }
  }
  server.loop.run_sync([&] { EXPECT_EQ(server.listener->connections(), count); });
  peers.clear();
  EXPECT_TRUE(server.watched.wait([&] { return server.closed.size() == count; }));
  std::array<std::size_t, 2> per_shard{};
  for (const auto& id : server.ids) ++per_shard.at(id.shard);
  if (shards == 2) {
    EXPECT_GT(std::min(per_shard[0], per_shard[1]), 0U);
  }
}

TEST(Listener, EchoesToFiveHundredConnections) {
  echo_many(1, 500, false);
}
TEST(Listener, EchoesOnTwoShards) {
  echo_many(2, 100, false);
}
TEST(Listener, EchoesOnTwoShardsOverTls) {
  echo_many(2, 40, true);
}

// A socket whose writes give up soon, on a shard that the services do not share.
class FarSocket : public RawSocket {
 public:
  explicit FarSocket(std::uint16_t port) : RawSocket(port) {
    const timeval soon{1, 0};
    setsockopt(fd(), SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
  }
};

TEST(Listener, AShardReadsNoMoreThanTheServicesTake) {
  TestServer server(false, 2);
  server.echo = false;
  std::vector<std::unique_ptr<FarSocket>> sockets;
  do {
    ASSERT_LT(sockets.size(), 64U);
    sockets.push_back(std::make_unique<FarSocket>(server.listener->port()));
    ASSERT_TRUE(sockets.back()->upgrade());
    ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == sockets.size(); }));
  } while (server.ids.back().shard != 1);
  constexpr std::size_t kMost = 64 * 1024 * 1024;
  const std::string frame = RawSocket::frame(kBinary, std::string(1'000, 's'));
  std::size_t written = 0;
  server.loop.run_sync([&] {  // the services are busy: nothing is taken meanwhile
    while (written < kMost && sockets.back()->write(frame)) written += frame.size();
  });
  // The buffers of the kernel, and a little of the shard's.
  EXPECT_LT(written, kMost / 2);
  // Taken, it goes on.
  const std::size_t whole = written / frame.size();
  EXPECT_TRUE(server.watched.wait([&] { return server.messages.size() >= whole; }));
}

TEST(Listener, DrainsAndClosesOnAShardOfItsOwn) {
  TestServer server(false, 2);
  server.echo = false;
  std::vector<std::unique_ptr<RawSocket>> sockets;
  const auto far_one = [&]() -> std::optional<ConnectionId> {
    for (const auto& id : server.ids) {
      if (id.shard == 1) return id;
    }
    return std::nullopt;
  };
  while (!far_one() && sockets.size() < 64) {
    sockets.push_back(std::make_unique<RawSocket>(server.listener->port(), 16 * 1024));
    ASSERT_TRUE(sockets.back()->upgrade());
    ASSERT_TRUE(server.watched.wait([&] { return server.ids.size() == sockets.size(); }));
  }
  ASSERT_TRUE(far_one());
  RawSocket& socket = *sockets.back();
  const ConnectionId id = *far_one();
  const std::string large(60'000, 'l');
  server.loop.run_sync([&] {
    for (int i = 0; i < 200; ++i) server.listener->send(id, large);
    EXPECT_EQ(server.listener->buffered(id), 200 * (large.size() + 4));
  });
  for (int i = 0; i < 200; ++i) ASSERT_EQ(socket.read_frame().payload.size(), large.size());
  EXPECT_TRUE(server.watched.wait([&] { return server.drained == 1; }));
  server.loop.run_sync([&] {
    EXPECT_EQ(server.listener->buffered(id), 0U);
    server.listener->close(id, 1012, "bye");
  });
  EXPECT_EQ(socket.read_frame().close_code(), 1012);
}

}  // namespace
}  // namespace kith::server
