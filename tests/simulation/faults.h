// Faults: random faults, until they are stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "tests/simulation/partition_faults.h"
#include "tests/simulation/seeded_random.h"
#include "tests/simulation/world.h"

namespace kith::sim {

class Faults {
 public:
  Faults(World& world, std::uint64_t seed);
  ~Faults();

  // Chooses the kinds of faults of this run and plans them between now and `until`.
  void plan(std::int64_t until);
  // Once before `until` a copy that was made earlier takes the server's place. Excludes setting clocks: devices
  // judge by the server's time which messages may be lost.
  void plan_restore(std::int64_t until);
  // Ends all faults: machines run, disks have room, the network is calm.
  void stop();

 private:
  struct Window {
    std::int64_t from;
    std::int64_t to;
  };
  void plan_network(std::int64_t until);
  void plan_devices(std::int64_t until);
  void plan_server(std::int64_t until);
  void plan_disks(std::int64_t until);
  void calm_disks();
  void slow_disks();
  void failing_disks(Window window);
  void kill_device(Device& device);
  void touch_clock(Node& node);
  void kill_in_commit(Device& device);
  void hold_log(bool held);
  void copy_by_parts(std::int64_t takes_ms);
  void crash_server();
  void revive_server();
  void revive(Device& device);
  // Calls `what` up to `most` times before `until`.
  void sometimes(int most, std::int64_t until, const std::function<void()>& what);
  Window window(std::int64_t until, std::int64_t longest);
  Device& any_device() { return *world_.devices()[random_.below(world_.devices().size())]; }
  [[nodiscard]] bool in(const Window& w) const {
    return !stopped_ && world_.now() >= w.from && world_.now() < w.to;
  }

  World& world_;
  SeededRandom random_;
  SeededRandom changes_;   // of the directory, that a crash follows
  SeededRandom sessions_;  // of the registry and the bus
  SeededRandom copies_;    // of the log, for which it is held
  std::vector<std::unique_ptr<PartitionFaults>> partitions_;
  bool stopped_ = false;
  bool restores_ = false;
  std::optional<ServerDisks::Copy> copy_;
};

}  // namespace kith::sim
