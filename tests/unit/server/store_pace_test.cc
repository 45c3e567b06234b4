// The rule by which commands wait for the store, in virtual time.
#include "server/conversation/store_pace.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

constexpr std::uint64_t kBatch = 50'000;
constexpr std::int64_t kSecond = 1'000;

// A store that has just written one batch at 50 records a millisecond.
StorePace paced() {
  StorePace pace;
  pace.batch_begins(kBatch, 0);
  pace.batch_ends(kSecond);
  return pace;
}

TEST(StorePace, LetsAllOnBelowTheMark) {
  const StorePace pace;
  EXPECT_EQ(pace.room(0, 0, 0), limits::apply_lag_soft);
  EXPECT_EQ(pace.room(limits::apply_lag_soft - 10, 3, 0), 7U);
  EXPECT_EQ(pace.room(limits::apply_lag_soft, 0, 0), 0U);
}

TEST(StorePace, LetsAsManyOnAsTheBatchUnderWayIsThoughtToHaveWritten) {
  StorePace pace = paced();
  pace.batch_begins(limits::apply_lag_soft, 2 * kSecond);
  EXPECT_EQ(pace.room(limits::apply_lag_soft, 0, 2 * kSecond), 0U);
  EXPECT_EQ(pace.room(limits::apply_lag_soft, 0, 2 * kSecond + 10), 500U);
  EXPECT_EQ(pace.room(limits::apply_lag_soft + 400, 100, 2 * kSecond + 10), 0U);
}

TEST(StorePace, NeverTakesABatchForMoreThanItIs) {
  StorePace pace = paced();
  pace.batch_begins(1'000, 2 * kSecond);
  EXPECT_EQ(pace.room(limits::apply_lag_soft, 0, 90 * kSecond), 1'000U);
}

TEST(StorePace, NeverLetsMoreOnThanTheBound) {
  StorePace pace = paced();
  pace.batch_begins(limits::apply_lag_max, 2 * kSecond);
  EXPECT_EQ(pace.room(limits::apply_lag_max - 5, 2, 60 * kSecond), 3U);
  EXPECT_EQ(pace.room(limits::apply_lag_max, 0, 60 * kSecond), 0U);
}

TEST(StorePace, FollowsAStoreThatBecomesSlower) {
  StorePace pace = paced();
  const Millis before = pace.come_back_after(100'000, 0);
  pace.batch_begins(kBatch, 2 * kSecond);
  pace.batch_ends(12 * kSecond);
  EXPECT_GT(pace.come_back_after(100'000, 0), before);
}

TEST(StorePace, TurnsAwayWhoWouldWaitForTooLong) {
  StorePace pace = paced();
  EXPECT_TRUE(pace.may_wait(limits::commands_held_max - 1, kSecond));
  EXPECT_FALSE(pace.may_wait(limits::commands_held_max, kSecond));
  for (int i = 0; i < 10; ++i) {  // five records a millisecond
    pace.batch_begins(kBatch, 0);
    pace.batch_ends(10 * kSecond);
  }
  EXPECT_TRUE(pace.may_wait(10'000, kSecond));
  EXPECT_FALSE(pace.may_wait(30'000, kSecond));
}

TEST(StorePace, TurnsAwayAtOnceWhileTheStoreStands) {
  StorePace pace = paced();
  pace.batch_begins(kBatch, 2 * kSecond);
  const std::int64_t limit = Millis(limits::command_held_limit).count();
  EXPECT_TRUE(pace.may_wait(0, 2 * kSecond + limit));
  EXPECT_LT(pace.come_back_after(0, 2 * kSecond + limit), Millis(1'000));
  EXPECT_FALSE(pace.may_wait(0, 2 * kSecond + limit + 1));
  EXPECT_GE(pace.come_back_after(0, 2 * kSecond + limit + 1),
            Millis(limits::overloaded_retry_max) / 2)
      << "asking again and again does not help it";
  pace.batch_ends(2 * kSecond + limit + 2);
  EXPECT_TRUE(pace.may_wait(0, 2 * kSecond + limit + 2));
}

TEST(StorePace, TellsWaitsThatAreBoundedAndSpread) {
  StorePace pace = paced();
  Millis least = limits::overloaded_retry_max;
  Millis most{0};
  for (int i = 0; i < 100; ++i) {
    const Millis wait = pace.come_back_after(100'000, 0);  // two seconds' work
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_GE(least, Millis(2'000));
  EXPECT_LT(least, Millis(2'100));
  EXPECT_GT(most, Millis(3'900));
  EXPECT_LE(most, Millis(4'000));
  EXPECT_GE(pace.come_back_after(0, 0), Millis(limits::overloaded_retry_min));
  EXPECT_LE(pace.come_back_after(100'000'000, 0), Millis(limits::overloaded_retry_max));
}

}  // namespace
}  // namespace kith::server
