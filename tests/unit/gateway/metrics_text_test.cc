// Metrics in the text form of Prometheus.
#include "server/metrics_text.h"

#include <gtest/gtest.h>

namespace kith::server {
namespace {

TEST(MetricsText, WritesCountersGaugesAndLabels) {
  MetricsText metrics;
  metrics.value("kith_messages_total", MetricsText::Type::kCounter, "Messages.", 12'345'678'901.0);
  metrics.begin("kith_failing", MetricsText::Type::kGauge, "Fails.");
  metrics.labelled("kith_failing", "part", "a\"b\\c\nd", 1);
  EXPECT_EQ(metrics.text(),
            "# HELP kith_messages_total Messages.\n"
            "# TYPE kith_messages_total counter\n"
            "kith_messages_total 12345678901\n"
            "# HELP kith_failing Fails.\n"
            "# TYPE kith_failing gauge\n"
            "kith_failing{part=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(MetricsText, BucketsOfAHistogramAreCumulative) {
  LatencyHistogram latency;
  for (const std::int64_t us : {-5, 0, 64, 65, 128, 129, 40'000'000}) latency.observe(us);
  MetricsText metrics;
  metrics.histogram("kith_x_seconds", "X.", latency.read());
  const std::string& text = metrics.text();
  const auto has = [&](const char* line) { return text.find(line) != std::string::npos; };
  EXPECT_TRUE(has("# TYPE kith_x_seconds histogram\n")) << text;
  EXPECT_TRUE(has("kith_x_seconds_bucket{le=\"6.4e-05\"} 3\n")) << text;
  EXPECT_TRUE(has("kith_x_seconds_bucket{le=\"0.000128\"} 5\n")) << text;
  EXPECT_TRUE(has("kith_x_seconds_bucket{le=\"0.000256\"} 6\n")) << text;
  EXPECT_TRUE(has("kith_x_seconds_bucket{le=\"33.554432\"} 6\n")) << text;
  EXPECT_TRUE(has("kith_x_seconds_bucket{le=\"+Inf\"} 7\n")) << text;
  EXPECT_TRUE(has("kith_x_seconds_sum 40.000386\n")) << text;
  EXPECT_TRUE(has("kith_x_seconds_count 7\n")) << text;
}

TEST(MetricsText, WhatHasNoNameOfItsOwnIsAGauge) {
  MetricsText metrics;
  metrics.stats({{"sessions", 3}, {"sessions_replaced", 4}, {"something_new", 5}});
  const std::string& text = metrics.text();
  EXPECT_NE(text.find("# TYPE kith_sessions gauge\nkith_sessions 3\n"), std::string::npos) << text;
  EXPECT_NE(
      text.find("# TYPE kith_sessions_replaced_total counter\nkith_sessions_replaced_total 4\n"),
      std::string::npos);
  EXPECT_NE(text.find("\nkith_something_new 5\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace kith::server
