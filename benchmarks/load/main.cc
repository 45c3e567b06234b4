// kith-bench: loads a server and reports the figures.
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "benchmarks/load/options.h"
#include "benchmarks/load/plot.h"
#include "benchmarks/load/scenario.h"

namespace {

using kith::bench::Options;
using kith::bench::Report;

int fail(const kith::Error& error) {
  std::fprintf(stderr, "kith-bench: %s\n", error.to_string().c_str());
  return error.code == kith::ErrorCode::kBadConfig ? 2 : 1;
}

kith::Status pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) == 0) return {};
  return kith::make_error(kith::ErrorCode::kBadConfig,
                          "--cpu " + std::to_string(cpu) + " is no core of this machine");
}

kith::Status plot(const Options& options, const std::vector<Report>& reports) {
  std::vector<double> rates;
  kith::bench::PlotLine p50{"p50", {}};
  kith::bench::PlotLine p99{"p99", {}};
  kith::bench::PlotLine p999{"p99.9", {}};
  for (const Report& report : reports) {
    rates.push_back(report.get("rate"));
    p50.y.push_back(report.get("p50_ms"));
    p99.y.push_back(report.get("p99_ms"));
    p999.y.push_back(report.get("p999_ms"));
  }
  std::ofstream file(options.plot_file);
  file << kith::bench::plot_svg("from the intended moment of sending to the receiver, " +
                                    std::to_string(options.connections) + " connections",
                                "messages per second", "ms", rates, {p50, p99, p999});
  if (file.flush()) return {};
  return kith::make_error(kith::ErrorCode::kIo, options.plot_file + ": cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = kith::bench::parse_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options) return fail(options.error());
  if (options->help) {
    std::fputs(kith::bench::help_text(), stdout);
    return 0;
  }
  std::signal(SIGPIPE, SIG_IGN);
  if (options->cpu >= 0) {
    if (const auto pinned = pin(options->cpu); !pinned) return fail(pinned.error());
  }
  const bool live = isatty(STDERR_FILENO) == 1;
  std::function<void(const std::string&)> line;
  if (live) {
    line = [](const std::string& text) { std::fprintf(stderr, "\r\033[K%s", text.c_str()); };
  }
  kith::bench::Stage stage(*options, line);
  const auto reports = kith::bench::run_scenario(stage);
  if (live) std::fputs("\r\033[K", stderr);
  if (!reports) return fail(reports.error());
  bool honest = true;
  for (const Report& report : *reports) {
    honest = honest && report.honest();
    std::printf("%s\n", options->json ? report.json().c_str() : report.table().c_str());
  }
  if (!options->plot_file.empty()) {
    if (const auto drawn = plot(*options, *reports); !drawn) return fail(drawn.error());
  }
  return honest ? 0 : 1;
}
