// ServerDisks: what a server machine keeps whatever becomes of its process. Each partition of conversations has a log
// and a store of its own; feeds, directory, search index and the list of runs are there once.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/adapters/embedded/search_index_memory.h"
#include "server/records/run_history.h"

namespace kith::sim {

struct PartitionDisks {
  using Log = server::CommandLogMemory::Disk;
  using Store = server::ConversationStoreMemory::Disk;
  std::shared_ptr<Log> log = std::make_shared<Log>();
  std::shared_ptr<Store> store = std::make_shared<Store>();
};

class ServerDisks {
 public:
  using Feeds = server::FeedStoreMemory::Disk;
  using Directory = server::DirectoryMemory::Disk;
  using Index = server::SearchIndexMemory::Disk;

  // `homes`: of users. A restored server has one.
  explicit ServerDisks(std::uint32_t partitions, std::uint32_t homes = 1)
      : partitions_(partitions) {
    while (homes_.size() < homes) homes_.push_back({std::make_shared<Feeds>(), {}});
  }

  [[nodiscard]] std::uint32_t count() const {
    return static_cast<std::uint32_t>(partitions_.size());
  }
  [[nodiscard]] const std::vector<PartitionDisks>& partitions() const { return partitions_; }
  [[nodiscard]] PartitionDisks::Log& log(std::uint32_t partition) const {
    return *partitions_.at(partition).log;
  }
  [[nodiscard]] PartitionDisks::Store& store(std::uint32_t partition) const {
    return *partitions_.at(partition).store;
  }
  [[nodiscard]] std::uint32_t partition_of(const ConversationId& id) const;
  // The store in which the conversation lies.
  [[nodiscard]] PartitionDisks::Store& store_of(const ConversationId& id) const {
    return store(partition_of(id));
  }

  // The content of a backup.
  struct Copy {
    std::vector<PartitionDisks::Log> logs;      // by partition
    std::vector<PartitionDisks::Store> stores;  // the same
    Feeds feeds;
    Directory directory;
    Index index;
    std::vector<server::Run> runs;
    std::int64_t whole_ms = 0;  // of a copy made part by part: the server's time when it began
  };
  [[nodiscard]] Copy copy() const;
  // The next run begins on the copy.
  void restore(const Copy& copy);

  // A process begins: adds its run, behind the records of the first `logs` logs. On a copy the history is whole up to
  // where that began.
  void begin_run(std::uint64_t number, std::uint32_t logs, bool elsewhere = false,
                 std::uint32_t home = 0);
  [[nodiscard]] const std::vector<server::Run>& runs(std::uint32_t home = 0) const {
    return homes_.at(home).runs;
  }

  // Each home has a feed store and a list of runs of its own.
  [[nodiscard]] const std::shared_ptr<Feeds>& feeds(std::uint32_t home = 0) const {
    return homes_.at(home).feeds;
  }
  [[nodiscard]] const Feeds& feeds_of(const UserId& user) const;
  const std::shared_ptr<Directory> directory = std::make_shared<Directory>();
  const std::shared_ptr<Index> index = std::make_shared<Index>();

 private:
  std::vector<PartitionDisks> partitions_;
  struct HomeDisks {
    std::shared_ptr<Feeds> feeds;
    std::vector<server::Run> runs;
  };
  std::vector<HomeDisks> homes_;
  bool copied_ = false;
  std::int64_t whole_ms_ = 0;
};

}  // namespace kith::sim
