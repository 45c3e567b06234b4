// The conversation store in one SQLite file (store.db): batches are written by a thread of their
// own, reads come from a second
// connection on the caller's thread.
#pragma once

#include <memory>
#include <string>

#include "kith/core/executor.h"
#include "kith/server/ports/conversation_store.h"
#include "server/adapters/embedded/batch_thread.h"

namespace kith {
class Database;
}  // namespace kith

namespace kith::server {

class ConversationStoreSqlite : public ConversationStore {
 public:
  // Opens or creates `path`. `executor` runs the callbacks of apply() and outlives the store.
  // `pages_max` limits the file's
  // size (4 KiB pages); 0 = the disk. Fails with kCacheTooNew, kCacheCorrupt, kDiskFull, kIo.
  static Result<std::unique_ptr<ConversationStoreSqlite>> open(const std::string& path,
                                                               Executor& executor,
                                                               std::uint64_t pages_max = 0);
  // See ~BatchThread().
  ~ConversationStoreSqlite() override;

  Result<StoredUpTo> applied() override;
  // `done` comes after the batch is synced to the disk: the log may be trimmed up to its position.
  void apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) override;
  void load(const ConversationId& id, Done<std::optional<Conversation>> done) override;
  Result<std::vector<Conversation>> load_all(const std::vector<ConversationId>& ids) override;
  void find(const ConversationId& id, const UserId& sender, const MessageId& message,
            Done<std::optional<Placement>> done) override;
  void events(const EventQuery& query, Done<std::vector<Event>> done) override;
  void heads(const ConversationId& after, Position changed_after, std::size_t limit,
             Done<HeadsPage> done) override;

 private:
  ConversationStoreSqlite(std::unique_ptr<Database> writer, std::unique_ptr<Database> reader,
                          Executor& executor);
  Status look_for_old_events();
  Result<std::vector<Event>> newest(const EventQuery& query);
  Result<std::vector<Event>> oldest(const EventQuery& query);
  Status old_events(const EventQuery& query, std::vector<Event>& to);
  Result<std::optional<Placement>> find_now(const ConversationId& id, const UserId& sender,
                                            const MessageId& message);
  Result<std::optional<Placement>> find_old(const ConversationId& id, const UserId& sender,
                                            const MessageId& message);

  const std::unique_ptr<Database> writer_;  // worker thread
  const std::unique_ptr<Database> reader_;  // thread of the executor
  bool old_events_ = false;                 // there are some of before version 5
  BatchThread batches_;
};

}  // namespace kith::server
