// Histogram: quantiles against sorted values.
#include "benchmarks/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/unit/core/fakes.h"

namespace kith::bench {
namespace {

TEST(Histogram, SaysNothingOfNothing) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.quantile(0.5), 0);
}

TEST(Histogram, KeepsSmallValuesExactly) {
  Histogram histogram;
  for (int value = 1; value <= 100; ++value) histogram.record(value);
  EXPECT_EQ(histogram.quantile(0.5), 50);
  EXPECT_EQ(histogram.quantile(0.99), 99);
  EXPECT_EQ(histogram.quantile(1), 100);
  EXPECT_EQ(histogram.quantile(0), 1);
}

TEST(Histogram, QuantilesAreWithinOnePercentOfTheSortedValues) {
  test::SeededRandom random(7);
  Histogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 100'000; ++i) {
    // Spread over six powers of ten, as latencies are.
    const double exponent = static_cast<double>(random.below(6'000'000)) / 1e6;
    values.push_back(static_cast<std::int64_t>(std::pow(10.0, exponent)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto got = static_cast<double>(histogram.quantile(q));
    EXPECT_GE(got, exact) << q;
    EXPECT_LE(got, exact * 1.01 + 1) << q;
  }
  EXPECT_EQ(histogram.max(), values.back());
}

TEST(Histogram, MergesAndClampsWhatIsOutOfRange) {
  Histogram one;
  Histogram two;
  one.record(-5);
  two.record(std::int64_t{1} << 60);
  one.merge(two);
  EXPECT_EQ(one.count(), 2U);
  EXPECT_EQ(one.quantile(0.5), 0);
  EXPECT_EQ(one.quantile(1), (std::int64_t{1} << 40) - 1);
}

}  // namespace
}  // namespace kith::bench
