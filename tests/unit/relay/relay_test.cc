// Sockets at a relay, handlers at two homes, and lanes between them that run when a test says so.
#include "server/relay/relay.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/relay/relay_host.h"
#include "tests/unit/gateway/virtual_loop.h"
#include "tests/unit/server/test_lane.h"

namespace kith::server {
namespace {

// Remembers what it is given, as "what connection: bytes".
struct TestSockets : Connections {
  void send(ConnectionId id, std::string_view message) override {
    sent.push_back(std::to_string(id.index) + ": " + std::string(message));
    if (stuck) held[id] += message.size();
  }
  std::size_t buffered(ConnectionId id) const override {
    const auto found = held.find(id);
    return found == held.end() ? 0 : found->second;
  }
  void close(ConnectionId id, std::uint16_t code, std::string_view) override { closed[id] = code; }
  void pause_reading(ConnectionId id, bool value) override { paused[id] = value; }
  void signed_in(ConnectionId id) override { signed_in_[id] = true; }

  bool stuck = false;
  std::vector<std::string> sent;
  std::map<ConnectionId, std::size_t> held;
  std::map<ConnectionId, std::uint16_t> closed;
  std::map<ConnectionId, bool> paused, signed_in_;
};

// A home whose users say "for N", where N is the number of their home.
struct TestHome : ConnectionHandler {
  explicit TestHome(std::uint32_t its_number) : number(its_number) {
    connections.listen(*this);
    host = &connections.add();
  }
  void on_open(ConnectionId id, const PeerInfo& peer) override {
    log.push_back("open " + peer.address);
    last = id;
  }
  void on_message(ConnectionId id, std::string_view message) override {
    if (message.starts_with("for ") && message.substr(4) != std::to_string(number)) {
      const auto to = static_cast<std::uint32_t>(std::stoi(std::string(message.substr(4))));
      return connections.pass_on(id, to, message);
    }
    log.emplace_back(message);
  }
  void on_drained(ConnectionId) override { log.emplace_back("drained"); }
  void on_close(ConnectionId) override { log.emplace_back("closed"); }

  const std::uint32_t number;
  RelayedConnections connections;
  RelayHost* host;
  std::vector<std::string> log;
  ConnectionId last;
};

class RelayTest : public ::testing::Test {
 protected:
  struct Way {
    TestHome home;
    TestLane to_home, to_relay;
    explicit Way(std::uint32_t number) : home(number) {}
  };
  RelayTest() { connect(0), connect(1); }
  void connect(std::uint32_t number) {
    Way& way = *ways[number];
    const std::uint64_t connection = relay.connect(number, *way.home.host, way.to_home);
    way.home.host->connected(relay, number, connection, way.to_relay);
  }
  TestHome& home(std::uint32_t number) { return ways[number]->home; }
  ConnectionId open(std::uint32_t index) {
    const ConnectionId id{0, index, index + 100};
    const std::string address = "a" + std::to_string(index);
    relay.on_open(id, {address, address, false});
    return id;
  }
  // Everything that is on its way arrives.
  void settle() {
    for (bool any = true; any;) {
      loop.settle();
      any = false;
      for (auto& way : ways) any = way->to_home.run_one() || way->to_relay.run_one() || any;
    }
  }

  testing::VirtualLoop loop;
  TestSockets sockets;
  std::vector<std::unique_ptr<Way>> ways = [] {
    std::vector<std::unique_ptr<Way>> two;
    for (std::uint32_t i = 0; i < 2; ++i) two.push_back(std::make_unique<Way>(i));
    return two;
  }();
  Relay relay{sockets, loop, 2};
};

using Log = std::vector<std::string>;

TEST_F(RelayTest, MessagesGoBothWays) {
  const ConnectionId socket = open(5);
  relay.on_message(socket, "for 0");
  settle();
  EXPECT_EQ(home(0).log, (Log{"open a5", "for 0"}));
  EXPECT_TRUE(home(1).log.empty());
  home(0).connections.send(home(0).last, "welcome");
  home(0).connections.signed_in(home(0).last);
  settle();
  EXPECT_EQ(sockets.sent, (Log{"5: welcome"}));
  EXPECT_TRUE(sockets.signed_in_[socket]);
}

TEST_F(RelayTest, AConnectionGoesToTheHomeOfItsUser) {
  const ConnectionId socket = open(5);
  relay.on_message(socket, "for 1");
  settle();
  EXPECT_EQ(home(0).log, (Log{"open a5"}))
      << "it has heard of no end: the connection is not its own";
  EXPECT_EQ(home(1).log, (Log{"open a5", "for 1"}));
  relay.on_message(socket, "more");
  home(1).connections.send(home(1).last, "yes");
  settle();
  EXPECT_EQ(home(1).log, (Log{"open a5", "for 1", "more", "drained"}));
  EXPECT_EQ(sockets.sent, (Log{"5: yes"}));
}

// The second home gets what the first one heard behind the frame that has shown whose it is, before all later frames.
TEST_F(RelayTest, ASocketIsHeardInOrderThoughItIsPassedOn) {
  const ConnectionId socket = open(5);
  relay.on_message(socket, "for 1");
  relay.on_message(socket, "second");
  relay.on_message(socket, "third");
  ways[0]->to_home.run_one();   // open
  ways[0]->to_home.run_one();   // for 1
  ways[0]->to_home.run_one();   // second, which is returned
  ways[0]->to_relay.run_one();  // passed on
  EXPECT_TRUE(sockets.paused[socket]) << "until everything has come back";
  relay.on_message(socket, "fourth");  // was read already
  settle();
  EXPECT_FALSE(sockets.paused[socket]);
  relay.on_message(socket, "fifth");
  settle();
  EXPECT_EQ(home(1).log, (Log{"open a5", "for 1", "second", "third", "fourth", "fifth"}));
}

TEST_F(RelayTest, WhatAHomeSaysOfAConnectionThatIsNotItsOwnIsDropped) {
  const ConnectionId socket = open(5);
  settle();
  const ConnectionId early = home(0).last;
  relay.on_message(socket, "for 1");
  settle();
  home(0).connections.send(early, "late");
  home(0).connections.close(early, 1000, "");
  settle();
  EXPECT_TRUE(sockets.sent.empty());
  EXPECT_TRUE(sockets.closed.empty());
}

TEST_F(RelayTest, AnEndIsToldToTheOtherSide) {
  const ConnectionId left = open(5);
  const ConnectionId ended = open(6);
  settle();
  relay.on_close(left);
  settle();
  EXPECT_EQ(home(0).log.back(), "closed");
  home(1).connections.close(home(1).last, 4401, "");
  settle();
  EXPECT_EQ(sockets.closed[ended], 4401);
  EXPECT_EQ(home(1).log.back(), "open a6") << "on_close follows when the socket is closed";
  relay.on_close(ended);
  settle();
  EXPECT_EQ(home(1).log.back(), "closed");
}

TEST_F(RelayTest, BytesAreBufferedUntilTheKernelHasThem) {
  const ConnectionId socket = open(5);
  settle();
  const ConnectionId id = home(0).last;
  home(0).connections.send(id, "12345");
  EXPECT_EQ(home(0).connections.buffered(id), 5U);
  settle();
  EXPECT_EQ(home(0).connections.buffered(id), 0U);
  EXPECT_EQ(home(0).log.back(), "drained");
  sockets.stuck = true;
  home(0).connections.send(id, "123");
  home(0).connections.send(id, "4567");
  settle();
  EXPECT_EQ(home(0).connections.buffered(id), 7U) << "the peer does not read";
  sockets.held.clear();
  relay.on_drained(socket);
  settle();
  EXPECT_EQ(home(0).connections.buffered(id), 0U);
}

TEST_F(RelayTest, ReadingIsPausedForTheHome) {
  const ConnectionId socket = open(5);
  settle();
  home(0).connections.pause_reading(home(0).last, true);
  settle();
  EXPECT_TRUE(sockets.paused[socket]);
  home(0).connections.pause_reading(home(0).last, false);
  settle();
  EXPECT_FALSE(sockets.paused[socket]);
}

TEST_F(RelayTest, SocketsOfALostHomeAreTurnedAwayAndOthersGoOn) {
  const ConnectionId first = open(5);
  const ConnectionId second = open(6);
  settle();
  relay.disconnect(0);
  EXPECT_EQ(sockets.closed[first], 1012);
  EXPECT_EQ(sockets.closed.count(second), 0U);
  relay.on_close(first);
  relay.on_message(second, "still there");
  const ConnectionId third = open(7);
  relay.on_message(third, "for 0");
  settle();
  EXPECT_EQ(home(1).log, (Log{"open a6", "still there", "open a7"}));
  EXPECT_EQ(sockets.closed[third], 1012) << "its home cannot be reached";
  home(0).connections.send(home(0).last, "late");
  settle();
  EXPECT_TRUE(sockets.sent.empty());
  EXPECT_EQ(relay.turned_away(), 2U);
}

TEST_F(RelayTest, AConnectionThatWaitsForFramesOfALostHomeIsTurnedAway) {
  const ConnectionId socket = open(5);
  relay.on_message(socket, "for 1");
  relay.on_message(socket, "second");
  ways[0]->to_home.run_one();
  ways[0]->to_home.run_one();
  ways[0]->to_relay.run_one();  // passed on; the second frame is lost
  relay.disconnect(0);
  EXPECT_EQ(sockets.closed[socket], 1012);
  settle();
  EXPECT_EQ(home(1).log, (Log{"open a5", "for 1", "closed"}));
}

TEST_F(RelayTest, AHomeHearsTheEndOfAllConnectionsOfALostRelay) {
  open(5);
  open(6);
  open(7);
  settle();
  home(0).host->disconnected();
  EXPECT_EQ(home(0).log, (Log{"open a5", "open a7", "closed", "closed"}));
  home(0).connections.send(home(0).last, "late");  // nobody is there
  settle();
  EXPECT_TRUE(sockets.sent.empty());
}

TEST_F(RelayTest, ANewConnectionBetweenBothHearsNothingOfTheLastOne) {
  const ConnectionId socket = open(5);
  relay.on_message(socket, "lost");
  home(0).host->disconnected();
  relay.disconnect(0);
  relay.on_close(socket);
  connect(0);
  const ConnectionId fresh = open(5);
  settle();
  EXPECT_TRUE(home(0).log.empty()) << "the next one in turn is the other home";
  relay.on_message(fresh, "for 0");
  settle();
  EXPECT_EQ(home(0).log, (Log{"open a5", "for 0"}));
}

}  // namespace
}  // namespace kith::server
