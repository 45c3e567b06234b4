// IndexWatch: an index that is set aside while a server is loaded makes the run no good.
#include "benchmarks/load/index_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tests/scratch_directory.h"

namespace kith::bench {
namespace {

TEST(IndexWatch, ReadsAMetricByItsWholeName) {
  const std::string text =
      "# TYPE kith_a_total counter\nkith_a_total 5\nkith_a_total_more 7\nkith_b{x=\"y\"} 3\n";
  EXPECT_EQ(metric_of(text, "kith_a_total"), 5);
  EXPECT_EQ(metric_of(text, "kith_a_total_more"), 7);
  EXPECT_EQ(metric_of(text, "kith_a"), std::nullopt);
  EXPECT_EQ(metric_of(text, "kith_b"), std::nullopt);
}

TEST(IndexWatch, SeesThatTheFileWasSetAside) {
  const kith::test::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/search.db";
  std::FILE* open_here = std::fopen(path.c_str(), "w");
  ASSERT_NE(open_here, nullptr);
  const auto watch = IndexWatch::begin(getpid(), "");
  ASSERT_TRUE(watch.ok());
  EXPECT_EQ(watch->faults().value(), 0);
  std::ofstream(path + ".damaged") << "a page";
  EXPECT_EQ(watch->faults().value(), 1);
  std::filesystem::remove(path + ".damaged");
  EXPECT_EQ(watch->faults().value(), 0);
  std::filesystem::remove(path);
  EXPECT_EQ(watch->faults().value(), 1);
  std::ofstream(path) << "made again";  // while the old one is open: another inode
  EXPECT_EQ(watch->faults().value(), 1);
  std::fclose(open_here);
}

TEST(IndexWatch, MetricsThatCannotBeReadAreAnError) {
  EXPECT_FALSE(IndexWatch::begin(0, "127.0.0.1:1").ok());
  EXPECT_FALSE(IndexWatch::begin(0, "nothing").ok());
  EXPECT_EQ(IndexWatch::begin(0, "")->faults().value(), 0);
}

}  // namespace
}  // namespace kith::bench
