// The simulation proves itself: a seed replays exactly, and each rule that is broken on purpose is
// found, under the right name.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/simulation/broken_rule.h"
#include "tests/simulation/scenario.h"

namespace kith::sim {
namespace {

TEST(Simulation, ASeedReplaysExactly) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    RunOptions options;
    options.seed = seed;
    const RunResult once = run_scenario(options);
    const RunResult again = run_scenario(options);
    EXPECT_EQ(once.hash, again.hash) << "seed " << seed;
    EXPECT_GT(once.steps, 100u);
  }
}

TEST(Simulation, SeedsDiffer) {
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    RunOptions options;
    options.seed = seed;
    hashes.insert(run_scenario(options).hash);
  }
  EXPECT_EQ(hashes.size(), 5u);
}

struct Broken {
  const char* name;
  Rule rule;
  std::set<int> invariants;  // the invariants under which it may show first
};

class BrokenRule : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenRule, IsFound) {
  expect_found(
      [](std::uint64_t seed) {
        RunOptions options;
        options.seed = seed;
        options.broken = GetParam().rule;
        return run_scenario(options);
      },
      GetParam().invariants);
}

INSTANTIATE_TEST_SUITE_P(
    Each, BrokenRule,
    ::testing::Values(
        Broken{"DurableBeforeSent", Rule::kDurableBeforeSent, {1}},
        Broken{"StoreKeepsRows", Rule::kStoreKeepsRows, {2}},
        Broken{"GaplessSeq", Rule::kGaplessSeq, {2}}, Broken{"Dedupe", Rule::kDedupe, {3}},
        Broken{"BodyIsFinal", Rule::kBodyIsFinal, {1, 2}},
        Broken{"WatermarksOnlyGrow", Rule::kWatermarksOnlyGrow, {7}},
        // 2: one time in the answer, and another when the record is decided again after a crash.
        Broken{"TimeOnlyGrows", Rule::kTimeOnlyGrows, {2, 10}},
        Broken{"ReceiptsPrivate", Rule::kReceiptsPrivate, {5, 8}},
        // 32: what a directory forgets of blocks is shown.
        Broken{"PresencePrivate", Rule::kPresencePrivate, {5, 8, 32}},
        Broken{"BlockLogged", Rule::kBlockLogged, {32}},
        Broken{"BlockAsked", Rule::kBlockAsked, {32}}, Broken{"Redacted", Rule::kRedacted, {8}},
        Broken{"Consent", Rule::kConsent, {13}},
        Broken{"BlockIsNobody", Rule::kBlockIsNobody, {13}},
        Broken{"IdTellsType", Rule::kIdTellsType, {11}}, Broken{"JoinSeq", Rule::kJoinSeq, {9}},
        Broken{"UnreadDerived", Rule::kUnreadDerived, {6}},
        // 3: one place in the answer, and another when the record is read again after a crash. 20:
        // the index gets decided messages before the store has them, and here one record in two
        // places.
        Broken{"ReplayChangesNothing", Rule::kReplayChangesNothing, {3, 5, 12, 20}},
        Broken{"FeedComplete", Rule::kFeedComplete, {4, 5}},
        Broken{"MarksBeforeRows", Rule::kMarksBeforeRows, {4, 5}},
        // 7, 35: a device takes the server for another one, and sends what it has sent again.
        Broken{"VersionsAscend", Rule::kVersionsAscend, {4, 5, 7, 35}},
        Broken{"IndexComplete", Rule::kIndexComplete, {20}},
        Broken{"IndexOnce", Rule::kIndexOnce, {20}},
        Broken{"IndexBeginsAnew", Rule::kIndexBeginsAnew, {20}},
        Broken{"EveryRequestAnswered", Rule::kEveryRequestAnswered, {23}},
        Broken{"PasswordEndsTokens", Rule::kPasswordEndsTokens, {24}},
        Broken{"DeparturesGoOn", Rule::kDeparturesGoOn, {25}},
        // A later Pong or event mends what these do, so the promise itself is judged.
        Broken{"AddBeforeWelcome", Rule::kAddBeforeWelcome, {33}},
        Broken{"LossBelieved", Rule::kLossBelieved, {33}},
        Broken{"ResyncObeyed", Rule::kResyncObeyed, {33}},
        Broken{"RegistryBelieved", Rule::kRegistryBelieved, {33}},
        Broken{"DeletedIsTold", Rule::kDeletedIsTold, {25}},
        Broken{"BudgetOutlives", Rule::kBudgetOutlives, {27}},
        Broken{"BudgetIsOnes", Rule::kBudgetIsOnes, {26}},
        Broken{"AcknowledgesByHand", Rule::kAcknowledgesByHand, {28}},
        Broken{"HandMarksKept", Rule::kHandMarksKept, {28}},
        Broken{"RunsTold", Rule::kRunsTold, {2, 4, 5, 6, 7, 29}},
        // 5, 7, 14: or a device hears first that its conversations are gone.
        Broken{"PartitionCount", Rule::kPartitionCount, {5, 7, 14, 34}},
        Broken{"PartitionOrder", Rule::kPartitionOrder, {5, 7, 14, 34}},
        Broken{"MarksOfEach", Rule::kMarksOfEach, {4, 5}},
        // Records are lost, whatever they were.
        Broken{"PositionsOfOwn", Rule::kPositionsOfOwn, {1, 2, 3, 5, 14}},
        Broken{"TrimOfOwn", Rule::kTrimOfOwn, {1, 2, 3, 5, 14}},
        Broken{"UserMarksOfAll", Rule::kUserMarksOfAll, {4, 5}},
        Broken{"IndexOfEach", Rule::kIndexOfEach, {20}},
        Broken{"RunsCountAllLogs", Rule::kRunsCountAllLogs, {7, 35}},
        Broken{"OutboxDurable", Rule::kOutboxDurable, {14}},
        Broken{"RangesHonest", Rule::kRangesHonest, {4}},
        Broken{"CursorBehindData", Rule::kCursorBehindData, {4}}),
    [](const ::testing::TestParamInfo<Broken>& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kith::sim
