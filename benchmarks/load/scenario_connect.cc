// Scenarios of connecting and staying: connect, signin, idle, reconnect.
#include <algorithm>

#include "benchmarks/load/scenario.h"

namespace kith::bench {
namespace {

constexpr Micros kSocketPatience = 9 * kSecond;  // a server gives a connection 10 s to say Hello
constexpr Micros kReconnectPatience = 180 * kSecond;
constexpr std::uint32_t kSignInWave = 1000;

void fill_sessions(const Stage& stage, Report& report, double sessions, double seconds) {
  report.set("connections", stage.fleet->size());
  report.set("messages", 0);
  report.set("sessions", sessions);
  report.set("per_s", sessions / std::max(1e-6, seconds));
  report.set("lost", 0);
  report.set("duplicated", 0);
  report.set("disconnects", static_cast<double>(stage.fleet->disconnects));
  report.set("connect_failures", static_cast<double>(stage.fleet->connect_failures));
}

double seconds_since(Micros began) {
  return static_cast<double>(now_us() - began) / 1e6;
}

}  // namespace

Reports run_connect(Stage& stage) {
  if (auto open = stage.open({}, stage.options.connections); !open) return open.error();
  stage.start_use();
  const Micros began = now_us();
  if (auto up = stage.bring_up_all(); !up) return up.error();
  const double seconds = seconds_since(began);
  stage.end_use();
  Report report("connect");
  fill_sessions(stage, report, stage.fleet->size(), seconds);
  report.set_latency("", stage.fleet->connect_times);
  stage.fill_use(report, stage.fleet->size());
  return std::vector<Report>{report};
}

Reports run_signin(Stage& stage) {
  if (auto open = stage.open({}, stage.options.connections); !open) return open.error();
  // The users are there before the clock runs: signing in for the first time creates them.
  if (auto up = stage.bring_up_all(); !up) return up.error();
  const std::uint32_t wave = std::min(kSignInWave, stage.fleet->size());
  stage.fleet->come_back_by_itself(false);
  stage.fleet->hello_times = Histogram();
  double waited = 0;
  std::uint64_t count = 0;
  std::uint32_t from = 0;
  Report report("signin");
  double cpu = 0;
  const Micros until = now_us() + static_cast<Micros>(stage.options.seconds * 1e6);
  do {
    const std::uint32_t to = std::min(from + wave, stage.fleet->size());
    stage.fleet->leave(from, to);
    if (auto sockets = stage.fleet->open_sockets(from, to, kSocketPatience); !sockets) {
      return sockets.error();
    }
    stage.start_use();
    const Micros began = now_us();
    for (std::uint32_t i = from; i < to; ++i) stage.fleet->hello(i);
    const std::uint64_t before = stage.fleet->signed_in;
    stage.fleet->run(now_us() + kSocketPatience,
                     [&] { return stage.fleet->signed_in - before == to - from; });
    if (stage.fleet->fatal()) return *stage.fleet->fatal();
    waited += seconds_since(began);
    stage.end_use();
    stage.fill_use(report, to - from);
    cpu += report.get("server_cpu_s");
    count += stage.fleet->signed_in - before;
    from = to == stage.fleet->size() ? 0 : to;
  } while (now_us() < until);
  fill_sessions(stage, report, static_cast<double>(count), waited);
  report.set_latency("", stage.fleet->hello_times);
  report.set("seconds", waited);
  report.set("server_cpu_s", cpu);
  report.set("server_cpu_percent", 100 * cpu / waited);
  report.set("server_cpu_us_each", 1e6 * cpu / static_cast<double>(count));
  return std::vector<Report>{report};
}

Reports run_idle(Stage& stage) {
  if (auto open = stage.open({}, stage.options.connections); !open) return open.error();
  if (auto up = stage.bring_up_all(); !up) return up.error();
  if (auto settle = stage.run_for(stage.options.warmup); !settle) return settle.error();
  stage.start_use();
  const Micros began = now_us();
  if (auto run = stage.run_for(stage.options.seconds); !run) return run.error();
  stage.end_use();
  Report report("idle");
  fill_sessions(stage, report, stage.fleet->ready(), seconds_since(began));
  report.set("per_s", 0);
  report.set_latency("", stage.fleet->connect_times);
  stage.fill_use(report, 0);
  if (stage.server_before_connections) {
    const double before = static_cast<double>(stage.server_before_connections->rss_bytes);
    report.set("server_rss_per_connection",
               (report.get("server_rss") - before) / stage.fleet->size());
  }
  return std::vector<Report>{report};
}

Reports run_reconnect(Stage& stage) {
  const Options& options = stage.options;
  TrafficOptions with;
  with.bytes = options.bytes;
  with.closed_loop = false;
  if (auto open = stage.open(with, options.connections); !open) return open.error();
  const std::uint32_t pairs = std::max(1U, options.connections / 2);
  stage.add_pairs(pairs);
  if (auto up = stage.bring_up_all(); !up) return up.error();
  // One message each before the cut, and one that is written while everybody is away.
  for (std::uint32_t k = 0; k < pairs; ++k) stage.traffic->offer(k, now_us());
  if (auto drained = stage.drain(10); !drained) return drained.error();
  stage.start_use();
  stage.traffic->measure(true);
  const Micros began = now_us();
  stage.fleet->connect_times = Histogram();
  stage.fleet->cut_all(options.jitter);
  for (std::uint32_t k = 0; k < pairs; ++k) stage.traffic->offer(k, began);
  double all_up = 0;
  const bool in_step = stage.fleet->run(began + kReconnectPatience, [&] {
    if (stage.fleet->ready() < stage.fleet->size()) return false;
    if (all_up == 0) all_up = seconds_since(began);
    return stage.traffic->unfinished() == 0;
  });
  const double seconds = seconds_since(began);
  stage.traffic->measure(false);
  stage.end_use();
  if (stage.fleet->fatal()) return *stage.fleet->fatal();
  if (!in_step) return make_error(ErrorCode::kTimeout, "not all sessions came back in sync");
  Report report("reconnect");
  stage.fill(report);
  report.set("sessions", stage.fleet->size());
  report.set("all_up_s", all_up);
  report.set("all_in_sync_s", seconds);
  report.set_latency("connect_", stage.fleet->connect_times);
  return std::vector<Report>{report};
}

}  // namespace kith::bench
