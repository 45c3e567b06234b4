// Ledger: it reports a message that is missing, doubled or moved.
#include "benchmarks/load/ledger.h"

#include <gtest/gtest.h>

namespace kith::bench {
namespace {

TEST(NumberSet, TakesEachNumberOnceInAnyOrder) {
  NumberSet set(10);
  EXPECT_FALSE(set.add(10));
  EXPECT_TRUE(set.add(13));
  EXPECT_FALSE(set.add(13));
  EXPECT_TRUE(set.has_holes());
  EXPECT_EQ(set.top(), 10U);
  EXPECT_EQ(set.highest(), 13U);
  EXPECT_TRUE(set.add(11));
  EXPECT_TRUE(set.add(12));
  EXPECT_EQ(set.top(), 13U);
  EXPECT_FALSE(set.has_holes());
  EXPECT_FALSE(set.add(12));
}

TEST(NumberSet, WhatIsBelowAFloorCountsAsThere) {
  NumberSet set;
  set.add(4);
  set.add(5);
  set.add(9);
  set.raise(3);
  EXPECT_EQ(set.top(), 5U);
  EXPECT_TRUE(set.has_holes());
  set.raise(2);
  EXPECT_EQ(set.top(), 5U);
  set.raise(12);
  EXPECT_EQ(set.top(), 12U);
  EXPECT_FALSE(set.has_holes());
}

struct LedgerTest : testing::Test {
  LedgerTest() { sender = ledger.add_sender(); }
  Ledger ledger{true};
  std::uint32_t sender = 0;
};

TEST_F(LedgerTest, NothingIsWrongWhenAllArrive) {
  for (std::uint64_t n = 1; n <= 3; ++n) {
    ASSERT_EQ(ledger.launch(sender, 0, 1), n);
    EXPECT_NE(ledger.acknowledge(sender, n, 10 + n), nullptr);
    EXPECT_NE(ledger.see(sender, n, 10 + n, true, true), nullptr);
    ledger.finish(sender, *ledger.find(sender, n));
  }
  EXPECT_EQ(ledger.lost(), 0U);
  EXPECT_EQ(ledger.duplicated(), 0U);
  EXPECT_EQ(ledger.wrong(), 0U);
  EXPECT_EQ(ledger.acknowledged(), 3U);
  EXPECT_EQ(ledger.under_way(sender), 0U);
  EXPECT_EQ(ledger.find(sender, 0), nullptr);
}

TEST_F(LedgerTest, AnAcknowledgedMessageThatDoesNotArriveIsLost) {
  ledger.launch(sender, 0, 1);
  EXPECT_EQ(ledger.lost(), 0U);  // not acknowledged: promised to nobody
  ledger.acknowledge(sender, 1, 5);
  EXPECT_EQ(ledger.lost(), 1U);
}

TEST_F(LedgerTest, EachReaderOfAGroupCounts) {
  ledger.launch(sender, 0, 3);
  ledger.acknowledge(sender, 1, 5);
  ledger.see(sender, 1, 5, true, true);
  ledger.see(sender, 1, 5, false, true);
  EXPECT_EQ(ledger.lost(), 1U);
  EXPECT_EQ(ledger.duplicated(), 0U);
}

TEST_F(LedgerTest, AMessageAtTwoPlacesIsADuplicate) {
  ledger.launch(sender, 0, 1);
  ledger.acknowledge(sender, 1, 5);
  ledger.see(sender, 1, 5, true, true);
  ledger.see(sender, 1, 6, true, true);
  EXPECT_EQ(ledger.duplicated(), 1U);
  EXPECT_EQ(ledger.wrong(), 1U);
}

TEST_F(LedgerTest, ADuplicateIsToldAlsoWhenTheMessageIsLongDone) {
  ledger.launch(sender, 0, 1);
  ledger.acknowledge(sender, 1, 5);
  ledger.see(sender, 1, 5, true, true);
  ledger.finish(sender, *ledger.find(sender, 1));
  ledger.see(sender, 1, 9, true, true);
  EXPECT_EQ(ledger.duplicated(), 1U);
}

TEST_F(LedgerTest, AnotherPlaceThanAcknowledgedIsWrong) {
  ledger.launch(sender, 0, 1);
  ledger.see(sender, 1, 7, true, true);
  ledger.acknowledge(sender, 1, 8);
  EXPECT_EQ(ledger.wrong(), 1U);
}

TEST_F(LedgerTest, ARepeatedAnswerIsNoNews) {
  ledger.launch(sender, 0, 1);
  EXPECT_NE(ledger.acknowledge(sender, 1, 8), nullptr);
  EXPECT_EQ(ledger.acknowledge(sender, 1, 8), nullptr);
  EXPECT_EQ(ledger.acknowledged(), 1U);
  EXPECT_EQ(ledger.wrong(), 0U);
}

TEST_F(LedgerTest, AnAuditFindsWhatTheServerForgotAfterItWasRead) {
  for (std::uint64_t n = 1; n <= 3; ++n) {
    ledger.launch(sender, 0, 1);
    ledger.acknowledge(sender, n, n);
    ledger.see(sender, n, n, true, true);
    ledger.finish(sender, *ledger.find(sender, n));
  }
  ledger.begin_audit();
  EXPECT_EQ(ledger.missing(), 3U);
  ledger.found(sender, 1, 1);
  ledger.found(sender, 2, 9);  // there, but somewhere else
  ledger.found(sender, 3, 3);
  EXPECT_EQ(ledger.missing(), 1U);
  EXPECT_EQ(ledger.lost(), 0U);
}

}  // namespace
}  // namespace kith::bench
