// A failure is logged once and again each minute, and a load balancer gets it until the part works again.
#include "server/health/service_health.h"

#include <gtest/gtest.h>

#include "tests/unit/core/fakes.h"

namespace kith::server {
namespace {

using Part = ServiceHealth::Part;
using Phase = ServiceHealth::Phase;

class Health : public ::testing::Test {
 protected:
  void beat_for(std::int64_t seconds) {
    for (std::int64_t i = 0; i < seconds; ++i) {
      clock.steady += 1'000;
      health.beat(false);
    }
  }
  kith::test::ManualClock clock;
  std::vector<std::string> lines;
  ServiceHealth health{[this](const LogLine& line) { lines.push_back(line.event); }, clock};
  const Error full = make_error(ErrorCode::kDiskFull, "/srv/kith/journal: No space left on device");
};

TEST_F(Health, SaysWhyItIsNotReady) {
  EXPECT_EQ(health.report().reasons, std::vector<std::string>{"starting"});
  EXPECT_TRUE(health.alive());
  health.enter(Phase::kServing);
  EXPECT_TRUE(health.report().ready);
  health.beat(true);
  EXPECT_EQ(health.report().reasons, std::vector<std::string>{"store_behind"});
  health.enter(Phase::kDraining);
  health.beat(false);
  EXPECT_EQ(health.report().reasons, std::vector<std::string>{"draining"});
  EXPECT_TRUE(health.alive());
  health.enter(Phase::kStopped);
  EXPECT_FALSE(health.alive());
}

TEST_F(Health, AFullDiskIsSaidOnceAndEachMinuteUntilItWorksAgain) {
  health.enter(Phase::kServing);
  for (int i = 0; i < 1'000; ++i) health.failed(Part::kJournal, full);
  EXPECT_EQ(lines, std::vector<std::string>{"journal_failed"});
  EXPECT_FALSE(health.alive());
  EXPECT_EQ(health.report().reasons, std::vector<std::string>{"disk_full"});
  // Now and then a small record finds room: that is no recovery.
  for (int i = 0; i < 59; ++i) {
    health.good(Part::kJournal);
    health.failed(Part::kJournal, full);
    beat_for(1);
  }
  EXPECT_EQ(lines.size(), 1U);
  health.failed(Part::kJournal, full);
  beat_for(3);
  EXPECT_EQ(lines, (std::vector<std::string>{"journal_failed", "journal_failed"}));
  health.good(Part::kJournal);
  EXPECT_FALSE(health.alive());
  beat_for(5);
  EXPECT_EQ(lines.back(), "journal_recovered");
  EXPECT_TRUE(health.alive());
  EXPECT_TRUE(health.report().ready);
  EXPECT_EQ(health.failures(Part::kJournal), 1'060U);
}

TEST_F(Health, SearchThatFailsIsAWarning) {
  health.enter(Phase::kServing);
  health.failed(Part::kSearch, full);
  EXPECT_TRUE(health.report().ready);
  EXPECT_TRUE(health.alive());
  EXPECT_EQ(health.report().warnings, std::vector<std::string>{"search_failing"});
}

TEST_F(Health, ALoopWithoutASignOfLifeIsNotAlive) {
  health.enter(Phase::kServing);
  clock.steady += 9'000;
  EXPECT_TRUE(health.alive());
  clock.steady += 2'000;
  EXPECT_FALSE(health.alive());
  EXPECT_EQ(health.report().reasons, std::vector<std::string>{"loop_stalled"});
}

}  // namespace
}  // namespace kith::server
