// Scenarios of being away: users who were offline (catchup), a server that was killed (crash).
#include <algorithm>

#include "benchmarks/load/scenario.h"
#include "benchmarks/load/server_process.h"
#include "client/transport/url.h"

namespace kith::bench {
namespace {

constexpr Micros kPatience = 120 * kSecond;
constexpr Micros kStartPatience = 30 * kSecond;
constexpr double kDrainPatience = 60;

double seconds_since(Micros began) {
  return static_cast<double>(now_us() - began) / 1e6;
}

}  // namespace

// Sessions [0, n) are away while [n, 2n) write to them, one to one.
Reports run_catchup(Stage& stage) {
  const Options& options = stage.options;
  TrafficOptions with;
  with.bytes = options.bytes;
  with.closed_loop = false;
  with.until = Until::kReceived;
  const std::uint32_t users = options.connections / 2;
  if (auto open = stage.open(with, 2 * users); !open) return open.error();
  for (std::uint32_t k = 0; k < users; ++k) {
    const auto id = ConversationId::direct(stage.fleet->user(k), stage.fleet->user(users + k));
    stage.traffic->add_conversation(id, {users + k, k}, 1, true);
  }
  if (auto up = stage.bring_up_all(); !up) return up.error();
  stage.fleet->leave(0, users);
  const std::uint64_t all = std::uint64_t{users} * options.queued;
  for (std::uint32_t q = 0; q < options.queued; ++q) {
    for (std::uint32_t k = 0; k < users; ++k) stage.traffic->offer(k, now_us());
  }
  const bool queued =
      stage.fleet->run(now_us() + kPatience, [&] { return stage.traffic->acknowledged() == all; });
  if (stage.fleet->fatal()) return *stage.fleet->fatal();
  if (!queued) return make_error(ErrorCode::kTimeout, "the messages could not all be sent");
  stage.fleet->connect_times = Histogram();
  stage.start_use();
  stage.traffic->measure(true);
  const Micros began = now_us();
  if (auto up = stage.fleet->bring_up(0, users, kPatience); !up) return up.error();
  const double all_up = seconds_since(began);
  stage.fleet->run(began + kPatience, [&] { return stage.traffic->unfinished() == 0; });
  const double seconds = seconds_since(began);
  stage.traffic->measure(false);
  stage.end_use();
  if (stage.fleet->fatal()) return *stage.fleet->fatal();
  Report report("catchup");
  stage.fill(report);
  report.set_latency("", stage.fleet->connect_times);
  report.set("users", users);
  report.set("queued", options.queued);
  report.set("all_up_s", all_up);
  report.set("all_delivered_s", seconds);
  return std::vector<Report>{report};
}

Reports run_crash(Stage& stage) {
  const Options& options = stage.options;
  const auto url = client::parse_server_url(options.url);
  if (!url) return url.error();
  ServerProcess server(options.server_command);
  if (auto started = server.start(*url, kStartPatience); !started) return started.error();
  stage.server_is(server.pid());
  TrafficOptions with;
  with.outstanding = options.outstanding;
  with.bytes = options.bytes;
  with.until = Until::kReceived;
  with.keep_acknowledged = true;
  if (auto open = stage.open(with, options.connections); !open) return open.error();
  const std::uint32_t pairs = std::max(1U, options.connections / 2);
  stage.add_pairs(pairs);
  if (auto up = stage.bring_up_all(); !up) return up.error();
  stage.traffic->go(0, pairs);
  stage.traffic->measure(true);
  stage.start_use();
  FastRandom random;
  Histogram restarts;
  Histogram accepted;
  const double share = options.seconds / options.kills;
  for (std::uint32_t kill = 0; kill < options.kills; ++kill) {
    const double jitter = static_cast<double>(random.below(1000)) / 1000;
    if (auto run = stage.run_for(share * (0.5 + jitter)); !run) return run.error();
    server.kill_now();
    const Micros killed = now_us();
    if (auto started = server.start(*url, kStartPatience); !started) return started.error();
    restarts.record(now_us() - killed);
    stage.server_is(server.pid());
    const std::uint64_t before = stage.traffic->acknowledged();
    const bool alive = stage.fleet->run(now_us() + kPatience,
                                        [&] { return stage.traffic->acknowledged() > before; });
    if (stage.fleet->fatal()) return *stage.fleet->fatal();
    if (!alive) return make_error(ErrorCode::kTimeout, "the server came back but takes nothing");
    accepted.record(now_us() - killed);
  }
  stage.traffic->pause();
  stage.traffic->measure(false);
  if (auto drained = stage.drain(kDrainPatience); !drained) return drained.error();
  // Received before a kill says nothing about what the server still has: read it all again.
  stage.traffic->audit();
  stage.fleet->run(now_us() + kPatience, [&] { return stage.traffic->audited(); });
  if (stage.fleet->fatal()) return *stage.fleet->fatal();
  if (!stage.traffic->audited())
    return make_error(ErrorCode::kTimeout, "not all could be read back");
  stage.server_is(0);  // several processes have no CPU time in common
  stage.end_use();
  Report report("crash");
  stage.fill(report);
  report.set("kills", options.kills);
  report.set("lost", static_cast<double>(stage.traffic->lost() + stage.traffic->audit_lost()));
  report.set_latency("restart_", restarts);
  report.set_latency("accepted_again_", accepted);
  return std::vector<Report>{report};
}

}  // namespace kith::bench
