// The feed store in one SQLite file (feed.db): batches are written by a thread of their own, reads come
// from a second connection on the caller's thread.
#pragma once

#include <memory>
#include <string>

#include "kith/core/executor.h"
#include "kith/server/ports/feed_store.h"
#include "server/adapters/embedded/batch_thread.h"

namespace kith {
class Database;
}

namespace kith::server {

class FeedStoreSqlite : public FeedStore {
 public:
  // Opens or creates `path`. A new one takes over the feeds that a conversation store of an earlier
  // release kept: `store` is its file, which has been opened by this release before; empty: there is
  // none. `executor` runs the callbacks of apply() and outlives the store. `pages_max` limits the file's
  // size (4 KiB pages); 0 = the disk. Fails with kCacheTooNew, kCacheCorrupt (also if `store` has
  // conversations whose feeds were here, and are gone), kDiskFull, kIo.
  static Result<std::unique_ptr<FeedStoreSqlite>> open(const std::string& path,
                                                       const std::string& store, Executor& executor,
                                                       std::uint64_t pages_max = 0);
  // See ~BatchThread().
  ~FeedStoreSqlite() override;

  Result<std::uint64_t> begin() override;
  void apply(std::shared_ptr<const FeedBatch> batch, Done<void> done) override;
  void changed(const UserId& user, FeedVersion after, std::size_t limit,
               Done<std::vector<FeedEntry>> done) override;
  void list(const UserId& user, FeedVersion before, std::size_t limit,
            Done<std::vector<FeedEntry>> done) override;
  void large(const UserId& user, Done<std::vector<FeedEntry>> done) override;
  void user_state(const UserId& user, Done<FeedVersion> done) override;

 private:
  FeedStoreSqlite(std::unique_ptr<Database> writer, std::unique_ptr<Database> reader,
                  Executor& executor);

  const std::unique_ptr<Database> writer_;  // worker thread, once that runs
  const std::unique_ptr<Database> reader_;  // thread of the executor
  BatchThread batches_;
};

}  // namespace kith::server
