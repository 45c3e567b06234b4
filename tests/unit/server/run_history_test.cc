// Whether a device's history is a part of the server's.
#include "server/records/run_history.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "server/adapters/embedded/run_list.h"
#include "tests/scratch_directory.h"
#include "tests/unit/core/fakes.h"

namespace kith::server {
namespace {

// Runs a (1 to 100), b (101 to 200) and, on a copy, c.
RunHistory history() {
  return RunHistory({{"a", 1, 0, false}, {"b", 101, 1'000, false}, {"c", 201, 2'000, true}});
}

TEST(RunHistory, AcceptsWhatIsAPartOfIt) {
  EXPECT_TRUE(history().judge("", 500).ours);   // of before there were runs
  EXPECT_TRUE(history().judge("a", 100).ours);  // b took up where a had ended
  EXPECT_TRUE(history().judge("c", 500).ours);
}

TEST(RunHistory, RefusesWhatWentOnElsewhere) {
  EXPECT_FALSE(history().judge("x", 1).ours);
  EXPECT_EQ(history().judge("x", 1).kept_until_ms, 0);
  EXPECT_FALSE(history().judge("a", 101).ours);
  EXPECT_EQ(history().judge("a", 101).kept_until_ms, 1'000);
  // A device may hold events beyond its cursor: of a run that was copied in its middle nothing is certain.
  EXPECT_FALSE(history().judge("b", 150).ours);
  EXPECT_EQ(history().judge("b", 150).kept_until_ms, 2'000);
  EXPECT_FALSE(history().judge("b", 0).ours);
  EXPECT_FALSE(history().judge("x", 0).ours);
}

class RunList : public ::testing::Test {
 protected:
  void SetUp() override { std::ofstream(dir.file("lock")); }
  Result<RunHistory> begin(Position last, std::int64_t last_ms) {
    return begin_run(dir.path(), last, last_ms, random);
  }
  test::ScratchDirectory dir;
  test::SeededRandom random{1};
};

TEST_F(RunList, GrowsByOneRunAtEachStart) {
  ASSERT_TRUE(begin(0, 0).ok());
  const auto second = begin(70, 5'000);
  ASSERT_TRUE(second.ok());
  ASSERT_EQ(second->runs().size(), 2U);
  EXPECT_EQ(second->runs()[1].first, 71U);
  EXPECT_EQ(second->runs()[1].kept_until_ms, 5'000);
  EXPECT_FALSE(second->runs()[1].copied);
  EXPECT_EQ(second->current().size(), 16U);
  EXPECT_NE(second->runs()[0].id, second->runs()[1].id);
}

TEST_F(RunList, ACopyIsKnownAsOne) {
  const auto first = begin(0, 0);
  test::ScratchDirectory backup;
  std::ofstream(backup.file("lock"));
  ASSERT_TRUE(write_copied_runs(*first, 0, backup.path()).ok());
  const auto restored = begin_run(backup.path(), 10, 1, random);
  ASSERT_TRUE(restored.ok());
  EXPECT_TRUE(restored->runs().back().copied);
  EXPECT_FALSE(begin_run(backup.path(), 20, 2, random)->runs().back().copied);
  // A copy that somebody made by hand has another file as its lock.
  test::ScratchDirectory by_hand;
  std::ofstream(by_hand.file("lock"));
  std::filesystem::copy(dir.file("runs"), by_hand.file("runs"));
  EXPECT_TRUE(begin_run(by_hand.path(), 10, 1, random)->runs().back().copied);
}

// One log went on while another was copied: records younger than the beginning may be missing from the first.
TEST_F(RunList, ACopyOfSeveralLogsIsWholeUpToItsBeginning) {
  const auto first = begin(0, 0);
  test::ScratchDirectory backup;
  std::ofstream(backup.file("lock"));
  ASSERT_TRUE(write_copied_runs(*first, 4'000, backup.path()).ok());
  const auto restored = begin_run(backup.path(), 10, 5'000, random);
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored->runs().back().kept_until_ms, 4'000);
  EXPECT_TRUE(restored->runs().back().copied);
  const auto next = begin_run(backup.path(), 20, 6'000, random);
  EXPECT_EQ(next->runs().back().kept_until_ms, 6'000);
}

TEST_F(RunList, IsBoundedAndRefusesDamage) {
  const std::vector<server::Run> many(RunHistory::kRunsMax, {std::string(16, 'r'), 1, 0, false});
  ASSERT_TRUE(write_copied_runs(RunHistory(many), 0, dir.path()).ok());
  EXPECT_EQ(begin(0, 0)->runs().size(), RunHistory::kRunsMax);
  std::ofstream(dir.file("runs")) << "kith-runs 1\nplace 1\nAAAA";
  const auto damaged = begin(0, 0);
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, ErrorCode::kCacheCorrupt);
}

}  // namespace
}  // namespace kith::server
