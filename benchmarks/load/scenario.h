// The scenarios of kith-bench: each brings up what it needs, measures, and reports.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/load/fleet.h"
#include "benchmarks/load/index_watch.h"
#include "benchmarks/load/options.h"
#include "benchmarks/load/process_use.h"
#include "benchmarks/load/report.h"
#include "benchmarks/load/traffic.h"

namespace kith::bench {

// The base of every scenario.
class Stage {
 public:
  // `line` gets the progress of each second; null = silent.
  Stage(const Options& asked, std::function<void(const std::string&)> line)
      : options(asked), line_(std::move(line)) {}

  Status open(const TrafficOptions& traffic, std::uint32_t sessions);
  // 1:1 conversations of sessions 2k and 2k + 1 for k < pairs; more of them if `conversations` says
  // so (0 = no), as Partners tells.
  void add_pairs(std::uint32_t pairs, std::uint32_t conversations = 0);
  Status bring_up_all();

  // Runs for that long; only a fatal error ends it earlier.
  Status run_for(double seconds);
  // Runs until everything offered is done, or nothing has been for `patience_s`.
  Status drain(double patience_s);

  // From here on use of CPU counts.
  void start_use();
  void end_use();
  // connections, messages, per_s, latencies, lost, duplicated, use.
  void fill(Report& report) const;
  void fill_use(Report& report, double messages) const;
  void server_is(int pid) { pid_ = pid; }

  const Options& options;
  std::unique_ptr<Traffic> traffic;
  std::unique_ptr<Fleet> fleet;
  std::optional<ProcessUse> server_before_connections;

 private:
  void progress(Micros now);
  std::function<void(const std::string&)> line_;
  std::string phase_ = "connecting";
  std::uint64_t done_before_ = 0;
  int pid_ = 0;
  std::optional<IndexWatch> index_;
  double index_faults_ = 0;
  struct Use {
    std::optional<ProcessUse> server_from, server_to, load_from, load_to;
    Micros from = 0, to = 0;
  } use_;
};

using Reports = Result<std::vector<Report>>;
Reports run_pairs(Stage& stage);
Reports run_open(Stage& stage);
Reports run_group(Stage& stage);
Reports run_connect(Stage& stage);
Reports run_signin(Stage& stage);
Reports run_idle(Stage& stage);
Reports run_reconnect(Stage& stage);
Reports run_catchup(Stage& stage);
Reports run_crash(Stage& stage);

Reports run_scenario(Stage& stage);

}  // namespace kith::bench
