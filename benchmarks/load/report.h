// Report: the result of one run, as a line of JSON and as a table for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/load/histogram.h"

namespace kith::bench {

class Report {
 public:
  explicit Report(std::string scenario) : scenario_(std::move(scenario)) {}

  void set(const std::string& name, double value);
  // NAMEp50_ms, NAMEp99_ms, NAMEp999_ms and NAMEmax_ms; `name` may be empty.
  void set_latency(const std::string& name, const Histogram& histogram);

  [[nodiscard]] const std::string& scenario() const { return scenario_; }
  // 0 if it was not set.
  [[nodiscard]] double get(const std::string& name) const;
  // True if no acknowledged message was lost, none came twice or wrong, and the search index has no fault.
  [[nodiscard]] bool honest() const;

  [[nodiscard]] std::string json() const;
  [[nodiscard]] std::string table() const;

 private:
  std::string scenario_;
  std::vector<std::pair<std::string, double>> values_;  // in the order in which they were set
};

}  // namespace kith::bench
