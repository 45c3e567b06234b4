// Cluster: processes with conversations behind the front of the simulated server. They own the partitions, one after
// the other or, by mistake, at the same time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/dispatch/linked_partition.h"
#include "tests/simulation/cluster/cluster_rules.h"
#include "tests/simulation/cluster/owner_process.h"
#include "tests/simulation/cluster/peers.h"
#include "tests/simulation/cluster/relays.h"
#include "tests/simulation/cluster/shadow.h"
#include "tests/simulation/world.h"

namespace kith::sim {

class Cluster {
 public:
  static constexpr std::uint32_t kPartitions = 4;
  static constexpr std::uint32_t kHomes = 2;
  static constexpr std::int64_t kFrozenMs = 15'000;  // at most

  // Before the start of the server, whose partitions it takes; `world` outlives it.
  Cluster(World& world, std::uint64_t seed, BrokenInCluster broken);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Chooses the kinds of faults of this run and plans them between now and `until`.
  void plan(std::int64_t until);
  // Ends all faults: each partition has one owner, which can be reached.
  void stop();
  // Compares what the stores have with the history that the logs decide.
  [[nodiscard]] std::string difference() const;
  [[nodiscard]] const OneHistory& history(std::uint32_t partition) const {
    return partitions_.at(partition).shadow->history();
  }

 private:
  struct PartitionState {
    std::shared_ptr<SharedTopic> topic;
    std::shared_ptr<Cells> cells;
    std::unique_ptr<Shadow> shadow;
    // The partition at a home.
    struct Side {
      server::LinkedPartition* front = nullptr;  // null: the home does not run
      std::shared_ptr<Connection> connection;    // as the home knows it
    };
    std::vector<Side> sides;  // by home
    std::uint64_t owner = 0;  // the process to which it is assigned; 0: to none
    std::uint64_t part = 0;   // in it
  };
  // A part of a process.
  struct Place {
    std::uint64_t process;
    std::uint64_t part;
  };

  // --- the homes ---
  [[nodiscard]] ServerNode& home(std::uint32_t number) { return *world_.servers()[number]; }
  std::vector<server::MakePartition> make_partitions(std::uint32_t home);
  void home_died(std::uint32_t home);
  void offer(OwnerProcess& process, OwnerPart& part, std::uint32_t home);
  void accept(std::uint32_t partition, Place from, std::uint32_t home, std::uint64_t epoch);
  // Everything on its way is lost; each side notices in its own time, unless it did it.
  void cut(const std::shared_ptr<Connection>& connection, bool by_front);
  // Cuts all connections of a part.
  void cut_all(const OwnerPart& part);
  void tell_front(const std::shared_ptr<Connection>& connection, std::int64_t ms);
  void tell_owner(const std::shared_ptr<Connection>& connection);

  // --- processes ---
  OwnerProcess& begin_process();
  OwnerProcess* process(std::uint64_t number);
  OwnerPart* part(Place at);
  OwnerProcess& any_process() { return *processes_[random_.below(processes_.size())]; }
  // Another process than that one, if there is any.
  OwnerProcess& other_process(std::uint64_t than);
  void kill(std::uint64_t process);
  void assign(std::uint32_t partition, OwnerProcess& to);
  void assign_later(std::uint32_t partition, std::uint64_t not_to, std::int64_t ms);
  void drop(Place at);
  void drop_later(Place at, std::int64_t ms);
  void look_after(Place at);
  void look_at(OwnerProcess& process, OwnerPart& part);
  void look_at(OwnerProcess& process, OwnerPart& part, std::uint32_t home);

  // --- faults ---
  void sometimes(int most, std::int64_t until, const std::function<void()>& what);
  void kill_one();
  // The process ends, and others get its partitions later.
  void end(std::uint64_t process);
  // A process begins to write a batch: a fault may wait for that.
  void batch_begins(std::uint64_t process);
  void freeze_one();
  void thaw(std::uint64_t process);
  void move_one(bool planned);
  void break_one();
  void cut_off_one();
  void kill_home();
  void revive_home(std::uint32_t home);

  World& world_;
  const BrokenInCluster broken_;
  SeededRandom random_;
  SeededRandom topic_random_;
  SeededRandom cells_random_;
  SeededRandom wire_random_;
  Node broker_;
  WireDelays delays_;
  server::PartitionBounds bounds_;
  std::vector<PartitionState> partitions_;
  std::vector<std::unique_ptr<OwnerProcess>> processes_;
  Relays relays_;
  Peers peers_;
  std::uint64_t begun_ = 0;
  std::uint64_t parts_begun_ = 0;
  bool calm_ = false;
  bool kills_at_batch_ = false;  // the next process that writes one
};

}  // namespace kith::sim
