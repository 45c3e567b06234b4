// Fair places: turns come round, and nobody keeps others out by asking more.
#include "server/auth/fair_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "src/split_mix.h"

namespace kith::server {
namespace {

TEST(FairQueueTest, TurnsComeRound) {
  FairQueue<int> queue(10, 5);
  for (const int item : {10, 11, 12}) EXPECT_FALSE(queue.push(1, item));
  EXPECT_FALSE(queue.push(2, 20));
  EXPECT_EQ(queue.pop(), 10);
  EXPECT_EQ(queue.pop(), 20);
  EXPECT_EQ(queue.pop(), 11);
  EXPECT_EQ(queue.pop(), 12);
  EXPECT_FALSE(queue.pop());
}

TEST(FairQueueTest, OneHoldsAFewPlaces) {
  FairQueue<int> queue(10, 2);
  EXPECT_FALSE(queue.push(1, 1));
  EXPECT_FALSE(queue.push(1, 2));
  EXPECT_EQ(queue.push(1, 3), 3);
  EXPECT_FALSE(queue.push(2, 4));
}

TEST(FairQueueTest, WhenAllAreTakenTheLongestGivesUpItsNewest) {
  FairQueue<int> queue(4, 4);
  for (const int item : {1, 2, 3, 4}) queue.push(1, item);
  EXPECT_EQ(queue.push(2, 5), 4);
  EXPECT_EQ(queue.push(2, 6), 3);
  EXPECT_EQ(queue.push(2, 7), 7) << "two of each is fair";
  EXPECT_EQ(queue.size(), 4U);
}

TEST(FairQueueTest, LosesNothingAndStaysWithinItsBounds) {
  SplitMix random(5);
  FairQueue<int> queue(16, 6);
  std::map<int, bool> inside;
  for (int step = 0; step < 50'000; ++step) {
    if (random.next() % 3 != 0) {
      inside[step] = true;
      const auto out = queue.push(random.next() % 9, step);
      ASSERT_TRUE(!out || inside.erase(*out) == 1U);
    } else if (const auto next = queue.pop()) {
      ASSERT_EQ(inside.erase(*next), 1U);
    }
    ASSERT_EQ(queue.size(), inside.size());
    ASSERT_LE(queue.size(), 16U);
  }
}

}  // namespace
}  // namespace kith::server
