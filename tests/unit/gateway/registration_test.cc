// A gateway whose registry is late, fails or begins anew, and whose bus has lost something.
#include <set>

#include "tests/unit/gateway/gateway_fixture.h"

namespace kith::server {
namespace {

class RegistrationTest : public GatewayTest {
 protected:
  ConnectionId enter(const std::string& handle) {
    const ConnectionId id = open();
    say(id, hello(1, token(handle)));
    return id;
  }
  std::size_t known(const std::string& handle) {
    return registry.cached(UserId::of(handle))->size();
  }
  // Time passes, and the device pings.
  void live(ConnectionId id, Millis span) {
    for (Millis passed{0}; passed < span; passed += 30s) {
      v1::ClientFrame ping;
      ping.mutable_ping()->set_t(1);
      say(id, ping);
      loop.advance(30s);
    }
  }
  std::uint64_t stat(const std::string& name) {
    std::map<std::string, std::uint64_t> stats;
    gateway.add_stats(stats);
    return stats.at(name);
  }
};

TEST_F(RegistrationTest, WelcomeWaitsForTheRegistry) {
  registry.silent = true;
  const ConnectionId id = enter("ann");
  loop.advance(limits::registration_wait - 1ms);
  EXPECT_FALSE(welcomed(id));
  registry.waiting.at(0)();
  EXPECT_TRUE(welcomed(id));
  loop.advance(60s);
  EXPECT_EQ(resyncs(id), 0u) << "it syncs after Welcome, and has missed nothing since";
}

TEST_F(RegistrationTest, WelcomeDoesNotWaitForEverAndTheDeviceSyncsWhenItIsRegistered) {
  registry.silent = true;
  const ConnectionId id = enter("ann");
  loop.advance(limits::registration_wait);
  EXPECT_TRUE(welcomed(id));
  loop.advance(20s);
  EXPECT_EQ(resyncs(id), 0u) << "not yet: pushes still go to nobody";
  registry.waiting.at(0)();
  loop.advance(100ms);
  EXPECT_EQ(resyncs(id), 1u);
  loop.advance(60s);
  EXPECT_EQ(resyncs(id), 1u);
  EXPECT_EQ(registry.asked, 1);
}

TEST_F(RegistrationTest, AFailureIsTriedAgainWithGrowingPauses) {
  registry.fails = true;
  const ConnectionId id = enter("ann");
  EXPECT_TRUE(welcomed(id)) << "at once";
  loop.advance(10s);
  const int early = registry.asked;
  EXPECT_GE(early, 4);
  EXPECT_LE(early, 8);
  live(id, 10min);
  const int late = registry.asked;
  live(id, 10min);
  EXPECT_GE(registry.asked - late, 20) << "every 15 to 30 s";
  EXPECT_LE(registry.asked - late, 41);
  EXPECT_EQ(stat("registrations_failed"), static_cast<std::uint64_t>(registry.asked));
  EXPECT_EQ(resyncs(id), 0u);
  registry.fails = false;
  loop.advance(limits::registration_pause_max);
  EXPECT_EQ(known("ann"), 1u);
  EXPECT_EQ(resyncs(id), 1u);
}

TEST_F(RegistrationTest, ASessionThatHasEndedIsNotAddedAgain) {
  registry.fails = true;
  const ConnectionId id = enter("ann");
  gateway.on_close(id);
  registry.fails = false;
  registry.silent = true;
  const ConnectionId other = enter("bob");
  gateway.on_close(other);  // with an add under way
  const int asked = registry.asked;
  loop.advance(10min);
  EXPECT_EQ(registry.asked, asked);
  EXPECT_EQ(known("ann"), 0u);
  EXPECT_FALSE(welcomed(other));
}

TEST_F(RegistrationTest, AllAreAddedAgainAtABoundedPaceWhenTheRegistryHasLostThem) {
  constexpr std::size_t kCrowd = 300;
  std::vector<ConnectionId> ids;
  for (std::size_t i = 0; i < kCrowd; ++i) ids.push_back(enter("u" + std::to_string(i)));
  registry.lose_all();
  EXPECT_EQ(known("u7"), 0u);
  loop.advance(20ms);
  EXPECT_EQ(registry.asked, kCrowd + 100) << "5,000 per second";
  loop.advance(60ms);
  EXPECT_EQ(registry.asked, 2 * kCrowd);
  EXPECT_EQ(stat("registry_losses"), 1u);
  loop.advance(limits::resync_spread);
  for (const ConnectionId id : ids) EXPECT_EQ(resyncs(id), 1u);
}

TEST_F(RegistrationTest, AnAddThatWasUnderWayWhenTheRegistryLostItsSessionsIsRepeated) {
  registry.silent = true;
  const ConnectionId id = enter("ann");
  registry.lose_all();
  registry.silent = false;
  registry.waiting.at(0)();  // perhaps from before the loss
  EXPECT_TRUE(welcomed(id));
  loop.advance(100ms);
  EXPECT_EQ(registry.asked, 2);
  loop.advance(limits::resync_spread);
  EXPECT_EQ(resyncs(id), 1u);
}

TEST_F(RegistrationTest, WhatTheBusHasLostIsToldToEverySessionOnceWithinTheSpread) {
  constexpr std::size_t kCrowd = 200;
  std::vector<ConnectionId> ids;
  for (std::size_t i = 0; i < kCrowd; ++i) ids.push_back(enter("u" + std::to_string(i)));
  const ConnectionId stranger = open();
  bus.notify_lost("g");
  bus.notify_lost("g");  // before any session is notified
  std::set<std::size_t> told;
  for (int second = 0; second < 30; ++second) {
    loop.advance(1s);
    std::size_t now = 0;
    for (const ConnectionId id : ids) now += resyncs(id);
    told.insert(now);
  }
  loop.advance(100ms);
  for (const ConnectionId id : ids) EXPECT_EQ(resyncs(id), 1u);
  EXPECT_EQ(resyncs(stranger), 0u);
  EXPECT_GE(told.size(), 10u) << "not all at the same time";
  EXPECT_EQ(stat("bus_losses"), 2u);
  EXPECT_EQ(stat("resyncs_told"), kCrowd);
  bus.notify_lost("g");
  loop.advance(31s);
  EXPECT_EQ(resyncs(ids[0]), 2u) << "another loss";
}

TEST_F(RegistrationTest, ASessionThatLagsIsToldByItsNextPong) {
  const ConnectionId id = enter("ann");
  SessionFanout fanout(registry, bus, "g");
  sockets.stuck[id] = true;
  for (std::uint64_t seq = 1; seq <= 400; ++seq)
    fanout.to_user(UserId::of("ann"), event(4'000, seq));
  bus.notify_lost("g");
  loop.advance(20s);
  EXPECT_EQ(resyncs(id), 0u);
}

TEST_F(RegistrationTest, NobodyIsToldBeforeTheirWelcome) {
  registry.silent = true;
  const ConnectionId id = enter("ann");
  bus.notify_lost("g");
  loop.advance(limits::registration_wait - 1ms);
  registry.waiting.at(0)();
  loop.advance(60s);
  EXPECT_EQ(resyncs(id), 0u) << "it syncs after its Welcome in any case";
}

}  // namespace
}  // namespace kith::server
