// OwnerProcess: a process with conversations, and the partitions that it owns or believes to own.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "server/dispatch/owned_partition.h"
#include "server/link/partition_host.h"
#include "tests/simulation/cluster/cluster_rules.h"
#include "tests/simulation/cluster/wire.h"
#include "tests/simulation/owners/cell_store.h"
#include "tests/simulation/owners/process.h"
#include "tests/simulation/owners/shared_log.h"

namespace kith::sim {

// A connection between a home and a part of a process, with a wire each way.
struct Connection {
  std::uint32_t partition = 0;
  std::uint32_t home = 0;
  std::uint64_t number = 0;   // of the front's side
  std::uint64_t process = 0;  // of the owner
  std::uint64_t part = 0;
  std::uint64_t front = 0;  // which process of the home
  std::shared_ptr<Wire> to_owner;
  std::shared_ptr<Wire> to_front;
};

// OwnerPart: one partition in one process.
class OwnerPart {
 public:
  struct Engines {
    std::shared_ptr<SharedTopic> topic;
    std::shared_ptr<Cells> cells;
    server::PartitionBounds bounds;
    std::uint32_t homes = 1;
  };
  OwnerPart(std::uint64_t number, std::uint32_t partition, const Engines& engines, Process& process,
            ClusterRule broken);
  ~OwnerPart();

  [[nodiscard]] bool serving() { return owned_.shard().ownership().serving(); }
  [[nodiscard]] std::uint64_t epoch() {
    return owned_.shard().progress().tenures().current().epoch;
  }
  // The connection works: takes it into use once nothing in the log can be unknown here.
  void connect(server::OwnerLink& link, const std::shared_ptr<Connection>& connection);
  // It has broken.
  void disconnect(const Connection& connection);

  server::OwnedPartition& owned() { return owned_; }
  server::FrontLink& front(std::uint32_t home) { return host_.front(home); }
  SharedLog& log() { return log_; }

  const std::uint64_t number;  // of all parts of a run
  const std::uint32_t partition;
  bool leaving = false;
  // The way to a home.
  struct Side {
    std::shared_ptr<Connection> connection;  // null: none, as far as this side knows
    bool refused = false;  // that one was not taken into use: this part did not own the log then
  };
  std::vector<Side> sides;  // by home

 private:
  class BrokenMarks;
  void use(server::OwnerLink& link, const std::shared_ptr<Connection>& connection);

  SharedLog log_;
  CellStore store_;
  server::PartitionHost host_;
  std::unique_ptr<BrokenMarks> broken_;
  server::OwnedPartition owned_;
};

class OwnerProcess {
 public:
  OwnerProcess(VirtualTime& time, std::uint64_t its_number)
      : number(its_number), process(time, its_number) {}

  // Null if it has it no more.
  OwnerPart* part(std::uint64_t wanted);

  const std::uint64_t number;
  Process process;
  std::int64_t cut_off_until = 0;  // from the homes
  std::vector<std::unique_ptr<OwnerPart>> parts;
};

}  // namespace kith::sim
