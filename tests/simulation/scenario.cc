// Scenario: first busy and faulty, then calm, then the verdict.
#include "tests/simulation/scenario.h"

#include <algorithm>
#include <vector>

#include "kith/core/limits.h"
#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/one_history_checker.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/search_all.h"
#include "tests/simulation/store_behind.h"
#include "tests/simulation/strangers.h"
#include "tests/simulation/workload.h"
#include "tests/simulation/world.h"

namespace kith::sim {
namespace {

constexpr std::int64_t kCalmStepMs = 5'000;
// Longer than the idle guard of the client (15 min), after which even a device that lost every push
// has asked again, and than the longest back-off.
constexpr std::int64_t kCalmLimitMs = 40 * 60'000;

constexpr std::int64_t kSearchLimitMs = 10 * 60'000;
constexpr std::int64_t kMissedMs = 4 * 60'000;

// A write of a cluster's store that is under way lands within this time.
constexpr std::int64_t kLandedMs = 10'000;

// Further actions of people in a run whose store is behind.
constexpr int kMoreActions = 150;

// A few messages make a step for the index full, and it goes on while more of them come.
constexpr server::IndexStep kSmallIndexStep{
    .conversations = 4, .messages = 3, .messages_of_one = 2};

// Invariant 16 along the way: no queue of a session is above its bound.
void watch_queues(World& world) {
  world.at(world.now() + 1'000, [&world] {
    server::ServerCore* core = world.server().core();
    if (core != nullptr) {
      const auto stats = core->stats();
      const std::uint64_t bound = limits::send_queue_hard_bytes + limits::frame_bytes_max;
      if (stats.at("send_queue_bytes") > stats.at("connections") * bound) {
        world.findings().broken(16, "the queues of sessions hold " +
                                        std::to_string(stats.at("send_queue_bytes")) + " bytes");
      }
    }
    if (world.network().most_buffered() > limits::write_ahead_bytes + limits::frame_bytes_max) {
      world.findings().broken(16, "a socket was given too much at once");
    }
    watch_queues(world);
  });
}

// Every message of a run has this word in it.
void search_everything(World& world) {
  const SearchAll all(world, "words");
  const std::int64_t limit = world.now() + kSearchLimitMs;
  bool good = true;
  while (good && !all.done() && world.now() < limit) good = world.run_until(world.now() + 1'000);
  if (good && !all.done()) world.findings().broken(20, "a search has no end");
}

std::vector<int> people_of(SeededRandom& random) {
  std::vector<int> devices(static_cast<std::size_t>(random.between(3, 5)));
  for (int& count : devices) count = static_cast<int>(random.between(1, 2));
  if (random.chance(0.2)) devices.front() = 3;
  if (random.chance(0.1)) devices.resize(8, 1);
  return devices;
}

// Waits until everything is up to date; false: a rule is broken. Otherwise `missing` says what is not, or is empty.
bool settle(World& world, std::int64_t limit, std::string& missing) {
  missing = "nothing was tried";
  while (world.now() < limit) {
    if (!world.run_until(world.now() + kCalmStepMs)) return false;
    if (!world.settled(&missing)) continue;
    missing.clear();
    break;
  }
  return true;
}

// Judges what is there when everything is up to date.
bool settle_and_judge(World& world, std::int64_t busy, bool in_cluster) {
  std::string missing;
  const std::int64_t limit = busy + kCalmLimitMs;
  bool good = settle(world, limit, missing);
  bool settled = missing.empty();
  // Where live pushes are lost to the end, those who miss them are notified by then.
  const bool losses_are_told = world.server().bus_says_loss && world.server().bus_loss > 0;
  if (good && settled && losses_are_told) good = world.run_until(world.now() + kMissedMs);
  if (good && settled && in_cluster) {
    good = world.run_until(world.now() + kLandedMs);
    // A device that has come meanwhile may have acknowledged something.
    if (good) good = settle(world, world.now() + kCalmLimitMs, missing);
    settled = missing.empty();
  }
  if (good) world.check_at_rest();  // more specific rules come first
  if (good && settled) search_everything(world);
  if (good && !settled) world.findings().broken(5, missing);
  return good;
}

// People get RATE_LIMITED, and wait.
void limit_commands(World& world) {
  for (const auto& server : world.servers()) {
    server->account_commands_per_s = 1;
    server->account_commands_burst = 4;
  }
}

}  // namespace

std::uint32_t partitions_of(std::uint64_t seed) {
  SeededRandom random(seed, 40);
  return random.chance(0.5) ? static_cast<std::uint32_t>(random.between(2, 4)) : 1;
}

RunResult run_scenario(const RunOptions& options) {
  SeededRandom random(options.seed, 0);
  World world(options.seed, people_of(random), options.broken,
              options.cluster ? Cluster::kPartitions
                              : options.partitions.value_or(partitions_of(options.seed)),
              std::nullopt, options.cluster ? Cluster::kHomes : 1);
  if (options.print) world.trace().print_to(options.print);
  std::optional<Cluster> cluster;
  if (options.cluster) {
    cluster.emplace(world, options.seed, options.broken_in_cluster);
    world.watch_with(
        std::make_unique<OneHistoryChecker>(world.truth(), world.findings(), *cluster));
  }
  std::optional<StoreBehind> store_behind;
  if (!cluster && (options.marks || SeededRandom(options.seed, 6).chance(0.2))) {
    store_behind.emplace(world, options.seed, options.marks.value_or(kFewRecords));
  }
  if (SeededRandom(options.seed, 8).chance(0.5)) world.server().index_step = kSmallIndexStep;
  if (SeededRandom(options.seed, 9).chance(0.2)) limit_commands(world);
  // Without passwords: people would not know the ones that they had. Where the slow store is what counts, the copy
  // would come back with less to write.
  const bool restores = !options.marks && !cluster && SeededRandom(options.seed, 27).chance(0.1);
  SeededRandom accounts(options.seed, 22);
  for (std::size_t user = 0; user < world.users() && !restores; ++user) {
    if (accounts.chance(0.25)) world.give_password(user);
  }
  SeededRandom hands(options.seed, 25);
  for (std::size_t device = 0; device < world.devices().size(); ++device) {
    if (hands.chance(0.15)) world.acknowledge_by_hand(device);
  }
  std::optional<Strangers> strangers;
  if (SeededRandom(options.seed, 24).chance(0.2)) strangers.emplace(world, options.seed);
  Faults faults(world, options.seed);
  Workload workload(world, options.seed);
  watch_queues(world);
  for (const auto& server : world.servers()) server->start();
  for (auto& device : world.devices()) device->start();

  const std::int64_t busy = random.between(30'000, 180'000);
  workload.plan(static_cast<int>(random.between(40, 120)), busy);
  if (restores) {
    workload.keep_accounts();
    faults.plan_restore(busy);
  }
  faults.plan(busy);
  if (cluster) cluster->plan(busy);
  if (strangers) strangers->plan(busy);
  if (store_behind) {
    workload.plan(kMoreActions, busy);
    store_behind->slow_down();
  }
  bool good = world.run_until(busy);
  faults.stop();
  if (cluster) cluster->stop();
  good = good && settle_and_judge(world, busy, options.cluster);

  RunResult result;
  result.violation = world.findings().first();
  result.tail = world.trace().tail();
  result.hash = world.trace().hash();
  result.steps = world.steps();
  result.virtual_ms = world.now();
  if (store_behind) result.waits = store_behind->waits();
  return result;
}

}  // namespace kith::sim
