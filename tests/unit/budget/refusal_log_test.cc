// Refusals: a line for each class and address and minute, and bounded lines in all.
#include "server/budget/refusal_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace kith::server {
namespace {

TEST(RefusalLogTest, TellsEachPairOnceAMinute) {
  RefusalLog log;
  std::vector<Refusals> told;
  const auto tell = [&](const Refusals& refusals) { told.push_back(refusals); };
  log.tick(100'000, tell);
  for (int i = 0; i < 1'000; ++i) log.note(RefusalClass::kSignIn, "192.0.2.1");
  log.note(RefusalClass::kLookup, "192.0.2.1");
  for (std::int64_t now = 100'000; now < 160'000; now += 1'000) log.tick(now, tell);
  EXPECT_TRUE(told.empty());
  log.tick(160'000, tell);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].address, "192.0.2.1");
  EXPECT_EQ(told[0].count, 1'000U);
  log.tick(220'000, tell);
  EXPECT_EQ(told.size(), 2U) << "nothing more was refused";
  EXPECT_EQ(log.total(RefusalClass::kSignIn), 1'000U);
}

TEST(RefusalLogTest, ManyAddressesAreToldTogether) {
  RefusalLog log;
  for (int i = 0; i < 10'000; ++i) log.note(RefusalClass::kSignIn, "address " + std::to_string(i));
  std::uint64_t count = 0;
  std::size_t lines = 0;
  log.tick(100'000, [&](const Refusals& refusals) {
    count += refusals.count;
    ++lines;
  });
  EXPECT_EQ(count, 10'000U);
  EXPECT_LE(lines, 17U);
}

}  // namespace
}  // namespace kith::server
