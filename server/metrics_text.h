// MetricsText: counters, gauges and histograms in the text form of Prometheus (version 0.0.4).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "src/latency_histogram.h"

namespace kith::server {

class MetricsText {
 public:
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  enum class Type : std::uint8_t { kCounter, kGauge };
  void value(std::string_view name, Type type, std::string_view help, double value);
  // One of several values of the metric that was begun last with begin().
  void begin(std::string_view name, Type type, std::string_view help);
  void labelled(std::string_view name, std::string_view label, std::string_view of, double value);
  // In seconds; its name ends with _seconds.
  void histogram(std::string_view name, std::string_view help,
                 const LatencyHistogram::Snapshot& all);
  // Server::stats() under the names of docs/server_guide.md.
  void stats(const std::map<std::string, std::uint64_t>& all);
  // Memory, processor time and descriptors of this process, under the usual names.
  void process();

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void head(std::string_view name, std::string_view type, std::string_view help);
  void number(double value);

  std::string text_;
};

// The name that one of Server::stats() has as a metric; empty: it has none of its own, and goes as
// "kith_" + name, a gauge.
std::string_view metric_name(std::string_view stat);

}  // namespace kith::server
