// Numbers of a device's connections ascend, whatever becomes of its clock or its cache.
#include "client/connect_numbers.h"

#include <gtest/gtest.h>

namespace kith::client {
namespace {

struct SetClock : Clock {
  Timestamp wall() override { return {now_ms}; }
  std::int64_t steady_ms() override { return 0; }
  std::int64_t now_ms = 1'000;
};

TEST(ConnectNumbers, TheyAscendWithTheClockAndWithoutIt) {
  SetClock clock;
  ConnectNumbers numbers(clock);
  EXPECT_EQ(numbers.next(), 1'000U);
  EXPECT_EQ(numbers.next(), 1'001U);
  clock.now_ms = 5'000;
  EXPECT_EQ(numbers.next(), 5'000U);
  clock.now_ms = 10;  // set back
  EXPECT_EQ(numbers.next(), 5'001U);
  clock.now_ms = -3;
  EXPECT_EQ(numbers.next(), 5'002U);
}

TEST(ConnectNumbers, AnEarlierLifeCounts) {
  SetClock clock;
  ConnectNumbers numbers(clock);
  numbers.remember(9'000);
  EXPECT_EQ(numbers.next(), 9'001U);
  EXPECT_EQ(numbers.last(), 9'001U);
  ConnectNumbers with_a_lost_cache(clock);
  clock.now_ms = 9'500;
  EXPECT_GT(with_a_lost_cache.next(), numbers.last());
}

}  // namespace
}  // namespace kith::client
