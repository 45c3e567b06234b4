// Fair places: turns come round, and nobody keeps others out by asking more.
#include "server/auth/fair_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "src/split_mix.h"

namespace kith::server {
namespace {

template <class T>
std::optional<T> next_of(FairQueue<T>& queue) {
  auto next = queue.pop([](std::uint64_t) { return true; });
  return next ? std::optional(next->item) : std::nullopt;
}

TEST(FairQueueTest, TurnsComeRound) {
  FairQueue<int> queue(10, 5);
  for (const int item : {10, 11, 12}) EXPECT_FALSE(queue.push({1}, item));
  EXPECT_FALSE(queue.push({2}, 20));
  EXPECT_EQ(next_of(queue), 10);
  EXPECT_EQ(next_of(queue), 20);
  EXPECT_EQ(next_of(queue), 11);
  EXPECT_EQ(next_of(queue), 12);
  EXPECT_FALSE(next_of(queue));
}

TEST(FairQueueTest, WhoMayNotIsPassedOverAndKeepsItsPlace) {
  FairQueue<int> queue(10, 5);
  for (const int item : {10, 11}) queue.push({1}, item);
  queue.push({2}, 20);
  const auto not_one = [](std::uint64_t turn) { return turn != 1; };
  EXPECT_EQ(queue.pop(not_one)->item, 20);
  EXPECT_FALSE(queue.pop(not_one));
  EXPECT_EQ(next_of(queue), 10);
  EXPECT_EQ(queue.size(), 1U);
}

TEST(FairQueueTest, OneHoldsAFewPlaces) {
  FairQueue<int> queue(10, 2);
  EXPECT_FALSE(queue.push({1}, 1));
  EXPECT_FALSE(queue.push({1}, 2));
  EXPECT_EQ(queue.push({1}, 3), 3);
  EXPECT_FALSE(queue.push({2}, 4));
}

TEST(FairQueueTest, WhenAllAreTakenTheLongestGivesUpItsNewest) {
  FairQueue<int> queue(4, 4);
  for (const int item : {1, 2, 3, 4}) queue.push({1}, item);
  EXPECT_EQ(queue.push({2}, 5), 4);
  EXPECT_EQ(queue.push({2}, 6), 3);
  EXPECT_EQ(queue.push({2}, 7), 7) << "two of each is fair";
  EXPECT_EQ(queue.size(), 4U);
}

TEST(FairQueueTest, TheAccountsOfOneAddressShareItsTurns) {
  FairQueue<int> queue(8, 4);
  for (std::uint64_t account = 0; account < 8; ++account) queue.push({1, account}, 10);
  EXPECT_TRUE(queue.push({2}, 20)) << "one of theirs gives way";
  EXPECT_EQ(queue.push({1, 9}, 10), 10) << "and none of others to theirs";
  EXPECT_FALSE(queue.push({3}, 30) == 30);
  for (const int item : {10, 20, 30, 10, 10, 10, 10, 10}) EXPECT_EQ(next_of(queue), item);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(FairQueueTest, WithinAnAddressTurnsComeRound) {
  FairQueue<int> queue(4, 4);
  for (const int item : {1, 2, 3, 4}) queue.push({1, 1}, item);
  EXPECT_EQ(queue.push({1, 2}, 5), 4) << "the one with the most gives way";
  for (const int item : {1, 5, 2, 3}) EXPECT_EQ(next_of(queue), item);
}

TEST(FairQueueTest, LosesNothingAndStaysWithinItsBounds) {
  SplitMix random(5);
  FairQueue<int> queue(16, 6);
  std::map<int, bool> inside;
  for (int step = 0; step < 50'000; ++step) {
    if (random.next() % 3 != 0) {
      inside[step] = true;
      const auto out = queue.push({random.next() % 4, random.next() % 5}, step);
      ASSERT_TRUE(!out || inside.erase(*out) == 1U);
    } else if (const auto next = next_of(queue)) {
      ASSERT_EQ(inside.erase(*next), 1U);
    }
    ASSERT_EQ(queue.size(), inside.size());
    ASSERT_LE(queue.size(), 16U);
  }
}

}  // namespace
}  // namespace kith::server
