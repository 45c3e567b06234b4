// Which records of a shared log count.
#include "server/records/tenures.h"

#include <gtest/gtest.h>

namespace kith::server {
namespace {

LogEntry entry(Position position, const Tenure& tenure, decltype(LogRecord::op) op,
               std::uint32_t rules = kRulesWithTenure) {
  LogEntry e;
  e.position = position;
  e.record.tenure = tenure;
  e.record.rules_version = rules;
  e.record.op = std::move(op);
  return e;
}

constexpr Tenure kFirst{1, 11};
constexpr Tenure kSecond{2, 22};

TEST(Tenures, ARecordCountsInItsOwnTenureOnly) {
  Tenures tenures;
  EXPECT_TRUE(tenures.admit(entry(1, kFirst, TakeOverOp{})));
  EXPECT_TRUE(tenures.admit(entry(2, kFirst, SendOp{})));
  EXPECT_FALSE(tenures.admit(entry(3, kSecond, SendOp{}))) << "before its take-over";
  EXPECT_TRUE(tenures.admit(entry(4, kSecond, TakeOverOp{})));
  EXPECT_FALSE(tenures.admit(entry(5, kFirst, SendOp{}))) << "came late";
  EXPECT_FALSE(tenures.admit(entry(6, {2, 11}, SendOp{}))) << "another appender of this epoch";
  EXPECT_TRUE(tenures.admit(entry(7, kSecond, SendOp{})));
}

TEST(Tenures, ATakeOverMustOutrankTheCurrentOne) {
  Tenures tenures;
  EXPECT_TRUE(tenures.admit(entry(1, kSecond, TakeOverOp{})));
  EXPECT_FALSE(tenures.admit(entry(2, {2, 33}, TakeOverOp{}))) << "the other one was faster";
  EXPECT_FALSE(tenures.admit(entry(3, kFirst, TakeOverOp{})));
  EXPECT_EQ(tenures.current(), kSecond);
}

TEST(Tenures, MarksAndRecordsOfEarlierRulesAlwaysCount) {
  Tenures tenures;
  ASSERT_TRUE(tenures.admit(entry(1, kFirst, TakeOverOp{})));
  EXPECT_TRUE(tenures.admit(entry(2, kSecond, UserMarkOp{})));
  EXPECT_TRUE(tenures.admit(entry(3, {}, SendOp{}, kRulesWithTenure - 1)));
}

TEST(Tenures, ALogWithOneAppenderHasNone) {
  Tenures tenures;
  EXPECT_TRUE(tenures.admit(entry(1, {}, SendOp{})));
  EXPECT_EQ(tenures.at(1), Tenure());
}

TEST(Tenures, KnowsWhoOwnedTheLogAtEachPlaceThatIsNotStoredYet) {
  Tenures tenures;
  tenures.begin(10, kFirst);
  ASSERT_TRUE(tenures.admit(entry(12, kSecond, TakeOverOp{})));
  EXPECT_EQ(tenures.at(10), kFirst);
  EXPECT_EQ(tenures.at(11), kFirst);
  EXPECT_EQ(tenures.at(12), kSecond);
  tenures.forget_before(11);
  EXPECT_EQ(tenures.at(11), kFirst);
  tenures.forget_before(40);
  EXPECT_EQ(tenures.at(40), kSecond);
}

}  // namespace
}  // namespace kith::server
