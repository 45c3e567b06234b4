// A feed store in memory whose "disk" outlives it: a batch is on it wholly or not at all.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "kith/core/scheduler.h"
#include "kith/server/ports/feed_store.h"
#include "server/adapters/embedded/memory_batches.h"

namespace kith::server {

class FeedStoreMemory : public FeedStore {
 public:
  using ApplyFault = MemoryFaults::ApplyFault;

  // The data that survive a crash of the process.
  struct Disk : MemoryFaults {
    std::uint64_t runs = 0;
    std::map<UserId, std::map<ConversationId, FeedRow>> entries;
    std::map<ConversationId, FeedVersion> groups;
    std::map<UserId, FeedVersion> users;
    FeedVersion horizon = 0;
  };

  // `scheduler` outlives the store. Destroying it is a crash: no callback comes any more.
  FeedStoreMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler);

  Result<std::uint64_t> begin() override;
  void apply(std::shared_ptr<const FeedBatch> batch, Done<void> done) override;
  void changed(const UserId& user, FeedVersion after, std::size_t limit,
               Done<std::vector<FeedEntry>> done) override;
  void list(const UserId& user, FeedVersion before, std::size_t limit,
            Done<std::vector<FeedEntry>> done) override;
  void large(const UserId& user, Done<std::vector<FeedEntry>> done) override;
  void user_state(const UserId& user, Done<FeedVersion> done) override;
  [[nodiscard]] FeedVersion horizon() const override { return disk_->horizon; }

 private:
  std::shared_ptr<Disk> disk_;
  MemoryBatches<Disk, FeedBatch> batches_;
};

}  // namespace kith::server
