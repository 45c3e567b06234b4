// Latency against rate as an SVG picture. Pure.
#pragma once

#include <string>
#include <vector>

namespace kith::bench {

struct PlotLine {
  std::string name;
  std::vector<double> y;  // one for each x; values of 0 or less are left out
};

// Both axes logarithmic. Every line has as many values as `x`.
std::string plot_svg(const std::string& title, const std::string& x_name, const std::string& y_name,
                     const std::vector<double>& x, const std::vector<PlotLine>& lines);

}  // namespace kith::bench
