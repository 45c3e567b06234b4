// Cells by key: bounded by whatever flood, and no flood resets a cell that says something.
#include "server/budget/keyed_cells.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "src/split_mix.h"

namespace kith::server {
namespace {

struct Count {
  std::int64_t value = 0;
  std::int64_t until_ms = 0;
};
struct CountRules {
  [[nodiscard]] static bool free(const Count& count, std::int64_t now_ms) {
    return now_ms >= count.until_ms;
  }
};

class KeyedCellsTest : public ::testing::Test {
 protected:
  Count& at(int n, std::int64_t now_ms) {
    return cells.at(keys.key("key " + std::to_string(n)), now_ms);
  }

  SplitMix random{7};
  KeyMaker keys{random};
  KeyedCells<Count, CountRules> cells{64, CountRules{}};
};

TEST_F(KeyedCellsTest, AFloodNeitherGrowsItNorResetsAnybody) {
  at(0, 0) = {41, 1'000};
  for (int n = 1; n < 100'000; ++n) at(n, 0) = {1, 1'000};
  EXPECT_EQ(at(0, 0).value, 41);
  EXPECT_LE(cells.bytes(), cells.bytes_max());
  EXPECT_LT(cells.bytes_max(), 64U * 256U);
}

TEST_F(KeyedCellsTest, WhoFindsNoPlaceSharesOne) {
  for (int n = 0; n < 1'000; ++n) at(n, 0).until_ms = 1'000;
  at(5'000, 0) = {7, 1'000};
  EXPECT_EQ(at(5'000, 0).value, 7) << "asking again is no way out";
}

TEST_F(KeyedCellsTest, LookingAnswersTheSameAndTakesNoPlace) {
  const auto look = [&](int n, std::int64_t now_ms) {
    return cells.look(keys.key("key " + std::to_string(n)), now_ms).value;
  };
  for (int n = 0; n < 1'000; ++n) EXPECT_EQ(look(n, 0), 0);
  EXPECT_EQ(cells.bytes(), 0U);
  at(3, 0) = {41, 1'000};
  EXPECT_EQ(look(3, 0), 41);
  for (int n = 100; n < 1'100; ++n) at(n, 0) = {1, 1'000};
  at(5'000, 0) = {7, 1'000};
  EXPECT_EQ(look(5'000, 0), 7) << "it shares a place with others";
  EXPECT_EQ(look(3, 0), 41);
  EXPECT_EQ(look(5'000, 1'000), 0) << "there is a place of its own";
}

TEST_F(KeyedCellsTest, WhatSaysNothingMoreIsForgottenFirst) {
  for (int n = 0; n < 1'000; ++n) at(n, 0) = {1, 1'000};
  EXPECT_EQ(at(5'000, 2'000).value, 0);
  at(5'000, 2'000) = {9, 5'000};
  for (int n = 6'000; n < 7'000; ++n) at(n, 2'000) = {1, 3'000};
  EXPECT_EQ(at(5'000, 4'000).value, 9);
}

TEST_F(KeyedCellsTest, AgreesWithATableWithoutBounds) {
  KeyedCells<Count, CountRules> large(65'536, CountRules{});
  std::map<int, std::int64_t> model;
  for (int step = 0; step < 20'000; ++step) {
    const int n = static_cast<int>(random.next() % 500);
    Count& cell = large.at(keys.key(std::to_string(n)), step);
    ASSERT_EQ(cell.value, model[n]);
    cell = {++model[n], 1'000'000};
  }
}

TEST(KeyMakerTest, KeysDependOnTheSecretAndOnEveryByte) {
  SplitMix random(1);
  const KeyMaker one(random);
  const KeyMaker two(random);
  EXPECT_EQ(one.key("192.0.2.1"), one.key("192.0.2.1"));
  EXPECT_FALSE(one.key("192.0.2.1") == two.key("192.0.2.1"));
  EXPECT_FALSE(one.key("192.0.2.1") == one.key("192.0.2.2"));
  EXPECT_FALSE(one.key("") == one.key(std::string(1, '\0')));
  EXPECT_FALSE(one.key(one.key("a"), "b") == one.key(one.key("b"), "a"));
  EXPECT_NE(one.tag("a"), one.tag("b"));
}

}  // namespace
}  // namespace kith::server
