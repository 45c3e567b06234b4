// Versions of feeds: what a process of the server gives out, and what it believes.
#include "server/records/feed_versions.h"

#include <gtest/gtest.h>

namespace kith::server {
namespace {

// The run after `runs` others, over two logs: of the first 10 records all are stored, of the second 4 of 6.
FeedVersions begun(std::uint64_t run) {
  FeedVersions versions;
  versions.begin(run);
  versions.add_log(10, 10);
  versions.add_log(4, 6);
  return versions;
}

TEST(FeedVersions, AscendAndCountTheRecordsOfAllLogs) {
  FeedVersions versions = begun(1);
  EXPECT_EQ(FeedVersions::records(versions.last()), 14U);
  const FeedVersion first = versions.next(1);
  const FeedVersion second = versions.next(3);
  EXPECT_EQ(FeedVersions::records(first), 15U);
  EXPECT_EQ(FeedVersions::records(second), 18U);
  EXPECT_LT(first, second);
  EXPECT_EQ(versions.last(), second);
}

TEST(FeedVersions, OfALaterRunAreAboveAllOfEarlierOnes) {
  FeedVersions earlier = begun(1);
  const FeedVersion reached = earlier.next(1'000'000);
  FeedVersions later = begun(2);
  EXPECT_GT(later.next(1), reached);
}

TEST(FeedVersions, MayBeWhatCountsNoMoreThanThereIs) {
  FeedVersions earlier = begun(1);
  const FeedVersion before_the_end = earlier.next(1);
  const FeedVersion at_the_end = earlier.next(1);
  const FeedVersion beyond = earlier.next(1);
  FeedVersions versions = begun(2);
  EXPECT_TRUE(versions.may_be(0)) << "a device that has nothing";
  EXPECT_TRUE(versions.may_be(versions.last()));
  // The last two records are in a log and not decided again yet: a device may have heard of them.
  EXPECT_TRUE(versions.may_be(before_the_end));
  EXPECT_TRUE(versions.may_be(at_the_end));
  EXPECT_FALSE(versions.may_be(beyond)) << "more records than the logs have";
  // Records that are decided later count, too.
  EXPECT_EQ(FeedVersions::records(versions.next(3)), FeedVersions::records(beyond));
  EXPECT_TRUE(versions.may_be(beyond));
}

TEST(FeedVersions, MayNotBeWhatWasNotGivenOutYet) {
  FeedVersions versions = begun(2);
  EXPECT_FALSE(versions.may_be(versions.last() + 1));
  FeedVersions next = begun(3);
  EXPECT_FALSE(versions.may_be(next.last())) << "of a run that has not begun";
}

// Positions of the one log of before there were runs: of run 0.
TEST(FeedVersions, OfBeforeThereWereRunsAreCountedAsPositions) {
  const FeedVersions versions = begun(1);
  EXPECT_TRUE(versions.may_be(16));
  EXPECT_FALSE(versions.may_be(17));
}

}  // namespace
}  // namespace kith::server
