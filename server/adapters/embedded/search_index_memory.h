// A search index in memory whose "disk" outlives it: a batch is on it wholly or not at all.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/search_index.h"
#include "src/guard.h"

namespace kith::server {

class SearchIndexMemory : public SearchIndex {
 public:
  // The data that survives a crash of the process, and the faults of the device that it stands for.
  struct Disk {
    std::map<std::uint32_t, Position> complete;  // by partition
    std::map<ConversationId, std::uint64_t> marks;
    std::map<std::uint64_t, IndexedMessage> messages;  // by place

    std::function<Millis()> delay;  // of all answers; null: at the next turn of the loop
    std::function<std::optional<Error>()> add_fault;
    std::function<std::optional<Error>()> read_fault;
    // The number of newest answered batches that a crash takes back. Null: none.
    std::function<std::size_t()> lost_at_crash;
  };

  // `scheduler` outlives the index.
  SearchIndexMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler);
  // A crash: no callback comes any more.
  ~SearchIndexMemory() override;

  Result<Position> complete(std::uint32_t partition) override;
  void begin_anew(Done<void> done) override;
  void add(std::shared_ptr<const IndexBatch> batch, Done<void> done) override;
  void marks(const std::vector<ConversationId>& ids,
             Done<std::vector<std::uint64_t>> done) override;
  void find(const IndexQuery& query, Done<std::vector<IndexHit>> done) override;

 private:
  struct Before {  // one batch
    std::map<std::uint32_t, Position> complete;
    std::vector<std::pair<ConversationId, std::uint64_t>> marks;
    std::vector<std::uint64_t> messages;
  };
  Result<std::uint64_t> place_for(const IndexedMessage& message) const;
  Status store(const IndexBatch& batch);
  void take_back(const Before& before);
  void later(std::function<void()> task);

  std::shared_ptr<Disk> disk_;
  Scheduler& scheduler_;
  std::deque<Before> newest_;  // what a power loss may take back, bounded
  Guard guard_;
};

}  // namespace kith::server
