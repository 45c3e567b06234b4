// Draws are unbiased, bounded and reproducible.
#include "kith/core/random.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

using test::SeededRandom;

// Gives the values of a list, eight bytes at a time.
class Scripted final : public Random {
 public:
  explicit Scripted(std::vector<std::uint64_t> values) : values_(std::move(values)) {}
  void fill(void* bytes, std::size_t size) override {
    ASSERT_LE(size, sizeof(std::uint64_t));
    ASSERT_LT(used, values_.size());
    std::memcpy(bytes, &values_[used++], size);
  }
  std::size_t used = 0;

 private:
  std::vector<std::uint64_t> values_;
};

TEST(Random, BelowZeroIsZeroAndDrawsNothing) {
  Scripted random({});
  EXPECT_EQ(random.below(0), 0u);
  EXPECT_EQ(random.used, 0u);
}

TEST(Random, BelowDrawsAgainWhereARemainderWouldBeTooLikely) {
  // 2^64 mod 3 == 1: exactly the value 0 has to be drawn again.
  Scripted random({0, 1});
  EXPECT_EQ(random.below(3), 1u);
  EXPECT_EQ(random.used, 2u);
}

TEST(Random, BelowIsFlat) {
  SeededRandom random(1);
  std::array<int, 10> count{};
  for (int i = 0; i < 100'000; ++i) ++count.at(random.below(10));
  double chi2 = 0;
  for (const int n : count) chi2 += (n - 10'000.0) * (n - 10'000.0) / 10'000.0;
  EXPECT_LT(chi2, 27.9);  // 9 degrees of freedom, p = 0.001
}

TEST(Random, BelowCoversTheWholeRangeOfU64) {
  SeededRandom random(2);
  bool high = false;
  for (int i = 0; i < 100; ++i) high |= random.below(UINT64_MAX) > (UINT64_MAX / 2);
  EXPECT_TRUE(high);
}

TEST(Random, ChanceKeepsItsProbability) {
  SeededRandom random(3);
  int hits = 0;
  for (int i = 0; i < 100'000; ++i) hits += random.chance(0.2) ? 1 : 0;
  EXPECT_NEAR(hits, 20'000, 500);
  EXPECT_FALSE(random.chance(0));
  EXPECT_TRUE(random.chance(1));
}

TEST(Random, SystemRandomDoesNotRepeat) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    std::uint64_t x = 0;
    system_random().fill(&x, sizeof x);
    EXPECT_TRUE(seen.insert(x).second);
  }
}

}  // namespace
}  // namespace kith
