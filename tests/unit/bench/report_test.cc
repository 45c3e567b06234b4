// Report and plot: the form of the figures.
#include "benchmarks/load/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "benchmarks/load/plot.h"

namespace kith::bench {
namespace {

using testing::HasSubstr;

TEST(Report, IsOneLineOfJson) {
  Report report("pairs");
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(i * 1000);
  report.set("messages", 1234567);
  report.set("per_s", 0.5);
  report.set_latency("sent_", histogram);
  report.set("messages", 7);
  const auto json = nlohmann::json::parse(report.json());
  EXPECT_EQ(json.at("scenario"), "pairs");
  EXPECT_EQ(json.at("messages"), 7);
  EXPECT_EQ(json.at("per_s"), 0.5);
  EXPECT_NEAR(json.at("sent_p50_ms").get<double>(), 500, 5);
  EXPECT_NEAR(json.at("sent_p999_ms").get<double>(), 999, 10);
  EXPECT_EQ(json.at("sent_max_ms"), 1000);
  EXPECT_EQ(report.json().find('\n'), std::string::npos);
}

TEST(Report, IsHonestOnlyIfNothingWasLostDoubledWrongOrSetAside) {
  for (const char* name : {"lost", "duplicated", "wrong", "index_faults"}) {
    Report report("pairs");
    report.set("messages", 5);
    EXPECT_TRUE(report.honest());
    report.set(name, 1);
    EXPECT_FALSE(report.honest()) << name;
  }
}

TEST(Plot, DrawsALineThroughEveryPointThatHasAPlace) {
  const std::string svg = plot_svg("title", "rate", "ms", {100, 1000, 10000},
                                   {{"p50", {1, 10, 100}}, {"p99", {2, 0, 200}}});
  std::size_t circles = 0;
  for (std::size_t at = svg.find("<circle"); at != std::string::npos;
       at = svg.find("<circle", at + 1)) {
    ++circles;
  }
  EXPECT_EQ(circles, 5U);  // a latency of 0 has no place on a logarithmic axis
  EXPECT_THAT(svg, HasSubstr(">p99</text>"));
  EXPECT_THAT(svg, HasSubstr(">10000</text>"));
  EXPECT_THAT(svg, HasSubstr("</svg>"));
}

}  // namespace
}  // namespace kith::bench
