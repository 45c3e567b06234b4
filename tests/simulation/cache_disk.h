// CacheDisk: the client's cache on a device's flash, and a CacheStore on it that can be killed
// between any two writes, fill up, or lose unsynced data.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cache_store.h"

namespace kith::sim {

// The files of one account on one device, as they are after the process has ended.
struct CacheDisk {
  // cache.db: survives the process, the tail may be lost with the power.
  struct Cache {
    std::map<ConversationId, client::ConversationRecord> conversations;
    std::map<ConversationId, client::Ranges> ranges;
    std::map<ConversationId, std::map<std::uint64_t, client::StoredEvent>> events;
    std::map<std::uint64_t, std::pair<ConversationId, std::uint64_t>> places;  // of messages
    std::map<UserId, client::Profile> profiles;
    std::map<std::string, std::string> kv;
    std::uint64_t cursor = 0;
  };
  Cache cache;
  // outbox.db: synced with each commit.
  std::map<MessageId, client::OutboxRow> outbox;
  std::map<ConversationId, std::uint64_t> read_marks;
  DeviceId device;
  std::string run;

  // The cache as it was at the last sync that the system happened to make.
  std::optional<Cache> synced;
};

// Where in a commit the process is killed, or the disk is full.
enum class CommitPoint : std::uint8_t { kBefore, kBetweenFiles, kAfter };

struct CacheFaults {
  std::function<bool(CommitPoint)> full;    // null: never; not asked for kAfter
  std::function<bool(CommitPoint)> killed;  // null: never
};

class CacheStoreOnDisk : public client::CacheStore {
 public:
  // `committed`: a change is on the disk as a whole. `died`: dead() is true from here on. All
  // references outlive the store.
  CacheStoreOnDisk(CacheDisk& disk, const CacheFaults& faults,
                   std::function<void(const client::CacheChange&)> committed,
                   std::function<void()> died)
      : disk_(disk), faults_(faults), committed_(std::move(committed)), died_(std::move(died)) {}

  Result<client::CacheContent> load() override;
  Status commit(const client::CacheChange& change) override;
  Result<std::vector<client::StoredEvent>> events(const ConversationId& conversation,
                                                  std::uint64_t from, std::uint64_t before,
                                                  std::size_t limit) override;
  std::optional<client::StoredEvent> find_message(const ConversationId& conversation,
                                                  const MessageId& id) override;
  Result<std::vector<client::FoundEvent>> search(const client::SearchRequest& request) override;
  Result<bool> index_more(std::size_t) override { return false; }

  // Killed: no write reaches the disk any more, until the process is gone.
  [[nodiscard]] bool dead() const { return dead_; }

 private:
  bool killed(CommitPoint point);
  bool full(CommitPoint point) const { return faults_.full && faults_.full(point); }
  static client::CacheChange history_forgotten();
  void write_cache(const client::CacheChange& change);
  void write_outbox(const client::CacheChange& change);

  CacheDisk& disk_;
  const CacheFaults& faults_;
  std::function<void(const client::CacheChange&)> committed_;
  std::function<void()> died_;
  bool dead_ = false;
};

}  // namespace kith::sim
