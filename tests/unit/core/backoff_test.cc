// Back-off: the schedule, its reset rule, and what overrides it.
#include "src/backoff.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

using test::SeededRandom;

TEST(Backoff, WindowDoublesUpToTheCap) {
  SeededRandom random(1);
  Backoff backoff(random);
  for (const int expected : {500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000}) {
    EXPECT_EQ(backoff.window(), Millis(expected));
    const Millis wait = backoff.next(0);
    EXPECT_GE(wait.count(), 0);
    EXPECT_LE(wait, Millis(expected));
  }
}

TEST(Backoff, WindowStaysAtTheCapForEver) {
  SeededRandom random(2);
  Backoff backoff(random);
  for (int i = 0; i < 100'000; ++i) ASSERT_LE(backoff.next(0), Millis(limits::backoff_cap));
  EXPECT_EQ(backoff.window(), Millis(limits::backoff_cap));
}

// full jitter is flat (chi-squared, 59 degrees of freedom, p = 0.001).
TEST(Backoff, FullJitterIsFlat) {
  SeededRandom random(3);
  Backoff backoff(random);
  for (int i = 0; i < 20; ++i) (void)backoff.next(0);
  std::array<int, 60> seconds{};
  constexpr int kDraws = 60'000;
  for (int i = 0; i < kDraws; ++i) {
    ++seconds.at(
        std::min<std::size_t>(static_cast<std::size_t>(backoff.next(0).count() / 1000), 59));
  }
  double chi2 = 0;
  for (const int n : seconds) chi2 += (n - 1000.0) * (n - 1000.0) / 1000.0;
  EXPECT_LT(chi2, 98.3);
}

TEST(Backoff, StartsAgainOnlyAfterAStableMinute) {
  SeededRandom random(4);
  Backoff backoff(random);
  for (int i = 0; i < 8; ++i) (void)backoff.next(0);
  backoff.synced(1'000);
  backoff.lost(60'999);
  EXPECT_EQ(backoff.window(), Millis(60'000));  // a server that accepts and cuts is not hammered
  backoff.synced(100'000);
  backoff.synced(150'000);  // later syncs of the same connection do not restart the minute
  backoff.lost(160'000);
  EXPECT_EQ(backoff.window(), Millis(500));
}

TEST(Backoff, ConnectedWithoutSyncDoesNotCount) {
  SeededRandom random(5);
  Backoff backoff(random);
  for (int i = 0; i < 8; ++i) (void)backoff.next(i * 1'000'000);
  EXPECT_EQ(backoff.window(), Millis(60'000));
}

TEST(Backoff, NextEndsTheConnectionItself) {
  SeededRandom random(6);
  Backoff backoff(random);
  for (int i = 0; i < 8; ++i) (void)backoff.next(0);
  backoff.synced(0);
  EXPECT_LE(backoff.next(60'000), Millis(500));
  EXPECT_EQ(backoff.failures(), 1u);
}

TEST(Backoff, ServerDecidesTheWait) {
  SeededRandom random(7);
  Backoff backoff(random);
  for (int i = 0; i < 1000; ++i) {
    const Millis wait = backoff.next(0, Millis(10'000));
    EXPECT_GE(wait, Millis(10'000));
    EXPECT_LE(wait, Millis(11'000));
  }
  EXPECT_EQ(backoff.window(), Millis(60'000));  // counted as failures
}

TEST(Backoff, AbsurdRetryAfterIsBounded) {
  SeededRandom random(8);
  Backoff backoff(random);
  EXPECT_LE(backoff.next(0, Millis(UINT32_MAX)), Millis(66 * 60 * 1000));
}

TEST(Backoff, NetworkChangeIsOneSoonTryThatDoesNotGrowTheWindow) {
  SeededRandom random(9);
  Backoff backoff(random);
  for (int i = 0; i < 8; ++i) (void)backoff.next(0);
  std::int64_t highest = 0;
  for (int i = 0; i < 2'000; ++i) {
    const Millis wait = backoff.network_changed();
    ASSERT_LE(wait, Millis(1000));
    highest = std::max(highest, wait.count());
  }
  EXPECT_GT(highest, 900);
  EXPECT_EQ(backoff.failures(), 8u);
}

TEST(Backoff, ForegroundCapApplies) {
  SeededRandom random(10);
  Backoff backoff(random);
  for (int i = 0; i < 20; ++i) (void)backoff.next(0);
  backoff.set_cap(limits::backoff_cap_foreground);
  for (int i = 0; i < 1000; ++i) ASSERT_LE(backoff.next(0), Millis(30'000));
}

}  // namespace
}  // namespace kith
