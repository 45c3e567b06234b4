// Plot: axes, grid and lines in plain SVG.
#include "benchmarks/load/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace kith::bench {
namespace {

constexpr double kWidth = 760, kHeight = 440;
constexpr double kLeft = 70, kRight = 130, kTop = 40, kBottom = 50;
constexpr const char* kColours[] = {"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e"};

struct Axis {
  double from = 0, to = 1;  // powers of ten
  double at = 0, size = 1;  // on the picture
  [[nodiscard]] double place(double value) const {
    return at + size * (std::log10(value) - from) / (to - from);
  }
};

// Whole powers of ten around all positive values.
Axis axis_over(const std::vector<double>& values) {
  double least = 0;
  double most = 0;
  for (const double value : values) {
    if (value <= 0) continue;
    least = least == 0 ? value : std::min(least, value);
    most = std::max(most, value);
  }
  Axis axis;
  if (most <= 0) return axis;
  axis.from = std::floor(std::log10(least));
  axis.to = std::max(axis.from + 1, std::ceil(std::log10(most)));
  return axis;
}

template <class... Args>
void add(std::string& out, const char* format, Args... args) {
  char text[512];
  std::snprintf(text, sizeof text, format, args...);
  out += text;
}

void add_text(std::string& out, double x, double y, const char* anchor, const std::string& text) {
  add(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
      text.c_str());
}

void add_grid(std::string& out, const Axis& x, const Axis& y) {
  for (double power = x.from; power <= x.to; ++power) {
    const double at = x.place(std::pow(10, power));
    add(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", at, kTop,
        at, kHeight - kBottom);
    char label[32];
    std::snprintf(label, sizeof label, "%g", std::pow(10, power));
    add_text(out, at, kHeight - kBottom + 18, "middle", label);
  }
  for (double power = y.from; power <= y.to; ++power) {
    const double at = y.place(std::pow(10, power));
    add(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", kLeft, at,
        kWidth - kRight, at);
    char label[32];
    std::snprintf(label, sizeof label, "%g", std::pow(10, power));
    add_text(out, kLeft - 8, at + 4, "end", label);
  }
}

}  // namespace

std::string plot_svg(const std::string& title, const std::string& x_name, const std::string& y_name,
                     const std::vector<double>& x, const std::vector<PlotLine>& lines) {
  Axis across = axis_over(x);
  across.at = kLeft;
  across.size = kWidth - kLeft - kRight;
  std::vector<double> all;
  for (const PlotLine& line : lines) all.insert(all.end(), line.y.begin(), line.y.end());
  Axis up = axis_over(all);
  up.at = kHeight - kBottom;
  up.size = -(kHeight - kTop - kBottom);

  std::string out;
  add(out,
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
      "fill=\"white\"/>\n",
      kWidth, kHeight);
  add_text(out, kWidth / 2, 22, "middle", title);
  add_grid(out, across, up);
  add_text(out, (kLeft + kWidth - kRight) / 2, kHeight - 10, "middle", x_name);
  add_text(out, kLeft, kTop - 8, "middle", y_name);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const char* colour = kColours[i % std::size(kColours)];
    std::string points;
    double last_y = kTop;
    for (std::size_t k = 0; k < x.size() && k < lines[i].y.size(); ++k) {
      if (x[k] <= 0 || lines[i].y[k] <= 0) continue;
      last_y = up.place(lines[i].y[k]);
      add(points, "%.1f,%.1f ", across.place(x[k]), last_y);
      add(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", across.place(x[k]),
          last_y, colour);
    }
    out += "<polyline fill=\"none\" stroke-width=\"2\" stroke=\"" + std::string(colour) +
           "\" points=\"" + points + "\"/>\n";
    add_text(out, kWidth - kRight + 8, last_y + 4, "start", lines[i].name);
  }
  return out + "</svg>\n";
}

}  // namespace kith::bench
