// Ticks never go back, whatever order the news arrive in.
#include "src/delivery_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

using test::SeededRandom;

TEST(DeliveryState, DerivesFromWatermarks) {
  EXPECT_EQ(derive(Seq(), Seq(9), Seq(9)), DeliveryStatus::kSending);
  EXPECT_EQ(derive(Seq(5), Seq(4), Seq(3)), DeliveryStatus::kSent);
  EXPECT_EQ(derive(Seq(5), Seq(5), Seq(4)), DeliveryStatus::kDelivered);
  EXPECT_EQ(derive(Seq(5), Seq(5), Seq(5)), DeliveryStatus::kRead);
  EXPECT_EQ(derive(Seq(5), Seq(0), Seq(7)), DeliveryStatus::kRead);  // READ implies DELIVERED
}

DeliveryMarks random_marks(SeededRandom& random) {
  return {Seq(random.below(20)), Seq(random.below(20)), Seq(random.below(20))};
}

// SENT, DELIVERED and READ only ever rise.
TEST(DeliveryState, MarksFormALattice) {
  SeededRandom random(21);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<DeliveryMarks> news;
    for (int i = 0; i < 6; ++i) news.push_back(random_marks(random));
    DeliveryMarks forward;
    for (const auto& n : news) {
      const DeliveryMarks before = forward;
      const bool moved = merge(forward, n);
      EXPECT_EQ(moved, !(forward == before));
      EXPECT_GE(forward.delivered_all, before.delivered_all);
      EXPECT_GE(forward.read_all, before.read_all);
      EXPECT_GE(forward.read_any, before.read_any);
      for (std::uint64_t seq = 1; seq <= 20; ++seq) {
        EXPECT_GE(derive(Seq(seq), forward.delivered_all, forward.read_all),
                  derive(Seq(seq), before.delivered_all, before.read_all));
      }
      EXPECT_FALSE(merge(forward, n));  // idempotent
    }
    DeliveryMarks backward;
    std::reverse(news.begin(), news.end());
    for (const auto& n : news) merge(backward, n);
    EXPECT_EQ(forward, backward);
  }
}

TEST(DeliveryState, StatusNeverGoesBack) {
  using enum DeliveryStatus;
  for (const auto shown : {kSending, kSent, kDelivered, kRead}) {
    for (const auto news : {kSending, kSent, kDelivered, kRead}) {
      EXPECT_EQ(merge(shown, news), std::max(shown, news));
    }
  }
}

TEST(DeliveryState, OnlyAMessageOnItsWayCanFailAndItMayBeSentAgain) {
  using enum DeliveryStatus;
  EXPECT_EQ(merge(kSending, kFailed), kFailed);
  EXPECT_EQ(merge(kSent, kFailed), kSent);
  EXPECT_EQ(merge(kRead, kFailed), kRead);
  EXPECT_EQ(merge(kFailed, kFailed), kFailed);
  EXPECT_EQ(merge(kFailed, kSending), kSending);      // sent again
  EXPECT_EQ(merge(kFailed, kDelivered), kDelivered);  // had arrived after all
}

}  // namespace
}  // namespace kith
