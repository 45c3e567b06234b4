// FairTurns: nobody waits behind all the work of another person.
#include "server/adapters/embedded/fair_turns.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace kith::server {
namespace {

using namespace std::chrono_literals;

const UserId kEve = UserId::of("eve");
const UserId kAnn = UserId::of("ann");
const UserId kBob = UserId::of("bob");

TEST(FairTurns, OnePersonIsServedInOrder) {
  FairTurns<int> turns;
  for (int n = 0; n < 5; ++n) turns.add(kEve, n);
  EXPECT_EQ(turns.waiting(), 5u);
  EXPECT_EQ(turns.waiting_besides(kEve), 0u);
  EXPECT_EQ(turns.waiting_besides(kAnn), 5u);
  for (int n = 0; n < 5; ++n) {
    EXPECT_EQ(turns.take(), n);
    turns.charge(kEve, 1ms);
  }
  EXPECT_EQ(turns.take(), std::nullopt);
}

TEST(FairTurns, WhoComesWaitsForOneTaskAtMost) {
  FairTurns<std::string> turns;
  for (int n = 0; n < 4; ++n) turns.add(kEve, "dear");
  for (int n = 0; n < 100; ++n) {
    EXPECT_EQ(turns.take(), "dear");
    turns.add(kAnn, "cheap");
    turns.charge(kEve, 4ms);
    turns.add(kEve, "dear");
    EXPECT_EQ(turns.take(), "cheap") << n;
    turns.charge(kAnn, 1ms);
  }
}

TEST(FairTurns, TimeIsSharedByPeopleHoweverManyTasksTheyHave) {
  FairTurns<UserId> turns;
  const std::map<UserId, int> tasks{{kEve, 40}, {kAnn, 1}, {kBob, 2}};
  for (const auto& [who, count] : tasks) {
    for (int n = 0; n < count; ++n) turns.add(who, who);
  }
  std::map<UserId, std::chrono::microseconds> used;
  const std::map<UserId, std::chrono::microseconds> slice{{kEve, 8ms}, {kAnn, 1ms}, {kBob, 2ms}};
  for (int n = 0; n < 3'000; ++n) {
    const UserId who = *turns.take();
    used[who] += slice.at(who);
    turns.charge(who, slice.at(who));
    turns.add(who, who);
  }
  EXPECT_NEAR(static_cast<double>(used[kEve].count()), static_cast<double>(used[kAnn].count()),
              8'000);
  EXPECT_NEAR(static_cast<double>(used[kBob].count()), static_cast<double>(used[kAnn].count()),
              8'000);
}

// Unused time is not saved up.
TEST(FairTurns, ComingBackIsNoAdvantage) {
  FairTurns<UserId> turns;
  turns.add(kAnn, kAnn);
  turns.add(kEve, kEve);
  for (int n = 0; n < 1'000; ++n) {
    const UserId who = *turns.take();
    turns.charge(who, 10ms);
    turns.add(who, who);
  }
  for (int n = 0; n < 100; ++n) turns.add(kBob, kBob);
  int bob = 0;
  for (int n = 0; n < 30; ++n) {
    const UserId who = *turns.take();
    bob += who == kBob ? 1 : 0;
    turns.charge(who, 10ms);
    if (who != kBob) turns.add(who, who);
  }
  EXPECT_NEAR(bob, 10, 1);
}

}  // namespace
}  // namespace kith::server
