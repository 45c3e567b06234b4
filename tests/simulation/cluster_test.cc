// The cluster proves itself: a seed replays exactly, owners change and links break in its runs, and each rule that is
// broken on purpose is found.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/simulation/broken_rule.h"
#include "tests/simulation/scenario.h"

namespace kith::sim {
namespace {

RunResult run(std::uint64_t seed, BrokenInCluster broken = {}) {
  RunOptions options;
  options.seed = seed;
  options.cluster = true;
  options.broken_in_cluster = broken;
  return run_scenario(options);
}

TEST(Cluster, ASeedReplaysExactly) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    EXPECT_EQ(run(seed).hash, run(seed).hash) << "seed " << seed;
  }
}

TEST(Cluster, OwnersChangeAndLinksBreak) {
  std::set<std::string> seen;
  const std::set<std::string> wanted = {"is killed",        "is stopped",       "wakes",
                                        "leaves partition", "drops partition",  "breaks",
                                        "cut off",          "loses a producer", "refuses owner"};
  for (std::uint64_t seed = 1; seed <= 100 && seen != wanted; ++seed) {
    RunOptions options;
    options.seed = seed;
    options.cluster = true;
    options.print = [&](const std::string& line) {
      for (const std::string& word : wanted) {
        if (line.find(word) != std::string::npos) seen.insert(word);
      }
    };
    run_scenario(options);
  }
  EXPECT_EQ(seen, wanted);
}

struct Broken {
  const char* name;
  BrokenInCluster rule;
  std::set<int> invariants;  // the invariants under which it may show first
};

class BrokenClusterRule : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenClusterRule, IsFound) {
  expect_found([](std::uint64_t seed) { return run(seed, GetParam().rule); },
               GetParam().invariants);
}

constexpr BrokenInCluster engine(OwnerRule rule) {
  return {ClusterRule::kNone, rule};
}

INSTANTIATE_TEST_SUITE_P(
    Each, BrokenClusterRule,
    ::testing::Values(
        Broken{"MarksAreRepeated", {ClusterRule::kMarksAreRepeated}, {4, 5}},
        Broken{"FlushIsAnswered", {ClusterRule::kFlushIsAnswered}, {4, 5}},
        Broken{"AnyVersion", {ClusterRule::kAnyVersion}, {7, 35}},
        Broken{"SyncNeedsOwners", {ClusterRule::kSyncNeedsOwners}, {4, 5}},
        Broken{"CommandsNotRepeated", {ClusterRule::kCommandsNotRepeated}, {1, 3, 36}},
        Broken{"MarksForAllHomes", {ClusterRule::kMarksForAllHomes}, {4, 5}},
        Broken{"ForeignNotKept", {ClusterRule::kForeignNotKept}, {8, 13, 25, 32}},
        Broken{"TakeOverVoids", engine(OwnerRule::kTakeOverVoids), {1, 3, 36}},
        Broken{"UnknownIsSaid", engine(OwnerRule::kUnknownIsSaid), {1, 3, 36}},
        Broken{"ForeignIsRead", engine(OwnerRule::kForeignIsRead), {1, 8, 36}},
        Broken{"TenureIsStored", engine(OwnerRule::kTenureIsStored), {36}},
        Broken{"RowsBeforeHeads", engine(OwnerRule::kRowsBeforeHeads), {4, 14, 20, 36}},
        Broken{"PositionLast", engine(OwnerRule::kPositionLast), {4, 14, 36}},
        Broken{"CellsByPosition", engine(OwnerRule::kCellsByPosition), {36}}),
    [](const ::testing::TestParamInfo<Broken>& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kith::sim
