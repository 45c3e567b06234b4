// Shadow: the decided history of one shared log, made from the log alone. Its stored part is the truth of a run; all
// of it is compared with what owners say.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "tests/simulation/owners/cell_store.h"
#include "tests/simulation/owners/one_history.h"
#include "tests/simulation/owners/shared_log.h"
#include "tests/simulation/watched_ports.h"

namespace kith::sim {

class Shadow {
 public:
  // `disks`: of the partition, which the shadow alone writes. Both outlive this.
  Shadow(std::uint32_t partition, const PartitionDisks& disks, PortsWatch& watch)
      : partition_(partition), disks_(disks), watch_(watch) {}

  // A record has come into the log.
  void landed(const server::LogEntry& entry);
  // The store of the owners has everything up to there.
  void stored(server::Position upto);

  [[nodiscard]] const OneHistory& history() const { return history_; }

 private:
  struct Decided {
    server::Position position = 0;
    server::EventPtr event;
    server::Conversation after;  // empty id: nothing changed
    server::UserList changed;
  };

  const std::uint32_t partition_;
  const PartitionDisks disks_;
  PortsWatch& watch_;
  OneHistory history_;
  std::deque<Decided> unstored_;
};

}  // namespace kith::sim
