// Partition: one partition of conversations as a part of the server, which begins it, watches it and ends it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "kith/core/result.h"
#include "kith/server/ports/conversation_store.h"
#include "server/conversation/partition_owner.h"
#include "server/conversation/store_pace.h"
#include "server/delivery/fanout.h"
#include "server/health/service_health.h"
#include "server/records/feed_marks.h"
#include "server/requests/relations.h"
#include "src/weighed_cache.h"

namespace kith::server {

// The share of one partition in what a server may have.
struct PartitionBounds {
  LagMarks lag;
  CacheBounds cache;
  std::uint32_t large_pushes_per_s = 0;
};

// PartitionFront is the front of the server as a partition sees it. All parts outlive the partition.
struct PartitionFront {
  FeedMarks& marks;
  Relations& relations;
  Fanout& fanout;
  ServiceHealth* health = nullptr;  // what fails is noted there; may be null
  // Called for every batch that the store has taken.
  std::function<void(const std::shared_ptr<const StoreBatch>&)> stored{};
  // Called each time when a partition in another process can be reached again, maybe in the process of another owner:
  // it knows of no session, and what was pushed meanwhile is lost. `stored`: up to where its store has everything. May
  // be null.
  std::function<void(Position stored)> reached{};
};

class Partition {
 public:
  virtual ~Partition() = default;

  // A log at the start: the store has what is up to `applied`.
  struct LogSpan {
    Position applied = 0;
    Position end = 0;
  };
  // Decides again what the store does not have yet, and serves. Before anything else; blocks.
  virtual Result<LogSpan> start() = 0;

  [[nodiscard]] virtual PartitionOwner& owner() = 0;
  // While it is held the log keeps everything: somebody copies it. `done` when that is so.
  virtual void hold_log(bool held, Done<void> done) = 0;
  // Tries a failing log again.
  virtual void probe() = 0;
  // Records that the store does not have yet, as of a moment ago.
  [[nodiscard]] virtual std::uint64_t apply_lag() const = 0;
  // Adds to "messages_placed", "apply_lag", "commands_held", "journal_lag" and what the caches have, as of
  // a moment ago.
  virtual void add_stats(std::map<std::string, std::uint64_t>& all) const = 0;
};

}  // namespace kith::server
