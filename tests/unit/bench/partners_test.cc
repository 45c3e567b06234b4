// Partners: all conversations of a run are distinct, and every sender goes round among its own.
#include "benchmarks/load/partners.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace kith::bench {
namespace {

TEST(BenchPartners, AreThePairsThemselvesAtFirst) {
  const Partners partners(4, 4);
  for (std::uint32_t c = 0; c < 4; ++c) {
    EXPECT_EQ(partners.sender_of(c), 2 * c);
    EXPECT_EQ(partners.receiver_of(c), 2 * c + 1);
    EXPECT_EQ(partners.after(c), c);
  }
}

TEST(BenchPartners, MakeAsManyDistinctConversationsAsThereCanBe) {
  const auto most = static_cast<std::uint32_t>(Partners::most(5));
  EXPECT_EQ(most, 25U);
  const Partners partners(5, most);
  std::set<std::pair<std::uint32_t, std::uint32_t>> met;
  for (std::uint32_t c = 0; c < most; ++c) {
    EXPECT_TRUE(met.emplace(partners.sender_of(c), partners.receiver_of(c)).second) << c;
    EXPECT_LT(partners.receiver_of(c), 10U);
    EXPECT_EQ(partners.receiver_of(c) % 2, 1U);
  }
}

TEST(BenchPartners, LetASenderGoRoundAmongItsOwn) {
  const Partners partners(3, 7);  // sender 0 has three, the others two
  EXPECT_EQ(partners.after(0), 3U);
  EXPECT_EQ(partners.after(3), 6U);
  EXPECT_EQ(partners.after(6), 0U);
  EXPECT_EQ(partners.after(1), 4U);
  EXPECT_EQ(partners.after(4), 1U);
  for (std::uint32_t c = 0; c < 7; ++c) {
    EXPECT_EQ(partners.sender_of(partners.after(c)), partners.sender_of(c));
  }
}

}  // namespace
}  // namespace kith::bench
