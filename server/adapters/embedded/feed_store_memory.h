// A feed store in memory whose "disk" outlives it: a batch is on it wholly or not at all.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "kith/core/scheduler.h"
#include "kith/core/time.h"
#include "kith/server/ports/feed_store.h"

namespace kith::server {

class FeedStoreMemory : public FeedStore {
 public:
  struct ApplyFault {
    Error error;
    bool applied = false;  // the batch was stored all the same: an unknown outcome
  };

  // The data that survive a crash of the process, and the faults of the device that it stands for.
  struct Disk {
    std::uint64_t runs = 0;
    std::map<UserId, std::map<ConversationId, FeedRow>> entries;
    std::map<ConversationId, FeedVersion> groups;
    std::map<UserId, FeedVersion> users;
    FeedVersion horizon = 0;

    std::function<Millis()> apply_delay;  // null: at the next turn of the loop
    std::function<Millis()> read_delay;   // null: inside the call
    std::function<std::optional<ApplyFault>()> apply_fault;
    std::function<std::optional<Error>()> read_fault;
    // At a crash: is the batch that was just being written found stored? Null: no.
    std::function<bool()> survives_crash;
  };

  // `scheduler` outlives the store.
  FeedStoreMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler);
  // A crash: no callback comes any more.
  ~FeedStoreMemory() override;

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
  struct Waiting {
    std::shared_ptr<const FeedBatch> batch;
    Done<void> done;
  };
  void schedule();
  void write_next();
  template <class T, class Read>
  void answer(Done<T> done, Read read);

  std::shared_ptr<Disk> disk_;
  Scheduler& scheduler_;
  std::deque<Waiting> waiting_;
  bool scheduled_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
