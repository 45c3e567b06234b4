// Pacer: intended times do not move, however late somebody asks.
#include "benchmarks/load/pacer.h"

#include <gtest/gtest.h>

namespace kith::bench {
namespace {

TEST(Pacer, GivesAsManyAsTheRateSays) {
  Pacer pacer(1000, 5 * kSecond);
  EXPECT_FALSE(pacer.take(5 * kSecond - 1));
  int count = 0;
  for (Micros now = 5 * kSecond; now < 6 * kSecond; now += 100) {
    while (pacer.take(now)) ++count;
  }
  EXPECT_EQ(count, 1000);
}

TEST(Pacer, AStallDoesNotMoveWhatWasIntended) {
  Pacer pacer(100, 0);
  ASSERT_EQ(pacer.take(0), 0);
  // Nobody asked for a second: all hundred are due, each with its own time.
  for (Micros k = 1; k <= 100; ++k) EXPECT_EQ(pacer.take(kSecond), k * 10'000);
  EXPECT_FALSE(pacer.take(kSecond));
  EXPECT_EQ(pacer.next(), 1'010'000);
}

TEST(Pacer, DoesNotDriftAtOddRates) {
  Pacer pacer(3, 0);
  for (int k = 0; k < 300'000; ++k) ASSERT_TRUE(pacer.take(100'000 * kSecond));
  EXPECT_NEAR(static_cast<double>(pacer.next()), 1e5 * kSecond, 1);
}

}  // namespace
}  // namespace kith::bench
