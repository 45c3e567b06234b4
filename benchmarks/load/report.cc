// Report: rows of figures.
#include "benchmarks/load/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace kith::bench {
namespace {

// Whole numbers without a point, others with three digits behind it: both are JSON.
std::string text_of(double value) {
  char text[64];
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  std::snprintf(text, sizeof text, whole ? "%.0f" : "%.3f", std::isfinite(value) ? value : 0.0);
  return text;
}

}  // namespace

void Report::set(const std::string& name, double value) {
  const auto found = std::find_if(values_.begin(), values_.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  if (found != values_.end()) {
    found->second = value;
  } else {
    values_.emplace_back(name, value);
  }
}

void Report::set_latency(const std::string& name, const Histogram& histogram) {
  const auto ms = [](std::int64_t us) { return static_cast<double>(us) / 1000; };
  set(name + "p50_ms", ms(histogram.quantile(0.5)));
  set(name + "p99_ms", ms(histogram.quantile(0.99)));
  set(name + "p999_ms", ms(histogram.quantile(0.999)));
  set(name + "max_ms", ms(histogram.max()));
}

double Report::get(const std::string& name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) return value;
  }
  return 0;
}

bool Report::honest() const {
  return get("lost") == 0 && get("duplicated") == 0 && get("wrong") == 0 &&
         get("index_faults") == 0;
}

std::string Report::json() const {
  std::string out = R"({"scenario":")" + scenario_ + '"';
  for (const auto& [name, value] : values_) out += ",\"" + name + "\":" + text_of(value);
  return out + "}";
}

std::string Report::table() const {
  std::string out = scenario_ + "\n";
  for (const auto& [name, value] : values_) {
    char row[128];
    std::snprintf(row, sizeof row, "  %-28s %14s\n", name.c_str(), text_of(value).c_str());
    out += row;
  }
  return out;
}

}  // namespace kith::bench
