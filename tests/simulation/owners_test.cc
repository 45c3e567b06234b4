// The rules of ownership prove themselves: a seed replays exactly, and each rule that is broken on
// purpose is found.
#include <gtest/gtest.h>

#include <set>

#include "tests/simulation/broken_rule.h"
#include "tests/simulation/owners/owners_world.h"

namespace kith::sim {
namespace {

TEST(Owners, ASeedReplaysExactly) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const OwnersResult once = run_owners(seed);
    const OwnersResult again = run_owners(seed);
    EXPECT_EQ(once.hash, again.hash) << "seed " << seed;
    EXPECT_GT(once.owners, 1u) << "seed " << seed;
    EXPECT_GT(once.answered, 100u) << "seed " << seed;
  }
}

struct Broken {
  const char* name;
  OwnerRule rule;
  std::set<int> invariants;  // the invariants under which it may show first
};

class BrokenOwnerRule : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenOwnerRule, IsFound) {
  expect_found([](std::uint64_t seed) { return run_owners(seed, GetParam().rule); },
               GetParam().invariants);
}

INSTANTIATE_TEST_SUITE_P(
    Each, BrokenOwnerRule,
    ::testing::Values(Broken{"TakeOverVoids", OwnerRule::kTakeOverVoids, {30}},
                      Broken{"DoubtIsStamped", OwnerRule::kDoubtIsStamped, {30}},
                      Broken{"NewOwnersDoubt", OwnerRule::kNewOwnersDoubt, {30}},
                      Broken{"OldRequestsDoubted", OwnerRule::kOldRequestsDoubted, {30}},
                      Broken{"UnknownIsSaid", OwnerRule::kUnknownIsSaid, {30}},
                      Broken{"ForeignIsRead", OwnerRule::kForeignIsRead, {30, 31}},
                      Broken{"TenureIsStored", OwnerRule::kTenureIsStored, {30, 31}},
                      Broken{"RowsBeforeHeads", OwnerRule::kRowsBeforeHeads, {30}},
                      Broken{"PositionLast", OwnerRule::kPositionLast, {30}},
                      Broken{"CellsByPosition", OwnerRule::kCellsByPosition, {30}}),
    [](const ::testing::TestParamInfo<Broken>& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kith::sim
