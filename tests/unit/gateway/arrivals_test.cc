// Connections that have not signed in: turns, places, and who gives way.
#include "server/gateway/arrivals.h"

#include <gtest/gtest.h>

#include "src/split_mix.h"

namespace kith::server {
namespace {

PeerAddress address(int n) {
  return *PeerAddress::parse("10.0.0." + std::to_string(n));
}

// 4 places for an address, 2 of them in handshakes; 3 handshakes in all.
Arrivals::Bounds bounds() {
  return {4, 2, 3, 10'000, 3'000};
}

Arrivals::Key come(Arrivals& arrivals, int n, std::int64_t now = 0) {
  const Arrivals::Key key = arrivals.accepted(address(n), now);
  arrivals.wants_in(key);
  return key;
}

TEST(Arrivals, AddressesTakeTurnsWithinTheirPlaces) {
  Arrivals arrivals(bounds());
  std::vector<Arrivals::Key> of_one;
  for (int i = 0; i < 5; ++i) of_one.push_back(come(arrivals, 1));
  const auto other = come(arrivals, 2);
  EXPECT_EQ(arrivals.admit(0), of_one[4]);  // the newest
  EXPECT_EQ(arrivals.admit(0), other);
  EXPECT_EQ(arrivals.admit(0), of_one[3]);
  EXPECT_EQ(arrivals.admit(0), std::nullopt);  // three handshakes
  arrivals.established(other);
  EXPECT_EQ(arrivals.admit(0), std::nullopt);  // two of that address
  arrivals.established(of_one[4]);
  EXPECT_EQ(arrivals.admit(0), of_one[2]);
  arrivals.established(of_one[3]);
  EXPECT_EQ(arrivals.admit(0), of_one[1]);
  arrivals.established(of_one[2]);
  arrivals.established(of_one[1]);
  EXPECT_EQ(arrivals.admit(0), std::nullopt);  // four of that address
  EXPECT_TRUE(arrivals.waiting());
  arrivals.left(of_one[2]);  // signed in
  EXPECT_EQ(arrivals.admit(0), of_one[0]);
  EXPECT_FALSE(arrivals.waiting());
}

TEST(Arrivals, OneThatSaysNothingTakesNoPlace) {
  Arrivals arrivals(bounds());
  for (int i = 0; i < 100; ++i) arrivals.accepted(address(1), 0);
  const auto speaks = come(arrivals, 1);
  EXPECT_EQ(arrivals.admit(0), speaks);
}

TEST(Arrivals, TheSlowAreOverdueAtTheirLimit) {
  Arrivals arrivals(bounds());
  const auto silent = arrivals.accepted(address(1), 0);
  const auto shaking = come(arrivals, 1, 1'000);
  const auto done = come(arrivals, 1, 1'000);
  arrivals.admit(2'000);
  arrivals.admit(2'000);
  arrivals.established(done);
  EXPECT_TRUE(arrivals.overdue(9'999).empty());
  EXPECT_EQ(arrivals.overdue(10'000), std::vector{silent});
  arrivals.left(silent);
  EXPECT_TRUE(arrivals.overdue(11'000).empty());  // its handshake began later
  EXPECT_EQ(arrivals.overdue(12'000), std::vector{shaking});
  EXPECT_TRUE(arrivals.overdue(60'000).empty());  // a WebSocket has other limits
}

TEST(Arrivals, TheOldestGiveWayToThoseWhoWait) {
  Arrivals arrivals(bounds());
  const auto first = come(arrivals, 1);
  arrivals.admit(0);
  come(arrivals, 1);
  arrivals.admit(0);
  EXPECT_TRUE(arrivals.overdue(5'000).empty());  // nobody waits
  const auto third = come(arrivals, 1, 5'000);
  EXPECT_EQ(arrivals.admit(5'000), std::nullopt);
  EXPECT_EQ(arrivals.overdue(5'000), std::vector{first});
  EXPECT_EQ(arrivals.admit(5'000), third);
}

TEST(Arrivals, NobodyGivesWayBeforeTheirTime) {
  Arrivals arrivals(bounds());
  come(arrivals, 1);
  come(arrivals, 1);
  arrivals.admit(0);
  arrivals.admit(0);
  come(arrivals, 1);
  EXPECT_TRUE(arrivals.overdue(2'999).empty());
  EXPECT_EQ(arrivals.overdue(3'000).size(), 1U);
}

TEST(Arrivals, WhenAllHandshakesAreTakenTheAddressWithMostGivesWay) {
  Arrivals arrivals(bounds());
  come(arrivals, 1);
  const auto attacker = come(arrivals, 1);  // let in first
  come(arrivals, 2);
  for (int i = 0; i < 3; ++i) arrivals.admit(0);
  const auto honest = come(arrivals, 3);
  EXPECT_EQ(arrivals.admit(0), std::nullopt);
  EXPECT_EQ(arrivals.overdue(3'000), std::vector{attacker});
  EXPECT_EQ(arrivals.admit(3'000), honest);
}

TEST(Arrivals, WithoutDescriptorsTheSilentOfTheLargestAddressGoFirst) {
  Arrivals arrivals(bounds());
  const auto talks = come(arrivals, 1);
  const auto silent = arrivals.accepted(address(1), 0);
  const auto other = arrivals.accepted(address(2), 0);
  EXPECT_EQ(arrivals.least_worthy(), silent);
  arrivals.left(silent);
  arrivals.left(other);
  EXPECT_EQ(arrivals.least_worthy(), talks);
  EXPECT_EQ(arrivals.least_worthy(), std::nullopt);
}

TEST(Arrivals, AProxysWordMovesAConnectionToItsAddress) {
  Arrivals arrivals(bounds());
  std::vector<Arrivals::Key> keys;
  for (int i = 0; i < 3; ++i) {
    keys.push_back(arrivals.accepted(address(1), 0));
    arrivals.comes_from(keys.back(), address(10 + i));
    arrivals.wants_in(keys.back());
  }
  for (int i = 0; i < 3; ++i) EXPECT_NE(arrivals.admit(0), std::nullopt);
  // IPv6 is counted by subscriber.
  Arrivals v6(bounds());
  for (int i = 0; i < 3; ++i) {
    v6.wants_in(v6.accepted(*PeerAddress::parse("2001:db8::" + std::to_string(i + 1)), 0));
  }
  EXPECT_NE(v6.admit(0), std::nullopt);
  EXPECT_NE(v6.admit(0), std::nullopt);
  EXPECT_EQ(v6.admit(0), std::nullopt);
}

// The bounds hold for any events in any order, and nothing is left when all have gone.
TEST(Arrivals, HoldsItsBoundsInEveryOrder) {
  SplitMix random(5);
  Arrivals arrivals(bounds());
  std::map<Arrivals::Key, int> shaking, inside;  // to their address
  std::vector<Arrivals::Key> all;
  std::map<Arrivals::Key, int> home;
  const auto gone = [&](Arrivals::Key key) {
    shaking.erase(key);
    inside.erase(key);
    arrivals.left(key);
  };
  for (std::int64_t now = 0; now < 20'000; ++now) {
    const auto pick = [&] { return all[random.below(all.size())]; };
    switch (random.below(7)) {
      case 0:
      case 1: {
        const int n = static_cast<int>(random.below(3));
        all.push_back(arrivals.accepted(address(n), now));
        home[all.back()] = n;
        if (random.below(4) != 0) arrivals.wants_in(all.back());
        break;
      }
      case 2:
        if (!all.empty()) gone(pick());
        break;
      case 3:
        if (const auto key = arrivals.admit(now)) shaking[*key] = inside[*key] = home[*key];
        break;
      case 4:
        if (!shaking.empty()) {
          const Arrivals::Key key = shaking.begin()->first;
          shaking.erase(key);
          arrivals.established(key);
        }
        break;
      case 5:
        if (random.below(50) == 0) {
          if (const auto key = arrivals.least_worthy()) gone(*key);
        }
        break;
      default:
        for (const auto key : arrivals.overdue(now)) gone(key);
    }
    ASSERT_LE(shaking.size(), 3U);
    for (int n = 0; n < 3; ++n) {
      const auto of = [n](const auto& map) {
        return std::count_if(map.begin(), map.end(),
                             [n](const auto& one) { return one.second == n; });
      };
      ASSERT_LE(of(shaking), 2);
      ASSERT_LE(of(inside), 4);
    }
  }
  for (const auto key : all) gone(key);
  EXPECT_EQ(arrivals.size(), 0U);
  EXPECT_FALSE(arrivals.waiting());
  EXPECT_EQ(arrivals.least_worthy(), std::nullopt);
}

}  // namespace
}  // namespace kith::server
