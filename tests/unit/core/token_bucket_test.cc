// Token buckets: true waits, debts, and that nobody gets more than the rate, whatever they try.
#include "src/token_bucket.h"

#include <gtest/gtest.h>

#include "src/split_mix.h"

namespace kith {
namespace {

TEST(TokenBucketTest, LetsABurstThroughAndThenTellsATrueTime) {
  const BucketRate rate = BucketRate::per_s(10, 20);
  TokenBucket bucket;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bucket.take(rate, 1, 1'000), 0U);
  const std::uint32_t wait = bucket.take(rate, 1, 1'000);
  EXPECT_EQ(wait, 100U);
  EXPECT_GT(bucket.take(rate, 1, 1'000 + wait - 1), 0U);
  EXPECT_EQ(bucket.take(rate, 1, 1'000 + wait), 0U);
  EXPECT_EQ(bucket.take(rate, 2, 1'250), 50U);
}

TEST(TokenBucketTest, WhatCostsMoreThanItHoldsPassesWhenItIsFullAndIsPaidForAfterwards) {
  const BucketRate rate = BucketRate::per_s(50, 200);
  TokenBucket bucket;
  EXPECT_EQ(bucket.take(rate, 350, 0), 0U);
  EXPECT_EQ(bucket.debt_ms(rate, 0), 3'000U);
  EXPECT_EQ(bucket.take(rate, 1, 0), 3'020U);
  EXPECT_EQ(bucket.take(rate, 350, 6'999), 1U);
  EXPECT_EQ(bucket.take(rate, 350, 7'000), 0U);
}

TEST(TokenBucketTest, ADebtEnds) {
  const BucketRate rate = BucketRate::per_s(10, 20);
  TokenBucket bucket;
  for (int i = 0; i < 1'000; ++i) bucket.charge(rate, 1'000'000, 0);
  EXPECT_LE(bucket.debt_ms(rate, 0), 30'000U);
}

TEST(TokenBucketTest, AFewAnHourAreExactAlsoWhenAskedEveryMillisecond) {
  const BucketRate rate = BucketRate::per_h(3'600, 1);
  TokenBucket bucket;
  int taken = 0;
  for (std::int64_t now = 1; now <= 10'000; ++now) taken += bucket.take(rate, 1, now) == 0 ? 1 : 0;
  EXPECT_GE(taken, 10);
  EXPECT_LE(taken, 11);
}

TEST(TokenBucketTest, WithoutARateEverythingPasses) {
  TokenBucket bucket;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(bucket.take(BucketRate(), 1'000'000, 0), 0U);
  EXPECT_TRUE(bucket.unused(BucketRate(), 0));
}

TEST(TokenBucketTest, ARefundGivesBackNoMoreThanItHolds) {
  const BucketRate rate = BucketRate::per_s(1, 5);
  TokenBucket bucket;
  bucket.refund(rate, 100, 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bucket.take(rate, 1, 0), 0U);
  EXPECT_GT(bucket.take(rate, 1, 0), 0U);
}

// For any requests at any times, also with a clock that steps back, a bucket lets through at most the burst, the rate
// over the time that has passed, and one request that was larger than the bucket. And a returned wait is enough.
TEST(TokenBucketTest, NobodyGetsMoreThanTheRate) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SplitMix random(seed);
    const auto per_s = static_cast<std::int64_t>(1 + random.next() % 100);
    const auto burst = static_cast<std::int64_t>(1 + random.next() % 300);
    const BucketRate rate = BucketRate::per_s(per_s, burst);
    TokenBucket bucket;
    std::int64_t now = 0;
    std::int64_t latest = 0;
    std::int64_t taken = 0;
    std::int64_t largest = 0;
    for (int step = 0; step < 2'000; ++step) {
      now += static_cast<std::int64_t>(random.next() % 50) - (random.next() % 10 == 0 ? 20 : 0);
      latest = std::max(latest, now);
      const auto cost =
          static_cast<std::int64_t>(1 + random.next() % (random.next() % 8 == 0 ? 400 : 5));
      if (const std::uint32_t wait = bucket.take(rate, cost, now); wait == 0) {
        taken += cost;
        largest = std::max(largest, cost);
      } else {
        TokenBucket later = bucket;
        ASSERT_EQ(later.take(rate, cost, latest + wait), 0U) << "seed " << seed;
      }
      ASSERT_LE(taken, burst + per_s * latest / 1'000 + 1 + largest) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace kith
