// ServerNode: the process of the simulated server, on the disks of its machine, which survive it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/server_core.h"
#include "tests/simulation/entrance.h"
#include "tests/simulation/rules.h"
#include "tests/simulation/server_disks.h"
#include "tests/simulation/trace.h"
#include "tests/simulation/watched_ports.h"

namespace kith::sim {

class ServerNode {
 public:
  // `entrance` is the way of its devices; `disks`: of the whole server. Both outlive this.
  ServerNode(VirtualTime& time, Entrance& entrance, Trace& trace, PortsWatch& watch,
             ServerDisks& disks, const server::Home& home, std::uint64_t seed, Rule broken);
  ~ServerNode();

  // The form in which the server keeps a password.
  static std::string hash_of(const std::string& password) { return "hash of " + password; }

  // Returns false if it could not start (a read error of its disks); try again.
  bool start();
  void crash();
  [[nodiscard]] bool running() const { return core_ != nullptr; }
  // Distinguishes one process from the next.
  [[nodiscard]] std::uint64_t starts() const { return starts_; }

  // A planned end: sessions are ended within `window`, then the process exits; `ended` follows.
  void drain(Millis window, std::function<void()> ended);
  // The registry loses its sessions.
  void forget_sessions();
  [[nodiscard]] server::ServerCore* core() { return core_.get(); }
  [[nodiscard]] Node& node() { return node_; }
  // Its devices come by another way; before the first start. Outlives this.
  void use(Entrance& entrance) { entrance_ = &entrance; }

  // The next start is on this copy. The process that runs is killed.
  void restore(const ServerDisks::Copy& copy);

  // Partitions in other processes, in place of its own; before the first start.
  struct Elsewhere {
    std::function<std::vector<server::MakePartition>()> make;  // at each start
    std::function<void()> died;                                // called before the process ends
  };
  Elsewhere elsewhere;

  // Other homes; before the first start.
  struct Peers {
    std::function<server::PresencePeers*()> make;         // at each start
    std::function<void(server::PresenceService&)> begun;  // the process has begun
    std::function<void()> died;                           // called before the process ends
  };
  Peers peers;

  // Broken on purpose: this home keeps records of other homes' users.
  bool keeps_foreign = false;

  // The knobs of the faults.
  [[nodiscard]] const ServerDisks& disks() const { return disks_; }
  double bus_loss = 0;
  std::int64_t bus_delay_max = 0;
  bool bus_says_loss = false;
  std::int64_t registry_delay_max = 0;
  double registry_fails = 0;
  std::set<std::uint32_t> logs_that_keep_all;  // partitions
  Millis token_life{0};                        // 0: tokens do not end
  std::size_t send_queue_hard_bytes = limits::send_queue_hard_bytes;
  server::LagMarks marks;  // these two from the next start on
  server::IndexStep index_step;
  std::uint32_t account_commands_per_s = limits::account_commands_per_s;
  std::uint32_t account_commands_burst = limits::account_commands_burst;
  [[nodiscard]] std::uint64_t rows_read() const;
  // Records on their way into the log of a partition.
  [[nodiscard]] std::size_t in_log(std::uint32_t partition) const {
    return ports_ && !elsewhere.make ? ports_->partitions.at(partition)->log.pending() : 0;
  }
  // Applies the above to a running process.
  void tune();

 private:
  void end();
  [[nodiscard]] std::string name() const;

  struct Passwords;
  struct Tokens;
  struct Ports {
    struct Partition {
      Partition(ServerNode& owner, std::uint32_t number, PortsWatch& watch,
                const bool& after_change);
      WatchedLog log;
      WatchedStore store;
    };
    Ports(ServerNode& owner, PortsWatch& watch);
    bool after_change = false;  // see WatchedLog
    std::vector<std::unique_ptr<Partition>> partitions;
    WatchedFeeds feeds;
    WatchedDirectory directory;
    WatchedRegistry registry;
    WatchedBus bus;
    WatchedIndex index;
  };

  // In the order of their numbers.
  [[nodiscard]] std::vector<server::PartitionPorts> partition_ports() const;

  VirtualTime& time_;
  Entrance* entrance_;
  Trace& trace_;
  PortsWatch& watch_;
  Rule broken_;
  Node node_;
  SeededRandom random_;       // of the server itself
  SeededRandom port_random_;  // of faults at its ports
  ServerDisks& disks_;
  const server::Home home_;
  std::unique_ptr<Passwords> passwords_;
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<server::ServerCore> core_;
  std::uint64_t starts_ = 0;
  std::optional<server::RunHistory> history_;
};

}  // namespace kith::sim
